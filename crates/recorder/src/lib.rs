//! What happens in a load test, recorded: request events become counters, distributions and
//! Locust's own statistics; what workers recorded is merged on their master.
//!
//! No Python and no I/O. A [`Writer`] records, one event at a time, and never waits for anybody; a
//! [`Reader`] sees its numbers from another thread without stopping it. A worker's writer makes
//! reports, which the master's [`Master`] merges. Reader and master both give [`Totals`], plain
//! numbers from which a [`snapshot`] is made.

#![forbid(unsafe_code)]

mod atomic;
mod book;
mod config;
mod custom;
mod distribution;
mod endpoint;
mod failure;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod index;
mod locust_report;
mod merge;
mod near;
mod partition;
mod reader;
mod recent;
mod report;
mod request;
mod seconds;
mod snapshot;
mod table;
mod text;
mod totals;
mod view;
mod writer;

pub use config::{Config, ConfigError, Formulas, LocustSettings};
pub use custom::{ChildId, CustomError, Definition, MOST_METRICS, MOST_SERIES, MetricId};
pub use locust_report::{LocustEntry, LocustError, LocustReport};
pub use merge::{Master, Notice};
pub use reader::Reader;
pub use report::ReportError;
pub use request::{ErrorId, Key, Request, SeriesId};
pub use snapshot::{Buckets, snapshot};
pub use totals::{
    AllTotals, Cells, Counts, CustomSeriesTotals, CustomTotal, CustomTotals, DistributionTotals,
    EndpointTotals, ErrorTotals, ExceptionTotals, GaugeMerge, Process, ResponseTotals, Second,
    Totals, WorkerTotals,
};
pub use writer::{Writer, recorder};
