//! The endpoints of all workers together.

use std::collections::HashMap;

use locust_model::{OTHER, Text};

use super::incarnation::Place;
use super::recent::{self, Seconds};
use super::stage::{Change, Staged};
use super::sum::Sum;
use crate::index::Methods;
use crate::{EndpointTotals, ResponseTotals, Second};

/// Outcomes of one endpoint on all workers that are kept apart; those beyond share one more. Each
/// worker keeps far fewer.
const MOST_OUTCOMES_OF_ALL: usize = 1_000;

/// The endpoints of all workers together.
#[derive(Debug, Default)]
pub(super) struct Rows {
    index: HashMap<(Text, Text), usize>,
    all: Vec<Row>,
    /// Of endpoints that lost their names.
    methods: Methods,
    folded: usize,
    /// Bytes that what hangs on the rows takes, about.
    hanging: usize,
}

/// Bytes of a row, and of its place in the index.
const ROW_BYTES: usize =
    size_of::<Row>() + size_of::<((Text, Text), usize)>() + recent::MOST * size_of::<Second>();

#[derive(Debug)]
struct Row {
    method: Text,
    name: Text,
    since: f64,
    responses: Vec<ResponseTotals>,
    distributions: Vec<Distribution>,
    without_time: u64,
    failures: u64,
    sum: Sum,
    min: f64,
    max: f64,
    response_bytes: u64,
    request_bytes: u64,
    seconds: Seconds,
}

#[derive(Debug)]
struct Distribution {
    status: Option<i64>,
    sum: Sum,
    cells: Vec<(u16, u64)>,
}

/// When a change is taken in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// The second since 1970.
    pub(super) now: u64,
    /// Nothing is said to have begun before this.
    pub(super) not_before: f64,
}

impl Rows {
    /// The place of an endpoint, which is made if need be.
    pub(super) fn place(&mut self, method: &Text, name: &Text, most: usize) -> Place {
        let mut key = (Text::clone(method), Text::clone(name));
        if let Some(&row) = self.index.get(&key) {
            return Place { row, is_lost: false };
        }
        // One that a worker has folded takes no other's place, and is lost no more.
        let is_other = &**name == OTHER;
        let is_folded = is_other || self.all.len() - self.folded >= most;
        if is_folded {
            key = (self.methods.keep(method), OTHER.into());
        }
        let all = &mut self.all;
        let row = *self.index.entry(key).or_insert_with_key(|(method, name)| {
            self.folded += usize::from(is_folded);
            all.push(Row::new(Text::clone(method), Text::clone(name)));
            all.len() - 1
        });
        Place { row, is_lost: is_folded && !is_other }
    }

    /// Adds a change to a row; `outcomes` are those of the incarnation that it is of. Answers how
    /// many requests have lost their outcome by it.
    pub(super) fn add(
        &mut self,
        row: usize,
        change: &Change<'_>,
        staged: &Staged<'_>,
        outcomes: &[(Option<i64>, Text)],
        moment: Moment,
    ) -> u64 {
        let Some(row) = self.all.get_mut(row) else { return 0 };
        let before = row.hanging();
        let mut lost = 0;
        row.since = row.since.min(change.since.max(moment.not_before));
        for response in &staged.responses[change.responses.clone()] {
            if let Some((status, exception)) = outcomes.get(response.outcome) {
                let since = response.since.max(moment.not_before);
                lost += row.add_responses((*status, exception), response.requests, since);
            }
        }
        for distribution in &staged.distributions[change.distributions.clone()] {
            let cells = &staged.cells[distribution.cells.clone()];
            row.distribution(distribution.status).add(distribution.sum, cells);
        }
        for second in &staged.seconds[change.seconds.clone()] {
            row.seconds.add(*second, moment.now);
        }
        row.add_scalars(change);
        self.hanging += row.hanging().saturating_sub(before);
        lost
    }

