//! What an exposition is made from.

use std::time::Duration;

use locust_model::{Snapshot, Text};

/// One look at one Locust, whether it succeeded or not.
#[derive(Clone, Debug)]
pub struct Sighting {
    /// The value of the label `target`, where several Locusts are watched.
    pub target: Option<Text>,
    /// What was seen; `None` if Locust could not be asked, or did not answer as Locust does.
    pub snapshot: Option<Snapshot>,
    /// How long it took.
    pub took: Duration,
    /// The parts of the look, where it has parts.
    pub collectors: Vec<Collector>,
}

/// One part of a look: a route of Locust's web API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collector {
    /// The part's name, the value of the label `collector`.
    pub name: &'static str,
    /// Whether it was had.
    pub success: bool,
    /// How long it took.
    pub took: Duration,
}
