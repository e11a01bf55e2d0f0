//! Takes metrics to where nobody scrapes: a Pushgateway, whoever receives Prometheus's remote
//! write, and whoever receives OTLP. Nothing is lost silently, and nothing here holds up anybody.
//!
//! ```text
//!  Source ─▶ Families ─▶ Timeline ─▶ Points ─▶ an encoder ─▶ Batch ─▶ Queue (and spool) ─▶ Transport
//!                                 (every interval)                          (a task of its own)
//! ```
//!
//! A pass asks the [`Source`] once. The timeline is the one stage that remembers: it knows when a
//! series began, and which have ended. Each encoder cuts what it is lent into batches of a bounded
//! size, ready to be sent; a queue keeps them in order, in bounded memory or on disk; a sender
//! takes them to the backend, however long that takes, while the next passes go on.
//!
//! The Pushgateway has no timestamps, and so no timeline and no queue: the newest state wins.
//!
//! This crate knows nothing of Locust, and nothing of how metrics are named.

#![forbid(unsafe_code)]

mod batch;
#[doc(hidden)]
pub mod bench;
#[cfg(test)]
mod canned;
mod config;
#[cfg(test)]
mod echoes;
mod encoder;
mod fields;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod otlp;
mod panics;
mod point;
mod push;
mod pushgateway;
mod queue;
mod remote_write;
mod rounds;
#[cfg(test)]
mod scripted;
mod sender;
mod source;
mod spool;
mod stats;
mod stop;
mod timeline;
mod transport;
mod verdict;

pub use config::{
    Config, Histograms, Identity, LEAST_INTERVAL, Method, NativeHistograms, Otlp, Protocol,
    Pushgateway, RemoteWrite, Spool, Version,
};
pub use otlp::{EnvError, OtlpEndpoint, OtlpEnv, Said};
pub use push::{Error, Push, left_in_spool};
pub use queue::LAST_WRITE;
pub use source::{Gathered, Source, SourceFuture};
pub use spool::SpoolError;
pub use stats::{Dropped, Stats, Status};
pub use stop::Stop;
