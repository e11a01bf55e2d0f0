//! The snapshot and its parts.

use std::sync::Arc;
use std::time::SystemTime;

use crate::{CustomMetric, Distribution, Millis, State};

/// A text that many holders share.
pub type Text = Arc<str>;

/// What Locust knows at one moment. What is not known is `None` or absent, never 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// When it was taken.
    pub time: SystemTime,
    /// Locust's version.
    pub version: Option<Text>,
    /// The host under test, without user and password; `None` where there is none.
    pub host: Option<Text>,
    /// The run.
    pub run: Run,
    /// The runner's state.
    pub state: Option<State>,
    /// The users.
    pub users: Users,
    /// The workers of a master; `None` where Locust runs in one process.
    pub workers: Option<Vec<Worker>>,
    /// All requests together: Locust's "Aggregated" row.
    pub total: Option<Endpoint>,
    /// The whole test's current rates.
    pub rates: Rates,
    /// Failed requests among all, 0 to 1.
    pub fail_ratio: Option<f64>,
    /// Percentiles over about the last ten seconds, all requests together.
    pub current_percentiles: Vec<Percentile>,
    /// One for each (method, name), in Locust's order. Never the Aggregated row.
    pub endpoints: Vec<Endpoint>,
    /// Failed requests by (method, name, error).
    pub errors: Vec<RequestError>,
    /// Exceptions that user code raised outside of requests; `None` where they could not be had.
    pub exceptions: Option<Vec<Exception>>,
    /// Which share of each user class's time every task gets, as a flat list of paths.
    pub tasks: Vec<TaskRatio>,
    /// How often Locust warned of too high CPU usage; known inside Locust alone.
    pub cpu_warnings: Option<u64>,
    /// Requests by status and exception; known inside Locust alone, `None` from outside.
    pub responses: Option<Vec<Responses>>,
    /// The test's own metrics; known inside Locust alone.
    pub custom: Vec<CustomMetric>,
    /// What a master knows from Locust's own reports of workers alone; known inside Locust alone.
    pub foreign: Option<Foreign>,
    /// By how much the exported totals differ from Locust's own; known inside Locust alone.
    pub difference: Option<Difference>,
    /// Rows (endpoints and errors) that Locust has but that could not be had: at least so many.
    /// How many there are is only known where an earlier look at the same run had them all.
    pub truncated_rows: u64,
}

impl Snapshot {
    /// A snapshot of which nothing but its time is known.
    pub fn empty(time: SystemTime) -> Self {
        Self {
            time,
            version: None,
            host: None,
            run: Run::default(),
            state: None,
            users: Users::default(),
            workers: None,
            total: None,
            rates: Rates::default(),
            fail_ratio: None,
            current_percentiles: Vec::new(),
            endpoints: Vec::new(),
            errors: Vec::new(),
            exceptions: None,
            tasks: Vec::new(),
            cpu_warnings: None,
            responses: None,
            custom: Vec::new(),
            foreign: None,
            difference: None,
            truncated_rows: 0,
        }
    }
}

/// A run of a test.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    /// Identifies the run: eight hexadecimal digits, made at its start.
    pub id: Option<Text>,
    /// The plan that the run belongs to.
    pub testplan: Option<Text>,
    /// When it began.
    pub start: Option<SystemTime>,
    /// When it ended.
    pub end: Option<SystemTime>,
    /// When what is counted of it began to count: its start, or the last reset of the statistics;
    /// known inside Locust alone.
    pub since: Option<SystemTime>,
}

/// Users, counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Users {
    /// Users that exist now.
    pub running: Option<u64>,
    /// Of them, those that wait between two tasks; known inside Locust alone.
    pub waiting: Option<u64>,
    /// How many the test is to have.
    pub target: Option<u64>,
    /// Users started since the test began; known inside Locust alone.
    pub spawned: Option<u64>,
    /// Users started in a second while spawning.
    pub spawn_rate: Option<f64>,
    /// By class.
    pub by_class: Vec<ClassUsers>,
}

/// Users of one class.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassUsers {
    /// The class's name.
    pub class: Text,
    /// How many there are now.
    pub users: u64,
}

/// A worker, as its master sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Worker {
    /// Its id.
    pub id: Text,
    /// Its state.
    pub state: State,
    /// Its users.
    pub users: Option<u64>,
    /// CPU usage in percent of one core. `None` for a missing worker, where Locust's number is stale.
    pub cpu_percent: Option<f64>,
    /// Resident memory in bytes. `None` for a missing worker, where Locust's number is stale.
    pub memory_bytes: Option<u64>,
    /// When it was last heard of; known inside Locust alone.
    pub last_heartbeat: Option<SystemTime>,
    /// How far its clock is ahead of its master's, in seconds; known inside Locust alone.
    pub clock_offset: Option<f64>,
}

