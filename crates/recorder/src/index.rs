//! Finding rows by their texts, and making them: at most as many as are to be kept apart.
//!
//! The writer's own; no reader sees it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

pub(crate) use locust_model::FoldedMethods as Methods;
use locust_model::{OTHER, Text, cut};

use crate::atomic::{Count, Number};
use crate::book::Book;
use crate::endpoint::{Endpoint, Outcome, Times};
use crate::failure::{Failure, Raised};

/// Outcomes of one endpoint that are kept apart. Codes of a protocol are fewer; more are a
/// client's free invention.
const MOST_OUTCOMES: usize = 64;
/// Outcomes for each name there may be, of all endpoints together.
const OUTCOMES_A_NAME: usize = 8;

/// What is known by its texts.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// Rows of endpoints by method and name.
    rows: HashMap<Text, HashMap<Text, usize>>,
    endpoints: Vec<Known>,
    /// Endpoints that have kept their names.
    named: usize,
    /// By number of the outcome.
    series: Vec<Series>,
    /// Outcomes that were kept apart.
    outcomes: usize,
    methods: Methods,
    failed_methods: Methods,
    /// Names of exceptions' classes.
    classes: HashSet<Text>,
    failures: Vec<Arc<Failure>>,
    /// Failures that have kept their texts.
    named_failures: usize,
    /// By method, failures whose name and error are `other`.
    other_failures: HashMap<Text, usize>,
    raised: HashMap<Text, Arc<Raised>>,
}

/// Where a request's numbers go: half a cache line.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) outcome: Arc<Outcome>,
    pub(crate) times: Arc<Times>,
    pub(crate) row: usize,
}

/// What is known of an endpoint.
#[derive(Debug)]
struct Known {
    endpoint: Arc<Endpoint>,
    /// Outcomes with their numbers: they are fewer than a map would be worth.
    outcomes: Vec<(Arc<Outcome>, usize)>,
    failures: HashMap<Text, usize>,
    other_failure: Option<usize>,
}

impl Index {
    /// The row of an endpoint, and whether it lost its name to be there.
    pub(crate) fn endpoint(
        &mut self,
        book: &Book,
        method: &str,
        name: &str,
        now: f64,
    ) -> (usize, bool) {
        let (method, name) = (&*book.label(method), &*book.label(name));
        if let Some(row) = self.row(method, name) {
            return (row, false);
        }
        if self.named < book.config.bounds.names {
            self.named += 1;
            return (self.add(book, method.into(), name.into(), now, false), false);
        }
        let method = self.methods.keep(method);
        let row = self
            .row(&method, OTHER)
            .unwrap_or_else(|| self.add(book, method, OTHER.into(), now, true));
        (row, true)
    }

    /// Takes over an endpoint as it was in the book before, without its numbers.
    pub(crate) fn take_over(&mut self, book: &Book, old: &Endpoint, now: f64) -> usize {
        let (method, name) = (Text::clone(&old.method), Text::clone(&old.name));
        if old.folded {
            self.methods.keep(&method);
        } else {
            self.named += 1;
        }
        let row = self.add(book, method, name, now, old.folded);
        for outcome in old.outcomes() {
            if !outcome.folded {
                self.outcomes += 1;
            }
            self.add_outcome(book, row, (outcome.status, &outcome.exception), now, outcome.folded);
        }
        row
    }

    /// Where the numbers of an outcome go.
    #[inline]
    pub(crate) fn series(&self, number: usize) -> Option<&Series> {
        self.series.get(number)
    }

    /// A kind of failure.
    pub(crate) fn failure(&self, number: usize) -> Option<&Failure> {
        self.failures.get(number).map(Arc::as_ref)
    }

    fn row(&self, method: &str, name: &str) -> Option<usize> {
        self.rows.get(method)?.get(name).copied()
    }

    fn add(&mut self, book: &Book, method: Text, name: Text, now: f64, folded: bool) -> usize {
        // Methods are few: each is kept in memory once.
        let method = self.rows.get_key_value(&method).map_or(method, |(known, _)| known.clone());
        let endpoint = Endpoint::new(Text::clone(&method), Text::clone(&name), now, folded);
        let endpoint = Arc::new(endpoint);
        let row = book.endpoints.push(Arc::clone(&endpoint));
        self.rows.entry(method).or_default().insert(name, row);
        self.endpoints.push(Known {
            endpoint,
            outcomes: Vec::new(),
            failures: HashMap::new(),
            other_failure: None,
        });
        row
    }

    /// The number of an outcome of an endpoint, and whether it lost its class to be there.
    pub(crate) fn outcome(
        &mut self,
        book: &Book,
        row: usize,
        outcome: (Option<i64>, &str),
        now: f64,
    ) -> Option<(usize, bool)> {
        let outcome = (outcome.0, &*book.label(outcome.1));
        let known = self.endpoints.get(row)?;
        if let Some(number) = known.outcome(outcome) {
            return Some((number, false));
        }
        let most = book.config.bounds.names.saturating_mul(OUTCOMES_A_NAME);
        if known.outcomes.len() < MOST_OUTCOMES && self.outcomes < most {
            self.outcomes += 1;
            return Some((self.add_outcome(book, row, outcome, now, false)?, false));
        }
        let other = (None, OTHER);
        let number = match known.outcome(other) {
            Some(number) => number,
            None => self.add_outcome(book, row, other, now, true)?,
        };
        Some((number, true))
    }

