//! The texts of all workers' rows: each is in memory once, however many bear it.

use std::collections::HashSet;

use locust_model::Text;

/// What a text takes beside its characters.
const TEXT_BYTES: usize = 48;

/// The texts of all workers' rows.
#[derive(Debug, Default)]
pub(super) struct Texts {
    all: HashSet<Text>,
    /// Bytes that they take, about.
    pub(super) bytes: usize,
}

impl Texts {
    /// The text that is kept already, if there is one.
    pub(super) fn keep(&mut self, text: Text) -> Text {
        if let Some(known) = self.all.get(&text) {
            return Text::clone(known);
        }
        self.bytes += TEXT_BYTES + text.len();
        self.all.insert(Text::clone(&text));
        text
    }

    /// Gives up those that nothing bears any more.
    pub(super) fn forget(&mut self) {
        let mut bytes = 0;
        self.all.retain(|text| {
            // One is here, another where the text is used.
            let is_borne = Text::strong_count(text) > 1;
            bytes += if is_borne { TEXT_BYTES + text.len() } else { 0 };
            is_borne
        });
        self.bytes = bytes;
    }
}
