//! The errors and exceptions of all workers together.

use std::collections::HashMap;

use locust_model::{OTHER, Text};

use super::incarnation::ErrorKey;
use crate::{ErrorTotals, ExceptionTotals};

/// The errors of all workers together.
#[derive(Debug, Default)]
pub(super) struct Errors {
    index: HashMap<ErrorKey, usize>,
    rows: Vec<ErrorTotals>,
    folded_row: Option<usize>,
}

impl Errors {
    /// The place of an error's row, which is made if need be.
    pub(super) fn place(&mut self, key: &ErrorKey, most: usize) -> usize {
        if let Some(&place) = self.index.get(key) {
            return place;
        }
        if self.rows.len() >= most {
            let rows = &mut self.rows;
            return *self.folded_row.get_or_insert_with(|| {
                let other = Text::from(OTHER);
                rows.push(row(&(other.clone(), other.clone(), other)));
                rows.len() - 1
            });
        }
        self.rows.push(row(key));
        self.index.insert(key.clone(), self.rows.len() - 1);
        self.rows.len() - 1
    }

    /// Answers how many have lost their text by it.
    pub(super) fn add(&mut self, place: usize, more: u64, first: f64, last: f64) -> u64 {
        let Some(row) = self.rows.get_mut(place) else { return 0 };
        row.occurrences = row.occurrences.saturating_add(more);
        row.first_seen = row.first_seen.min(first);
        row.last_seen = row.last_seen.max(last);
        if self.folded_row == Some(place) { more } else { 0 }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn totals(&self) -> Vec<ErrorTotals> {
        self.rows.clone()
    }
}

fn row((method, name, error): &ErrorKey) -> ErrorTotals {
    ErrorTotals {
        method: Text::clone(method),
        name: Text::clone(name),
        error: Text::clone(error),
        occurrences: 0,
        first_seen: f64::INFINITY,
        last_seen: f64::NEG_INFINITY,
    }
}

/// The exceptions of all workers together.
#[derive(Debug, Default)]
pub(super) struct Exceptions {
    index: HashMap<Text, usize>,
    rows: Vec<ExceptionTotals>,
    folded_row: Option<usize>,
}

impl Exceptions {
    /// The place of an exception's row, which is made if need be.
    pub(super) fn place(&mut self, message: &Text, most: usize) -> usize {
        if let Some(&place) = self.index.get(message) {
            return place;
        }
        let is_folded = self.rows.len() >= most;
        if is_folded && let Some(place) = self.folded_row {
            return place;
        }
        let place = self.rows.len();
        if is_folded {
            self.folded_row = Some(place);
        } else {
            self.index.insert(Text::clone(message), place);
        }
        let message = if is_folded { OTHER.into() } else { Text::clone(message) };
        self.rows.push(ExceptionTotals { message, count: 0, nodes: Vec::new() });
        place
    }

    /// Answers how many have lost their message by it.
    pub(super) fn add(&mut self, place: usize, more: u64, node: &Text) -> u64 {
        let Some(row) = self.rows.get_mut(place) else { return 0 };
        row.count = row.count.saturating_add(more);
        if !row.nodes.contains(node) {
            row.nodes.push(Text::clone(node));
        }
        if self.folded_row == Some(place) { more } else { 0 }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn totals(&self) -> Vec<ExceptionTotals> {
        self.rows.clone()
    }
}
