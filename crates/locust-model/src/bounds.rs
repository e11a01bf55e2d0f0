//! Keeping a snapshot within bounds: no load test may flood the system that watches it.

mod folded;
mod labels;

use std::collections::{HashMap, HashSet};

use crate::distinct::are_distinct;
use crate::{Endpoint, Millis, RequestError, Snapshot, Text};
pub use folded::{Foldable, FoldedMethods, FoldedRows};
pub use labels::cut_label;

/// The name, or error, of what was folded together.
pub const OTHER: &str = "other";

/// How much of a snapshot is kept apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Endpoints that keep their names.
    pub names: usize,
    /// Errors, and exceptions, that keep their texts.
    pub errors: usize,
    /// Characters of an error's or an exception's text.
    pub text_chars: usize,
    /// Bytes of a label value.
    pub label_bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { names: 20_000, errors: 1_000, text_chars: 200, label_bytes: 2_048 }
    }
}

/// Rows and label values that lost what made them differ from others, by [`Snapshot::bound`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Folded {
    /// Endpoints now in a row named [`OTHER`].
    pub names: u64,
    /// Errors now in a row of error [`OTHER`].
    pub errors: u64,
    /// Exceptions now in a row of message [`OTHER`].
    pub exceptions: u64,
    /// Label values that were cut to [`Bounds::label_bytes`].
    pub cut_labels: u64,
}

impl Snapshot {
    /// Folds what is beyond `bounds` into rows named [`OTHER`], cuts long texts and label values,
    /// and puts rows together that would otherwise bear the same labels. Sums stay what they were; of what is
    /// unknown of one row, nothing is told of the row that it has become part of.
    ///
    /// It is for what was seen from outside. A recorder keeps within bounds by itself: outcomes,
    /// which it alone knows, are left as they are.
    pub fn bound(&mut self, bounds: &Bounds) -> Folded {
        for error in &mut self.errors {
            shorten(&mut error.error, bounds.text_chars);
        }
        for exception in self.exceptions.iter_mut().flatten() {
            shorten(&mut exception.message, bounds.text_chars);
        }
        let mut folded = self.bound_observed(bounds);
        // Before rows are put together: names may become the same.
        folded.cut_labels += self.cut_recorded(bounds.label_bytes);
        if self.endpoints.len() > bounds.names || !is_strictly_sorted(&self.endpoints) {
            folded.names = fold_where_needed(&mut self.endpoints, bounds.names);
        }
        folded.errors = fold_where_needed(&mut self.errors, bounds.errors);
        if let Some(exceptions) = &mut self.exceptions {
            folded.exceptions = fold_where_needed(exceptions, bounds.errors);
        }
        folded
    }

    /// The part of [`bound`](Self::bound) that a recorder cannot do: cuts the label values of what
    /// is known of the runner. Of what Locust tells twice of its workers, users and tasks, the
    /// first is kept.
    pub fn bound_observed(&mut self, bounds: &Bounds) -> Folded {
        let cut_labels = self.cut_observed(bounds.label_bytes);
        self.keep_first();
        Folded { cut_labels, ..Folded::default() }
    }

    fn keep_first(&mut self) {
        if let Some(workers) = &mut self.workers {
            keep_first(workers, |worker| [&worker.id]);
        }
        keep_first(&mut self.users.by_class, |class| [&class.class]);
        keep_first(&mut self.tasks, |task| [&task.class, &task.task]);
    }
}

/// Locust sorts endpoints by name and method: then no two are the same, and no map is needed.
fn is_strictly_sorted(endpoints: &[Endpoint]) -> bool {
    endpoints.is_sorted_by(|a, b| (&*a.name, &*a.method) < (&*b.name, &*b.method))
}

/// The first so many characters.
pub fn cut(text: &str, chars: usize) -> &str {
    // Most are so short that their characters need no counting.
    if text.len() <= chars {
        return text;
    }
    text.char_indices().nth(chars).map_or(text, |(end, _)| &text[..end])
}

fn shorten(text: &mut Text, chars: usize) {
    let short = cut(text, chars);
    if short.len() < text.len() {
        *text = short.into();
    }
}

fn keep_first<T, const N: usize>(rows: &mut Vec<T>, key: impl Fn(&T) -> [&Text; N]) {
    if are_distinct(rows.iter().map(|row| key(row).map(|text| &**text))) {
        return;
    }
    let mut seen = HashSet::with_capacity(rows.len());
    rows.retain(|row| seen.insert(key(row).map(Text::clone)));
}

fn texts<T: Foldable>(row: &T) -> [&str; 3] {
    row.key().map(|text| text.map_or("", |text| text))
}

/// Does what [`fold`] does; mostly that is nothing.
fn fold_where_needed<T: Foldable>(rows: &mut Vec<T>, max: usize) -> u64 {
    if rows.len() <= max && are_distinct(rows.iter().map(texts)) {
        return 0;
    }
    let moved;
    (*rows, moved) = fold(std::mem::take(rows), max);
    moved
}

/// Puts rows of the same key together, and all beyond `max` into rows called [`OTHER`].
/// Answers how many these were.
fn fold<T: Foldable>(rows: Vec<T>, max: usize) -> (Vec<T>, u64) {
    let mut kept: Vec<T> = Vec::with_capacity(rows.len().min(max));
    let mut index = HashMap::<_, usize>::with_capacity(rows.len().min(max));
    let mut methods = FoldedMethods::default();
    let mut named = 0;
    let mut moved = 0;
    for mut row in rows {
        let mut key = row.key().map(Option::<&Text>::cloned);
        if named == max && !index.contains_key(&key) {
            let method = row.method().map(|method| methods.keep(method));
            moved += 1;
            row.become_other(method);
            key = row.key().map(Option::<&Text>::cloned);
        } else if !index.contains_key(&key) {
            named += 1;
        }
        if let Some(&at) = index.get(&key) {
            kept[at].absorb(row);
        } else {
            index.insert(key, kept.len());
            kept.push(row);
        }
    }
    (kept, moved)
}

