//! Kinds of failures and of exceptions, counted.

use locust_model::Text;

use crate::atomic::{Count, Number};
use crate::{ErrorTotals, ExceptionTotals};

/// One kind of failure of one endpoint.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) method: Text,
    pub(crate) name: Text,
    pub(crate) error: Text,
    pub(crate) first_seen: f64,
    last_seen: Number,
    occurrences: Count,
}

impl Failure {
    pub(crate) fn new(method: Text, name: Text, error: Text, now: f64) -> Self {
        let (last_seen, occurrences) = (Number::new(now), Count::default());
        Self { method, name, error, first_seen: now, last_seen, occurrences }
    }

    pub(crate) fn occurred(&self, now: f64) {
        self.occurred_often(1, now);
    }

    pub(crate) fn occurred_often(&self, times: u64, last_seen: f64) {
        self.last_seen.set(last_seen);
        self.occurrences.add(times);
    }

    pub(crate) fn occurrences(&self) -> u64 {
        self.occurrences.get()
    }

    /// What is known of it; `None` where it is only known by name as yet.
    pub(crate) fn read(&self) -> Option<ErrorTotals> {
        let occurrences = self.occurrences();
        (occurrences > 0).then(|| ErrorTotals {
            method: Text::clone(&self.method),
            name: Text::clone(&self.name),
            error: Text::clone(&self.error),
            occurrences,
            first_seen: self.first_seen,
            last_seen: self.last_seen.get(),
        })
    }
}

/// One kind of exception that user code raised.
#[derive(Debug)]
pub(crate) struct Raised {
    pub(crate) message: Text,
    pub(crate) count: Count,
}

impl Raised {
    pub(crate) fn read(&self) -> ExceptionTotals {
        ExceptionTotals { message: Text::clone(&self.message), count: self.count.get() }
    }
}