/// Workers that report in Locust's own words alone: they run without the exporter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Foreign {
    /// Such workers now.
    pub workers: u64,
    /// Requests that are known from such reports, since the statistics began to count.
    pub requests: u64,
}

/// Exported totals less Locust's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Requests.
    pub requests: i64,
    /// Failed requests.
    pub failures: i64,
}

/// The whole test's rates over about the last ten seconds.
///
/// They are Locust's own numbers, which freeze at their last values when the load stops.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rates {
    /// Requests a second.
    pub requests: Option<f64>,
    /// Failed requests a second.
    pub failures: Option<f64>,
}

/// The statistics of one (method, name), or of all together.
#[derive(Clone, Debug, PartialEq)]
pub struct Endpoint {
    /// HTTP method or whatever the client calls its kind of request; empty where there is none.
    pub method: Text,
    /// Name of the request.
    pub name: Text,
    /// Requests, failed ones included.
    pub requests: Option<u64>,
    /// Failed requests.
    pub failures: Option<u64>,
    /// Average response time.
    pub avg: Option<Millis>,
    /// Least response time.
    pub min: Option<Millis>,
    /// Greatest response time.
    pub max: Option<Millis>,
    /// Median response time.
    pub median: Option<Millis>,
    /// Percentiles over the whole run, ascending.
    pub percentiles: Vec<Percentile>,
    /// Requests a second over about the last ten seconds; freezes when load stops.
    pub current_rps: Option<f64>,
    /// Failed requests a second over about the last ten seconds; freezes when load stops.
    pub current_fail_per_sec: Option<f64>,
    /// Average size of a response's body in bytes.
    pub avg_content_length: Option<f64>,
    /// Bytes of request bodies; known inside Locust alone.
    pub request_bytes: Option<u64>,
    /// Bytes of response bodies; known inside Locust alone, to the byte.
    pub response_bytes: Option<u64>,
    /// How its response times are distributed: one of all statuses together or, where that is
    /// wanted, one of each. Known inside Locust alone, empty from outside.
    pub durations: Vec<Durations>,
    /// When its numbers began to count; known inside Locust alone.
    pub since: Option<SystemTime>,
}

/// How response times of one endpoint are distributed.
#[derive(Clone, Debug, PartialEq)]
pub struct Durations {
    /// Of the requests with this status alone; `None` where all statuses stand together.
    pub status: Option<Text>,
    /// The times, in seconds. A response time that is absent, negative or not a number is in none.
    pub distribution: Distribution,
}

/// Requests of one endpoint with the same outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct Responses {
    /// The endpoint's method; empty where there is none.
    pub method: Text,
    /// The endpoint's name.
    pub name: Text,
    /// The status code in decimal; empty where there was no response.
    pub status: Text,
    /// The class of the exception that made it a failure; empty where it succeeded.
    pub exception: Text,
    /// How many there were.
    pub requests: u64,
    /// When the count began.
    pub since: Option<SystemTime>,
}

/// A percentile of response times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Percentile {
    /// The share of requests, 0 to 1.
    pub q: f64,
    /// The time that this share did not exceed.
    pub value: Millis,
}

/// One kind of failure of one endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestError {
    /// The endpoint's method; empty where there is none.
    pub method: Text,
    /// The endpoint's name.
    pub name: Text,
    /// Locust's text for the error.
    pub error: Text,
    /// How often it happened.
    pub occurrences: u64,
    /// When it was first seen.
    pub first_seen: Option<SystemTime>,
    /// When it was last seen.
    pub last_seen: Option<SystemTime>,
}

/// One kind of exception that user code raised.
#[derive(Clone, Debug, PartialEq)]
pub struct Exception {
    /// Its message.
    pub message: Text,
    /// How often it was raised.
    pub count: u64,
    /// Where it was raised.
    pub traceback: Text,
    /// The workers that saw it; `local` where Locust runs in one process.
    pub nodes: Vec<Text>,
}

/// How often a user class runs a task.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskRatio {
    /// The user class.
    pub class: Text,
    /// The task; nested task sets are joined by `/`.
    pub task: Text,
    /// Its share among the tasks beside it (of the same class or task set), 0 to 1.
    pub ratio: f64,
}
