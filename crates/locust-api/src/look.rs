//! One look at a Locust.

use std::time::Duration;

use locust_model::Snapshot;

use crate::Error;

/// What one look at a Locust gave.
#[derive(Debug)]
pub struct Look {
    /// What was seen. Only the statistics route decides whether there is a snapshot.
    pub snapshot: Result<Snapshot, Error>,
    /// The routes that were asked, and how each fared.
    pub collectors: Vec<Collected>,
    /// Rows, or values of rows, that were left out because they make no sense, by reason.
    pub rejected: Vec<(&'static str, u64)>,
    /// How long it took.
    pub took: Duration,
}

/// How one route fared.
#[derive(Debug)]
pub struct Collected {
    /// The route's name: `stats`, `stats_csv`, `failures_csv`, `exceptions`, `tasks`, `index`.
    pub name: &'static str,
    /// Why it failed, if it did. The statistics route's own failure stands in [`Look::snapshot`].
    pub error: Option<Error>,
    /// Whether it was had.
    pub success: bool,
    /// How long it took.
    pub took: Duration,
}
