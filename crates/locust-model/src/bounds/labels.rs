//! Cutting texts that are label values: receivers drop series whose label values are too long
//! (Mimir's limit is 2,048 bytes), and every series repeats them.

use std::borrow::Cow;

use crate::{Snapshot, State, Text};

/// Ends a label value that was cut.
const MARK: &str = "…";

/// A label value of at most `bytes` bytes, cut at the boundary of a character; one that was cut
/// ends in `…`.
pub fn cut_label(text: &str, bytes: usize) -> Cow<'_, str> {
    if text.len() <= bytes {
        return Cow::Borrowed(text);
    }
    let end = text.floor_char_boundary(bytes.saturating_sub(MARK.len()));
    Cow::Owned(format!("{}{MARK}", &text[..end]))
}

/// Cuts label values, and counts those that it has cut.
struct Cutter {
    bytes: usize,
    cut: u64,
}

impl Cutter {
    fn text(&mut self, text: &mut Text) {
        if let Cow::Owned(short) = cut_label(text, self.bytes) {
            *text = short.into();
            self.cut += 1;
        }
    }

    fn option(&mut self, text: &mut Option<Text>) {
        if let Some(text) = text {
            self.text(text);
        }
    }

    fn state(&mut self, state: &mut State) {
        if let State::Other(word) = state {
            self.text(word);
        }
    }
}

impl Snapshot {
    /// Cuts the label values of requests, errors and exceptions; answers how many.
    pub(super) fn cut_recorded(&mut self, bytes: usize) -> u64 {
        let mut cutter = Cutter { bytes, cut: 0 };
        for endpoint in &mut self.endpoints {
            cutter.text(&mut endpoint.method);
            cutter.text(&mut endpoint.name);
        }
        for error in &mut self.errors {
            cutter.text(&mut error.method);
            cutter.text(&mut error.name);
            cutter.text(&mut error.error);
        }
        for exception in self.exceptions.iter_mut().flatten() {
            cutter.text(&mut exception.message);
        }
        cutter.cut
    }

    /// Cuts the label values of what is known of the runner; answers how many.
    pub(super) fn cut_observed(&mut self, bytes: usize) -> u64 {
        let mut cutter = Cutter { bytes, cut: 0 };
        for text in [&mut self.version, &mut self.host, &mut self.run.id, &mut self.run.testplan] {
            cutter.option(text);
        }
        if let Some(state) = &mut self.state {
            cutter.state(state);
        }
        for worker in self.workers.iter_mut().flatten() {
            cutter.text(&mut worker.id);
            cutter.state(&mut worker.state);
        }
        for class in &mut self.users.by_class {
            cutter.text(&mut class.class);
        }
        for task in &mut self.tasks {
            cutter.text(&mut task.class);
            cutter.text(&mut task.task);
        }
        cutter.cut
    }
}