    fn add_outcome(
        &mut self,
        book: &Book,
        row: usize,
        (status, exception): (Option<i64>, &str),
        now: f64,
        folded: bool,
    ) -> Option<usize> {
        let exception = match self.classes.get(exception) {
            Some(class) => Text::clone(class),
            None => exception.into(),
        };
        self.classes.insert(Text::clone(&exception));
        let known = self.endpoints.get_mut(row)?;
        let outcome = known.endpoint.add_outcome(Outcome {
            requests: Count::default(),
            sum: Number::new(0.0),
            least: Number::new(f64::INFINITY),
            greatest: Number::new(f64::NEG_INFINITY),
            status,
            exception,
            since: now,
            folded,
            next: OnceLock::new(),
        });
        let number = self.series.len();
        self.series.push(Series {
            endpoint: Arc::clone(&known.endpoint),
            outcome: Arc::clone(&outcome),
            times: known.endpoint.times_of(status.filter(|_| book.config.by_status)),
            row,
        });
        known.outcomes.push((outcome, number));
        Some(number)
    }

    /// The number of a kind of failure of an endpoint, and whether it lost its text to be there.
    pub(crate) fn failure_of(
        &mut self,
        book: &Book,
        row: usize,
        error: &str,
        now: f64,
    ) -> Option<(usize, bool)> {
        let error = &*book.label(cut(error, book.config.bounds.text_chars));
        let known = self.endpoints.get(row)?;
        if let Some(&failure) = known.failures.get(error) {
            return Some((failure, false));
        }
        // What is called so already is where others are folded to.
        let is_other = error == OTHER && &*known.endpoint.name == OTHER;
        if !is_other && self.named_failures < book.config.bounds.errors {
            self.named_failures += 1;
            let Endpoint { method, name, .. } = &*known.endpoint;
            let (method, name, error) = (method.clone(), name.clone(), Text::from(error));
            let failure = self.add_failure(book, [method, name, error.clone()], now);
            self.endpoints.get_mut(row)?.failures.insert(error, failure);
            return Some((failure, false));
        }
        let failure = match known.other_failure {
            Some(failure) => failure,
            None => self.other_failure(book, row, now)?,
        };
        Some((failure, !is_other))
    }

    /// Where failures of an endpoint go that cannot keep their text.
    fn other_failure(&mut self, book: &Book, row: usize, now: f64) -> Option<usize> {
        let method = Text::clone(&self.endpoints.get(row)?.endpoint.method);
        let method = self.failed_methods.keep(&method);
        let failure = match self.other_failures.get(&method) {
            Some(&failure) => failure,
            None => self.add_failure(book, [method.clone(), OTHER.into(), OTHER.into()], now),
        };
        self.other_failures.insert(method, failure);
        self.endpoints.get_mut(row)?.other_failure = Some(failure);
        Some(failure)
    }

    fn add_failure(&mut self, book: &Book, [method, name, error]: [Text; 3], now: f64) -> usize {
        let failure = Arc::new(Failure::new(method, name, error, now));
        self.failures.push(Arc::clone(&failure));
        book.failures.push(failure)
    }

    /// Exceptions are not taken over into the next book.
    pub(crate) fn forget_raised(&mut self) {
        self.raised.clear();
    }

    /// Takes over the exceptions of the book before, with their counts.
    pub(crate) fn take_over_raised(&mut self, book: &Book, old: &mut Self) {
        self.raised = std::mem::take(&mut old.raised);
        for raised in self.raised.values() {
            book.raised.push(Arc::clone(raised));
        }
    }

    /// A kind of exception, and whether it lost its message to be there.
    pub(crate) fn raised(&mut self, book: &Book, message: &str) -> (Arc<Raised>, bool) {
        let message = &*book.label(cut(message, book.config.bounds.text_chars));
        if let Some(raised) = self.raised.get(message) {
            return (Arc::clone(raised), false);
        }
        let folded = self.raised.len() >= book.config.bounds.errors;
        let message = if folded { OTHER } else { message };
        if let Some(raised) = self.raised.get(message) {
            return (Arc::clone(raised), folded);
        }
        let raised = Arc::new(Raised { message: message.into(), count: Count::default() });
        book.raised.push(Arc::clone(&raised));
        self.raised.insert(Text::clone(&raised.message), Arc::clone(&raised));
        (raised, folded)
    }
}

impl Known {
    fn outcome(&self, (status, exception): (Option<i64>, &str)) -> Option<usize> {
        let is_it = |known: &Outcome| known.status == status && &*known.exception == exception;
        self.outcomes.iter().find(|(known, _)| is_it(known)).map(|&(_, number)| number)
    }
}
