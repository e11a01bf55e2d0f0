//! What has been recorded, as plain numbers: what a reader sees, what a report carries, what
//! reports are merged into, and what a snapshot is made from.
//!
//! Times of day are in seconds since 1970, as Locust keeps them; response times in milliseconds.

use std::sync::Arc;

use locust_model::{CustomKind, Distribution, Losses, Text};

/// Everything of one recorder, or of all workers' together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Totals {
    /// When the statistics began to count: at the start of the test, or at the last reset.
    pub since: f64,
    /// By (method, name), in the order they were first seen.
    pub endpoints: Vec<EndpointTotals>,
    /// By (method, name, error), in the order they were first seen.
    pub errors: Vec<ErrorTotals>,
    /// Exceptions that user code raised outside of requests.
    pub exceptions: Vec<ExceptionTotals>,
    /// What cannot be added up from the endpoints.
    pub all: AllTotals,
    /// The test's own metrics. They do not begin again with the statistics.
    pub custom: Vec<CustomTotals>,
    /// What has been put together or left out since the recorder began. It does not begin again
    /// with the statistics.
    pub losses: Losses,
}

/// Requests of all endpoints together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All requests, failed ones included.
    pub requests: u64,
    /// Failed requests.
    pub failures: u64,
}

impl Counts {
    /// Counts more.
    pub(crate) fn add(&mut self, requests: u64, failures: u64) {
        self.requests = self.requests.saturating_add(requests);
        self.failures = self.failures.saturating_add(failures);
    }
}

/// One (method, name).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EndpointTotals {
    /// Its method; empty where there is none.
    pub method: Text,
    /// Its name.
    pub name: Text,
    /// When it was first seen, or the last reset.
    pub since: f64,
    /// Requests by outcome.
    pub responses: Vec<ResponseTotals>,
    /// Response times: one where all statuses stand together, else one for each status.
    pub distributions: Vec<DistributionTotals>,
    /// Requests without a response time.
    pub without_time: u64,
    /// Failed requests.
    pub failures: u64,
    /// Sum of the response times, added in the order of the events as Locust does.
    pub sum: f64,
    /// The least response time; positive infinity where there is none.
    pub min: f64,
    /// The greatest response time; negative infinity where there is none.
    pub max: f64,
    /// Bytes of response bodies.
    pub response_bytes: u64,
    /// Bytes of request bodies.
    pub request_bytes: u64,
    /// Requests of the last seconds in which there were any, ascending; at least of those that
    /// Locust's rates look at.
    pub seconds: Vec<Second>,
}

/// Requests of one endpoint with the same outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct ResponseTotals {
    /// The status code; `None` where there was no response.
    pub status: Option<i64>,
    /// The exception's class; empty where the request succeeded.
    pub exception: Text,
    /// How many.
    pub requests: u64,
    /// When the first of them came, or the last reset.
    pub since: f64,
}

/// Response times.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DistributionTotals {
    /// The status whose requests these are, where statuses are kept apart.
    pub status: Option<i64>,
    /// Sum of the times that are in `cells`.
    pub sum: f64,
    /// The times.
    pub cells: Cells,
}

/// Counts by cell of the recorder's partition of all response times (`partition.rs`): ascending
/// cells, no count is 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cells(pub Vec<(u16, u64)>);

/// What happened in one second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Second {
    /// The second since 1970.
    pub second: u64,
    /// Requests, failed ones included.
    pub requests: u32,
    /// Failed requests.
    pub failures: u32,
}

/// What Locust keeps of all requests together and the endpoints do not add up to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AllTotals {
    /// When Locust takes its statistics to have begun, for its rates: on a master that was reset,
    /// when the first of what came after the reset may have happened.
    pub start: f64,
    /// Sum of the response times in the order of the events.
    pub sum: f64,
    /// When the last request was recorded.
    pub last_request: Option<f64>,
    /// Response times of about the last ten seconds, where it is known how many there were before.
    pub current: Option<Cells>,
}

/// One kind of failure of one endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorTotals {
    /// The endpoint's method.
    pub method: Text,
    /// The endpoint's name.
    pub name: Text,
    /// The error as Locust writes it.
    pub error: Text,
    /// How often.
    pub occurrences: u64,
    /// When first.
    pub first_seen: f64,
    /// When last.
    pub last_seen: f64,
}

/// One kind of exception that user code raised.
#[derive(Clone, Debug, PartialEq)]
pub struct ExceptionTotals {
    /// Its message.
    pub message: Text,
    /// How often.
    pub count: u64,
}

/// A metric of the test's own.
#[derive(Clone, Debug, PartialEq)]
pub struct CustomTotals {
    /// Its name.
    pub name: Text,
    /// What it means.
    pub help: Text,
    /// Its type.
    pub kind: CustomKind,
    /// How a gauge's values of several processes become one.
    pub merge: GaugeMerge,
    /// Names of its labels.
    pub labels: Vec<Text>,
    /// Upper bounds of a histogram's buckets; empty where it is none.
    pub bounds: Arc<[f64]>,
    /// Its series.
    pub series: Vec<CustomSeriesTotals>,
}

/// How values of one gauge in several processes become one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GaugeMerge {
    /// Their sum.
    #[default]
    Sum,
    /// The greatest.
    Max,
    /// The least.
    Min,
    /// The one that was set last.
    Last,
}

/// One series of a custom metric.
#[derive(Clone, Debug, PartialEq)]
pub struct CustomSeriesTotals {
    /// Values of its labels.
    pub values: Vec<Text>,
    /// When it was first seen.
    pub since: f64,
    /// When it was last changed; `None` where it never was: its value is what it began with.
    pub changed: Option<f64>,
    /// What it says.
    pub value: CustomTotal,
}

/// The value of a custom series.
#[derive(Clone, Debug, PartialEq)]
pub enum CustomTotal {
    /// Of a counter or a gauge.
    Number(f64),
    /// Of a histogram; it has no native buckets.
    Distribution(Distribution),
}

/// What a worker tells its master of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkerTotals {
    /// Its id.
    pub id: Text,
    /// Users that wait between two tasks now.
    pub waiting: u64,
    /// How far its clock is ahead of the master's, in seconds; `None` where it does not tell.
    pub clock_offset: Option<f64>,
    /// Whether it reports in Locust's own words alone.
    pub is_foreign: bool,
}

/// What a process tells of itself beside what it recorded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Process {
    /// Users that wait between two tasks now.
    pub waiting: u64,
    /// Users started since the test began.
    pub spawned: u64,
    /// Warnings of too high CPU usage since the test began.
    pub cpu_warnings: u64,
}
