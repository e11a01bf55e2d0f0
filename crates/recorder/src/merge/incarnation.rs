//! What one worker's statistics were when they were last reported.

use locust_model::Text;

use crate::report::{Has, Head};

/// A worker's statistics, from one beginning or reset to the next.
#[derive(Debug)]
pub(super) struct Incarnation {
    /// The process and, in it, the incarnation.
    pub(super) id: (u64, u64),
    /// The report up to which everything is known.
    pub(super) sequence: u64,
    /// The report from which on it has been counted.
    pub(super) counted_from: u64,
    /// When that one was made; nothing that is counted happened before.
    pub(super) counted_since: f64,
    /// When it was last reported, in reports taken by the master.
    pub(super) touched: u64,
    /// What it said once.
    pub(super) head: Head,
    pub(super) methods: Vec<Text>,
    pub(super) outcomes: Vec<(Option<i64>, Text)>,
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) errors: Vec<Failure<ErrorKey>>,
    pub(super) exceptions: Vec<Failure<Text>>,
    /// Bytes that all this takes, about.
    pub(super) bytes: usize,
}

/// Method, name, error.
pub(super) type ErrorKey = (Text, Text, Text);

/// Where something is counted among what all workers have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) row: usize,
    /// Whether it lost its own name to be there.
    pub(super) is_lost: bool,
}

/// An endpoint as it was last reported.
#[derive(Debug)]
pub(super) struct Endpoint {
    /// Number of its method.
    pub(super) method: usize,
    pub(super) name: Text,
    /// Where it is counted, since it has been.
    pub(super) place: Option<Place>,
    /// Its numbers as they came.
    pub(super) numbers: Box<[u8]>,
}

/// An error or an exception as it was last reported.
#[derive(Debug)]
pub(super) struct Failure<K> {
    pub(super) key: K,
    pub(super) count: u64,
    /// Where it is counted, since it has been.
    pub(super) place: Option<Place>,
}

impl Incarnation {
    pub(super) fn new(id: (u64, u64)) -> Self {
        Self {
            id,
            sequence: 0,
            counted_from: 0,
            counted_since: f64::INFINITY,
            touched: 0,
            head: Head::default(),
            methods: Vec::new(),
            outcomes: Vec::new(),
            endpoints: Vec::new(),
            errors: Vec::new(),
            exceptions: Vec::new(),
            bytes: 0,
        }
    }

    /// How many rows of it are known.
    pub(super) fn has(&self) -> Has {
        Has {
            endpoints: self.endpoints.len(),
            errors: self.errors.len(),
            exceptions: self.exceptions.len(),
        }
    }

    /// From now on only what comes later counts.
    pub(super) fn rebase(&mut self) {
        self.counted_from = self.sequence;
        self.counted_since = self.head.now;
    }

    /// Whether everything that it has recorded has been counted.
    pub(super) fn is_whole(&self) -> bool {
        self.counted_from == 0
    }

    /// The rows of endpoints that it was counted in are gone.
    pub(super) fn forget_endpoints(&mut self) {
        for endpoint in &mut self.endpoints {
            endpoint.place = None;
        }
    }

    /// The rows of errors that it was counted in are gone.
    pub(super) fn forget_errors(&mut self) {
        for error in &mut self.errors {
            error.place = None;
        }
    }

    /// The rows of exceptions that it was counted in are gone.
    pub(super) fn forget_exceptions(&mut self) {
        for exception in &mut self.exceptions {
            exception.place = None;
        }
    }
}
