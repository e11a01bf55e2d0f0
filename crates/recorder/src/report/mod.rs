//! Reports: what a worker tells its master.
//!
//! ```text
//! version  1 byte
//! envelope      whose it is, its number, and the one it goes on from      envelope.rs
//! head          buckets, what the process is, sums over all endpoints     head.rs
//! tables        methods and outcomes that are new                         rows.rs
//! endpoints     those that changed: name if new, extremes, numbers        rows.rs, numbers.rs
//! errors, exceptions, custom metrics that changed                         rows.rs, custom.rs
//! checksum 4 bytes
//! ```
//!
//! Every number tells a state, none a difference: a report that comes twice, late or never does
//! no harm once a later one has come. Rows have numbers, in the order in which they were first
//! seen; texts are told only until the master has them.

mod bits;
mod bytes;
mod cells;
mod custom;
mod envelope;
mod error;
mod head;
mod numbers;
mod reporter;
mod rows;
mod tracked;

pub use error::ReportError;

pub(crate) use custom::{CustomPart, MetricPart};
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use envelope::seal;
pub(crate) use envelope::{Acknowledgement, Envelope, number_of, open};
pub(crate) use head::Head;
pub(crate) use numbers::Numbers;
pub(crate) use reporter::Reporter;
pub(crate) use rows::{EndpointPart, ErrorPart, ExceptionPart, Extremes, Has, Label, Room, Rows};

/// The format of reports and of answers to them.
pub(crate) const VERSION: u8 = 3;

/// Longer reports are not read: several times what the most endpoints with all statuses need.
pub(crate) const MOST_BYTES: usize = 64 << 20;
