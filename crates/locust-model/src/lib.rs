//! What Locust knows at one moment ([`Snapshot`]), and what happens to it ([`Event`]).
//!
//! Plain data in Locust's own words, whoever saw it: the web API from outside, or the recorder
//! from inside. No I/O, no metric names.

mod bounds;
mod custom;
mod distinct;
mod distribution;
mod event;
mod losses;
mod millis;
mod snapshot;
mod state;

pub use bounds::{Bounds, Foldable, Folded, FoldedMethods, FoldedRows, OTHER, cut, cut_label};
pub use custom::{CustomKind, CustomMetric, CustomSeries, CustomValue};
pub use distribution::{BucketSpan, Distribution, NativeBuckets};
pub use event::{Event, EventKind};
pub use losses::Losses;
pub use millis::Millis;
pub use snapshot::{
    ClassUsers, Difference, Durations, Endpoint, Exception, Foreign, Percentile, Rates,
    RequestError, Responses, Run, Snapshot, TaskRatio, Text, Users, Worker,
};
pub use state::State;