    /// Back to zero; the rows stay.
    pub(super) fn reset(&mut self, now: f64) {
        for row in &mut self.all {
            row.reset(now);
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Bytes that they take beside their texts, about.
    pub(super) fn bytes(&self) -> usize {
        self.all.len() * ROW_BYTES + self.hanging
    }

    pub(super) fn totals(&self) -> Vec<EndpointTotals> {
        let totals = |row: &Row| {
            let (method, name) = (Text::clone(&row.method), Text::clone(&row.name));
            let mut totals = EndpointTotals { method, name, ..EndpointTotals::default() };
            row.numbers_into(&mut totals);
            totals
        };
        self.all.iter().map(totals).collect()
    }

    /// Hands over all rows' numbers, each in the same place, with its method and name.
    pub(super) fn each(&self, mut each: impl FnMut(&Text, &Text, &EndpointTotals)) {
        let mut read = EndpointTotals::default();
        for row in &self.all {
            row.numbers_into(&mut read);
            each(&row.method, &row.name, &read);
        }
    }
}

impl Row {
    fn new(method: Text, name: Text) -> Self {
        Self {
            method,
            name,
            since: f64::INFINITY,
            responses: Vec::new(),
            distributions: Vec::new(),
            without_time: 0,
            failures: 0,
            sum: Sum::default(),
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            response_bytes: 0,
            request_bytes: 0,
            seconds: Seconds::default(),
        }
    }

    /// Bytes of its outcomes and distributions; a reset frees none of them.
    fn hanging(&self) -> usize {
        let cells = self.distributions.iter().map(|times| times.cells.capacity());
        self.responses.capacity() * size_of::<ResponseTotals>()
            + self.distributions.capacity() * size_of::<Distribution>()
            + cells.sum::<usize>() * size_of::<(u16, u64)>()
    }

    fn add_scalars(&mut self, change: &Change<'_>) {
        for (count, more) in [
            (&mut self.without_time, change.without_time),
            (&mut self.failures, change.failures),
            (&mut self.response_bytes, change.response_bytes),
            (&mut self.request_bytes, change.request_bytes),
        ] {
            *count = count.saturating_add(more);
        }
        self.sum.add(change.sum);
        self.min = self.min.min(change.min);
        self.max = self.max.max(change.max);
    }

    /// Answers how many requests have lost their outcome by it.
    fn add_responses(
        &mut self,
        (mut status, exception): (Option<i64>, &Text),
        requests: u64,
        since: f64,
    ) -> u64 {
        let other = (None, OTHER);
        let mut exception = Text::clone(exception);
        let mut lost = 0;
        let find = |rows: &[ResponseTotals], (status, exception): (Option<i64>, &str)| {
            rows.iter().position(|row| row.status == status && &*row.exception == exception)
        };
        let mut at = find(&self.responses, (status, &exception));
        if at.is_none()
            && self.responses.len() >= MOST_OUTCOMES_OF_ALL
            && (status, &*exception) != other
        {
            (status, exception) = (None, OTHER.into());
            lost = requests;
            at = find(&self.responses, other);
        }
        if let Some(known) = at.and_then(|at| self.responses.get_mut(at)) {
            known.requests = known.requests.saturating_add(requests);
            known.since = known.since.min(since);
        } else {
            self.responses.push(ResponseTotals { status, exception, requests, since });
        }
        lost
    }

    fn distribution(&mut self, status: Option<i64>) -> &mut Distribution {
        let places = &mut self.distributions;
        let find = |places: &[Distribution], status| {
            places.iter().position(|known| known.status == status)
        };
        let is_full = places.len() >= MOST_OUTCOMES_OF_ALL;
        // All that have no place of their own are without a status, as one of them may be.
        let at = match find(places, status) {
            None if is_full => find(places, None).unwrap_or(MOST_OUTCOMES_OF_ALL - 1),
            known => known.unwrap_or(places.len()),
        };
        if at == places.len() {
            places.push(Distribution { status, sum: Sum::default(), cells: Vec::new() });
        } else if places[at].status != status {
            places[at].status = None;
        }
        &mut places[at]
    }

    fn reset(&mut self, now: f64) {
        self.since = now;
        for response in &mut self.responses {
            (response.requests, response.since) = (0, now);
        }
        for distribution in &mut self.distributions {
            distribution.sum = Sum::default();
            distribution.cells.clear();
        }
        (self.without_time, self.failures) = (0, 0);
        (self.response_bytes, self.request_bytes) = (0, 0);
        (self.min, self.max) = (f64::INFINITY, f64::NEG_INFINITY);
        self.sum = Sum::default();
        self.seconds.clear();
    }

    /// Its numbers, in the memory of another's.
    fn numbers_into(&self, into: &mut EndpointTotals) {
        into.since = self.since;
        into.responses.clone_from(&self.responses);
        into.distributions.resize_with(self.distributions.len(), Default::default);
        for (into, from) in into.distributions.iter_mut().zip(&self.distributions) {
            (into.status, into.sum) = (from.status, from.sum.get());
            into.cells.0.clone_from(&from.cells);
        }
        (into.without_time, into.failures) = (self.without_time, self.failures);
        (into.sum, into.min, into.max) = (self.sum.get(), self.min, self.max);
        (into.response_bytes, into.request_bytes) = (self.response_bytes, self.request_bytes);
        into.seconds.clear();
        into.seconds.extend_from_slice(self.seconds.as_slice());
    }
}

impl Distribution {
    /// Adds ascending cells.
    fn add(&mut self, sum: Sum, changes: &[(u16, u64)]) {
        self.sum.add(sum);
        let missing = self.add_known(changes);
        if missing == 0 {
            return;
        }
        // From the end, so that every cell is moved once.
        let mut from = self.cells.len();
        let mut to = from + missing;
        self.cells.resize(to, (0, 0));
        let mut changes = changes.iter().rev().peekable();
        while let Some(&&(cell, count)) = changes.peek() {
            to -= 1;
            match from.checked_sub(1).map(|last| self.cells[last]) {
                Some(known) if known.0 >= cell => {
                    self.cells[to] = known;
                    from -= 1;
                    if known.0 == cell {
                        changes.next();
                    }
                }
                _ => {
                    self.cells[to] = (cell, count);
                    changes.next();
                }
            }
        }
    }

    /// Adds to the cells that are there; answers how many are not.
    fn add_known(&mut self, changes: &[(u16, u64)]) -> usize {
        let mut missing = 0;
        let mut at = 0;
        for &(cell, count) in changes {
            while self.cells.get(at).is_some_and(|known| known.0 < cell) {
                at += 1;
            }
            match self.cells.get_mut(at) {
                Some(known) if known.0 == cell => known.1 = known.1.saturating_add(count),
                _ => missing += 1,
            }
        }
        missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn cells_are_added_wherever_they_lie(
            steps in prop::collection::vec(
                prop::collection::btree_map(0u16..40, 1u64..9, 0..20),
                0..6,
            ),
        ) {
            let status = None;
            let mut all = Distribution { status, sum: Sum::default(), cells: Vec::new() };
            let mut model = BTreeMap::new();
            for step in steps {
                let step: Vec<_> = step.into_iter().collect();
                all.add(Sum::default(), &step);
                for (cell, count) in step {
                    *model.entry(cell).or_insert(0) += count;
                }
                prop_assert!(all.cells.iter().copied().eq(model.clone()));
            }
        }
    }

    #[test]
    fn times_beyond_the_bound_of_statuses_are_of_none() {
        let mut row = Row::new("GET".into(), "/".into());
        for status in 0..1_003 {
            row.distribution(Some(status)).add(Sum::default(), &[(1, 1)]);
        }
        let statuses: Vec<_> = row.distributions.iter().map(|known| known.status).collect();
        let expected: Vec<_> = (0..999).map(Some).chain([None]).collect();
        assert_eq!(statuses, expected);
        assert_eq!(row.distribution(None).cells, [(1, 4)]);
    }

    #[test]
    fn names_beyond_the_bound_share_a_row_of_their_method() {
        let mut rows = Rows::default();
        let mut place = |method: &str, name: &str| rows.place(&method.into(), &name.into(), 1);
        let kept = |row| Place { row, is_lost: false };
        let lost = |row| Place { row, is_lost: true };
        assert_eq!(place("GET", "/a"), kept(0));
        assert_eq!(place("GET", "/b"), lost(1));
        assert_eq!(place("POST", "/b"), lost(2));
        assert_eq!(place("GET", "/c"), lost(1));
        assert_eq!(place("GET", "/a"), kept(0));
        let labels: Vec<_> = rows.totals().into_iter().map(|row| (row.method, row.name)).collect();
        let expected = [("GET", "/a"), ("GET", "other"), ("POST", "other")];
        assert_eq!(labels, expected.map(|(method, name)| (method.into(), name.into())));
    }

    /// A worker's row of such names was counted as lost once more where the master had folded too,
    /// and the master's own losses were not where that row was there before.
    #[test]
    fn a_name_is_lost_once() {
        let mut rows = Rows::default();
        let mut place = |name: &str| rows.place(&"GET".into(), &name.into(), 1);
        assert_eq!(place("other"), Place { row: 0, is_lost: false });
        assert_eq!(place("/a"), Place { row: 1, is_lost: false });
        assert_eq!(place("/b"), Place { row: 0, is_lost: true });
        assert_eq!(place("other"), Place { row: 0, is_lost: false });
    }

    #[test]
    fn outcomes_beyond_the_bound_share_one_and_are_counted() {
        let mut row = Row::new("GET".into(), "/".into());
        let mut add =
            |status, exception: &str| row.add_responses((status, &exception.into()), 2, 0.0);
        for status in 0..1_000 {
            assert_eq!(add(Some(status), ""), 0);
        }
        assert_eq!(add(Some(1_000), ""), 2);
        assert_eq!(add(Some(1_001), "E"), 2);
        assert_eq!(add(None, "other"), 0, "a worker had lost it");
        assert_eq!(add(Some(999), ""), 0);
        assert_eq!(row.responses.len(), 1_001);
        assert_eq!((row.responses[999].requests, row.responses[1_000].requests), (4, 6));
    }
}
