//! What Locust knows at one moment ([`Snapshot`]), and what happens to it ([`Event`]).
//!
//! Plain data in Locust's own words, whoever saw it: the web API from outside, or the recorder
//! from inside. No I/O, no metric names.

mod bounds;
mod distinct;
mod event;
mod millis;
mod snapshot;
mod state;

pub use bounds::{Bounds, Folded, OTHER};
pub use event::{Event, EventKind};
pub use millis::Millis;
pub use snapshot::{
    ClassUsers, Endpoint, Exception, Percentile, Rates, RequestError, Run, Snapshot, TaskRatio,
    Text, Users, Worker,
};
pub use state::State;
