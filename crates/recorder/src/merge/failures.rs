//! The errors and exceptions of all workers together.

use std::collections::HashMap;

use locust_model::{OTHER, Text};

use super::incarnation::{ErrorKey, Place};
use crate::index::Methods;
use crate::{ErrorTotals, ExceptionTotals};

/// The errors of all workers together.
#[derive(Debug, Default)]
pub(super) struct Errors {
    index: HashMap<ErrorKey, usize>,
    rows: Vec<ErrorTotals>,
    /// Of errors that lost their texts.
    methods: Methods,
    folded: usize,
}

impl Errors {
    /// The place of an error, which is made if need be.
    pub(super) fn place(&mut self, key: &ErrorKey, most: usize) -> Place {
        if let Some(&row) = self.index.get(key) {
            return Place { row, is_lost: false };
        }
        let (method, name, error) = key;
        // Where others are folded to, from a worker that has done so.
        let is_other = [name, error].iter().all(|text| &***text == OTHER);
        let is_folded = is_other || self.rows.len() - self.folded >= most;
        let key = if is_folded {
            (self.methods.keep(method), OTHER.into(), OTHER.into())
        } else {
            key.clone()
        };
        let rows = &mut self.rows;
        let row = *self.index.entry(key).or_insert_with_key(|(method, name, error)| {
            self.folded += usize::from(is_folded);
            rows.push(ErrorTotals {
                method: Text::clone(method),
                name: Text::clone(name),
                error: Text::clone(error),
                occurrences: 0,
                first_seen: f64::INFINITY,
                last_seen: f64::NEG_INFINITY,
            });
            rows.len() - 1
        });
        Place { row, is_lost: is_folded && &**error != OTHER }
    }

    pub(super) fn add(&mut self, row: usize, more: u64, first: f64, last: f64) {
        let Some(row) = self.rows.get_mut(row) else { return };
        row.occurrences = row.occurrences.saturating_add(more);
        row.first_seen = row.first_seen.min(first);
        row.last_seen = row.last_seen.max(last);
    }

    /// Bytes that they take beside their texts, about.
    pub(super) fn bytes(&self) -> usize {
        self.rows.len() * (size_of::<ErrorTotals>() + size_of::<(ErrorKey, usize)>())
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn totals(&self) -> Vec<ErrorTotals> {
        self.rows.clone()
    }
}

/// The exceptions of all workers together.
#[derive(Debug, Default)]
pub(super) struct Exceptions {
    index: HashMap<Text, usize>,
    rows: Vec<ExceptionTotals>,
}

impl Exceptions {
    /// The place of an exception, which is made if need be.
    pub(super) fn place(&mut self, message: &Text, most: usize) -> Place {
        if let Some(&row) = self.index.get(message) {
            return Place { row, is_lost: false };
        }
        let is_lost = self.rows.len() >= most && &**message != OTHER;
        let message = if is_lost { OTHER.into() } else { Text::clone(message) };
        let rows = &mut self.rows;
        let row = *self.index.entry(message).or_insert_with_key(|message| {
            let message = Text::clone(message);
            rows.push(ExceptionTotals { message, count: 0 });
            rows.len() - 1
        });
        Place { row, is_lost }
    }

    pub(super) fn add(&mut self, row: usize, more: u64) {
        let Some(row) = self.rows.get_mut(row) else { return };
        row.count = row.count.saturating_add(more);
    }

    /// Bytes that they take beside their texts, about.
    pub(super) fn bytes(&self) -> usize {
        self.rows.len() * (size_of::<ExceptionTotals>() + size_of::<(Text, usize)>())
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn totals(&self) -> Vec<ExceptionTotals> {
        self.rows.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(method: &str, name: &str, error: &str) -> ErrorKey {
        (method.into(), name.into(), error.into())
    }

    /// A worker's errors that had lost their texts were counted as lost once more.
    #[test]
    fn errors_beyond_the_bound_are_lost_once() {
        let mut errors = Errors::default();
        let mut place = |method, name, text| errors.place(&error(method, name, text), 1);
        let kept = |row| Place { row, is_lost: false };
        assert_eq!(place("GET", "/", "a"), kept(0));
        assert_eq!(place("GET", "other", "other"), kept(1));
        assert_eq!(place("GET", "/", "b"), Place { row: 1, is_lost: true });
        assert_eq!(place("POST", "/", "b"), Place { row: 2, is_lost: true });
        assert_eq!(place("GET", "/", "a"), kept(0));
    }

    /// Where a worker's row of such exceptions came first, there were two of the same message.
    #[test]
    fn exceptions_beyond_the_bound_are_lost_once() {
        let mut exceptions = Exceptions::default();
        let mut place = |message: &str| exceptions.place(&message.into(), 1);
        assert_eq!(place("other"), Place { row: 0, is_lost: false });
        assert_eq!(place("a"), Place { row: 0, is_lost: true });
        assert_eq!(place("other"), Place { row: 0, is_lost: false });
        assert_eq!(exceptions.totals().len(), 1);
    }
}
