//! The texts of all workers' rows: each is in memory once, however many bear it.

use std::borrow::Cow;
use std::collections::HashSet;

use locust_model::{Text, cut_label};

/// What a text takes beside its characters.
const TEXT_BYTES: usize = 48;

/// The texts of all workers' rows. A worker of another version may report label values that are
/// longer than they may be.
#[derive(Debug)]
pub(super) struct Texts {
    all: HashSet<Text>,
    /// Bytes of the longest label value.
    pub(super) label_bytes: usize,
    /// Texts that were cut since this was taken last.
    pub(super) cut: u64,
    /// Bytes that they take, about.
    pub(super) bytes: usize,
}

impl Texts {
    pub(super) fn new(label_bytes: usize) -> Self {
        Self { all: HashSet::new(), label_bytes, cut: 0, bytes: 0 }
    }

    /// A label value no longer than it may be.
    pub(super) fn label(&mut self, text: Text) -> Text {
        match cut_label(&text, self.label_bytes) {
            Cow::Borrowed(_) => text,
            Cow::Owned(short) => {
                self.cut += 1;
                short.into()
            }
        }
    }

    /// A label value as [`keep`](Self::keep) gives it, no longer than it may be.
    pub(super) fn keep_label(&mut self, text: Text) -> Text {
        let text = self.label(text);
        self.keep(text)
    }

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
