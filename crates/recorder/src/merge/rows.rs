//! The endpoints of all workers together.

use std::collections::{HashMap, HashSet};

use locust_model::{OTHER, Text};

use super::recent::Seconds;
use super::stage::{Change, Staged};
use super::sum::Sum;
use crate::{Cells, DistributionTotals, EndpointTotals, ResponseTotals};

/// Kinds of request that keep a folded row of their own, as in a snapshot.
const MOST_FOLDED_METHODS: usize = 32;

/// Outcomes of one endpoint that are kept apart.
const MOST_OUTCOMES: usize = 1_000;

/// The endpoints of all workers together.
#[derive(Debug, Default)]
pub(super) struct Rows {
    index: HashMap<(Text, Text), usize>,
    all: Vec<Row>,
    folded_methods: HashSet<Text>,
}

#[derive(Debug)]
struct Row {
    method: Text,
    name: Text,
    /// Whether it stands for those that were too many.
    is_folded: bool,
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
    /// The place of an endpoint's row, which is made if need be.
    pub(super) fn place(&mut self, method: &Text, name: &Text, most: usize) -> usize {
        let mut key = (Text::clone(method), Text::clone(name));
        if let Some(&place) = self.index.get(&key) {
            return place;
        }
        let is_folded = self.all.len() - self.folded_methods.len() >= most;
        if is_folded {
            key = (self.folded_method(method), OTHER.into());
            if let Some(&place) = self.index.get(&key) {
                return place;
            }
            self.folded_methods.insert(Text::clone(&key.0));
        }
        let place = self.all.len();
        self.all.push(Row::new(Text::clone(&key.0), Text::clone(&key.1), is_folded));
        self.index.insert(key, place);
        place
    }

    fn folded_method(&self, method: &Text) -> Text {
        let is_kept =
            self.folded_methods.contains(method) || self.folded_methods.len() < MOST_FOLDED_METHODS;
        if is_kept { Text::clone(method) } else { OTHER.into() }
    }

    /// Adds a change to a row; `outcomes` are those of the incarnation that it is of. Answers how
    /// many requests have lost their name by it.
    pub(super) fn add(
        &mut self,
        place: usize,
        change: &Change<'_>,
        staged: &Staged<'_>,
        outcomes: &[(Option<i64>, Text)],
        moment: Moment,
    ) -> u64 {
        let Some(row) = self.all.get_mut(place) else { return 0 };
        row.since = row.since.min(change.since.max(moment.not_before));
        for response in &staged.responses[change.responses.clone()] {
            if let Some((status, exception)) = outcomes.get(response.outcome) {
                let since = response.since.max(moment.not_before);
                row.add_responses(*status, exception, response.requests, since);
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
        if row.is_folded { change.requests } else { 0 }
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

    pub(super) fn totals(&self) -> Vec<EndpointTotals> {
        self.all.iter().map(Row::totals).collect()
    }
}

impl Row {
    fn new(method: Text, name: Text, is_folded: bool) -> Self {
        Self {
            method,
            name,
            is_folded,
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

    fn add_responses(&mut self, status: Option<i64>, exception: &Text, requests: u64, since: f64) {
        let is_same =
            |known: &ResponseTotals| known.status == status && known.exception == *exception;
        if let Some(known) = self.responses.iter_mut().find(|known| is_same(known)) {
            known.requests = known.requests.saturating_add(requests);
            known.since = known.since.min(since);
        } else if self.responses.len() < MOST_OUTCOMES {
            let exception = Text::clone(exception);
            self.responses.push(ResponseTotals { status, exception, requests, since });
        } else if let Some(last) = self.responses.last_mut() {
            // The last place is for all that have none of their own.
            (last.status, last.exception) = (None, OTHER.into());
            last.requests = last.requests.saturating_add(requests);
        }
    }

    fn distribution(&mut self, status: Option<i64>) -> &mut Distribution {
        let places = &mut self.distributions;
        let find = |places: &[Distribution], status| {
            places.iter().position(|known| known.status == status)
        };
        let is_full = places.len() >= MOST_OUTCOMES;
        // All that have no place of their own are without a status, as one of them may be.
        let at = match find(places, status) {
            None if is_full => find(places, None).unwrap_or(MOST_OUTCOMES - 1),
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

    fn totals(&self) -> EndpointTotals {
        let distributions = self.distributions.iter().map(|distribution| DistributionTotals {
            status: distribution.status,
            sum: distribution.sum.get(),
            cells: Cells(distribution.cells.clone()),
        });
        EndpointTotals {
            method: Text::clone(&self.method),
            name: Text::clone(&self.name),
            since: self.since,
            responses: self.responses.clone(),
            distributions: distributions.collect(),
            without_time: self.without_time,
            failures: self.failures,
            sum: self.sum.get(),
            min: self.min,
            max: self.max,
            response_bytes: self.response_bytes,
            request_bytes: self.request_bytes,
            seconds: self.seconds.as_slice().to_vec(),
        }
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
        let mut row = Row::new("GET".into(), "/".into(), false);
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
        assert_eq!(place("GET", "/a"), 0);
        assert_eq!(place("GET", "/b"), 1);
        assert_eq!(place("POST", "/b"), 2);
        assert_eq!(place("GET", "/c"), 1);
        assert_eq!(place("GET", "/a"), 0);
        let labels: Vec<_> = rows.totals().into_iter().map(|row| (row.method, row.name)).collect();
        let expected = [("GET", "/a"), ("GET", "other"), ("POST", "other")];
        assert_eq!(labels, expected.map(|(method, name)| (method.into(), name.into())));
    }
}
