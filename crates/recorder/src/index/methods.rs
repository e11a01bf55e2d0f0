//! Kinds of requests that keep their own folded rows.

use std::collections::HashSet;

use locust_model::{OTHER, Text};

/// Those of the others are folded under `other` too, since even methods are free text.
const MOST: usize = 32;

/// The first few methods.
#[derive(Debug, Default)]
pub(crate) struct Methods(HashSet<Text>);

impl Methods {
    /// The method itself, or `other` where there are too many.
    pub(crate) fn keep(&mut self, method: &str) -> Text {
        if let Some(known) = self.0.get(method) {
            return Text::clone(known);
        }
        if self.0.len() >= MOST {
            return OTHER.into();
        }
        let method = Text::from(method);
        self.0.insert(Text::clone(&method));
        method
    }
}