impl Foldable for Endpoint {
    fn key(&self) -> [Option<&Text>; 3] {
        [Some(&self.method), Some(&self.name), None]
    }

    fn method(&self) -> Option<&Text> {
        Some(&self.method)
    }

    fn become_other(&mut self, method: Option<Text>) {
        self.method = method.unwrap_or_default();
        self.name = OTHER.into();
    }

    fn count(folded: &mut Folded) -> &mut u64 {
        &mut folded.names
    }

    fn absorb(&mut self, other: Self) {
        let pair = Pair { requests: (self.requests, other.requests) };
        self.avg = pair.mean(self.avg.map(|t| t.0), other.avg.map(|t| t.0)).map(Millis);
        self.avg_content_length = pair.mean(self.avg_content_length, other.avg_content_length);
        self.min = pair.observed(self.min, other.min, |a, b| if b < a { b } else { a });
        self.max = pair.observed(self.max, other.max, |a, b| if b > a { b } else { a });
        // Medians and percentiles of two rows say nothing of both together; nor does the histogram
        // of one.
        self.median = None;
        self.percentiles = Vec::new();
        self.durations = Vec::new();
        self.failures = pair.sum(self.failures, other.failures, u64::saturating_add);
        self.request_bytes = pair.sum(self.request_bytes, other.request_bytes, u64::saturating_add);
        self.response_bytes =
            pair.sum(self.response_bytes, other.response_bytes, u64::saturating_add);
        self.since = both(self.since, other.since, Ord::min);
        self.current_rps = pair.sum(self.current_rps, other.current_rps, |a, b| a + b);
        self.current_fail_per_sec =
            pair.sum(self.current_fail_per_sec, other.current_fail_per_sec, |a, b| a + b);
        self.requests = both(self.requests, other.requests, u64::saturating_add);
    }
}

impl Foldable for RequestError {
    fn key(&self) -> [Option<&Text>; 3] {
        [Some(&self.method), Some(&self.name), Some(&self.error)]
    }

    fn method(&self) -> Option<&Text> {
        Some(&self.method)
    }

    fn become_other(&mut self, method: Option<Text>) {
        self.method = method.unwrap_or_default();
        self.name = OTHER.into();
        self.error = OTHER.into();
    }

    fn count(folded: &mut Folded) -> &mut u64 {
        &mut folded.errors
    }

    fn absorb(&mut self, other: Self) {
        self.occurrences = self.occurrences.saturating_add(other.occurrences);
        self.first_seen = both(self.first_seen, other.first_seen, Ord::min);
        self.last_seen = both(self.last_seen, other.last_seen, Ord::max);
    }
}

impl Foldable for crate::Exception {
    fn key(&self) -> [Option<&Text>; 3] {
        [Some(&self.message), None, None]
    }

    fn method(&self) -> Option<&Text> {
        None
    }

    fn become_other(&mut self, _: Option<Text>) {
        self.message = OTHER.into();
    }

    fn count(folded: &mut Folded) -> &mut u64 {
        &mut folded.exceptions
    }

    fn absorb(&mut self, other: Self) {
        self.count = self.count.saturating_add(other.count);
        for node in other.nodes {
            if !self.nodes.contains(&node) {
                self.nodes.push(node);
            }
        }
    }
}

/// The requests of two rows that are put together. What is unknown of one is unknown of both,
/// but a row without requests has nothing that could be unknown: Locust gives it zeros in the
/// JSON, which were never measured, and no number at all elsewhere.
struct Pair {
    requests: (Option<u64>, Option<u64>),
}

impl Pair {
    /// What was measured in both.
    fn observed<T>(&self, a: Option<T>, b: Option<T>, join: impl Fn(T, T) -> T) -> Option<T> {
        match self.requests {
            (Some(0), Some(0)) => a.or(b),
            (Some(0), _) => b,
            (_, Some(0)) => a,
            _ => both(a, b, join),
        }
    }

    /// The sum of both; a row without requests may add to it (its rate may be known), or nothing.
    fn sum<T>(&self, a: Option<T>, b: Option<T>, add: impl Fn(T, T) -> T) -> Option<T> {
        match (a, b) {
            (None, b) if self.requests.0 == Some(0) => b,
            (a, None) if self.requests.1 == Some(0) => a,
            (a, b) => both(a, b, add),
        }
    }

    /// The average of two averages over the requests.
    fn mean(&self, a: Option<f64>, b: Option<f64>) -> Option<f64> {
        let weights = self.requests.0.zip(self.requests.1);
        self.observed(a.map(Some), b.map(Some), |a, b| {
            let (wa, wb) = weights?;
            Some((a? * wa as f64 + b? * wb as f64) / (wa as f64 + wb as f64))
        })
        .flatten()
    }
}

/// Joins what is known of both; where one is unknown, so is the whole.
fn both<T>(a: Option<T>, b: Option<T>, join: impl Fn(T, T) -> T) -> Option<T> {
    Some(join(a?, b?))
}

#[cfg(test)]
mod tests;
