//! An async client of Locust's web API, for every version from 1.x on (run against 1.1 to 2.47).
//!
//! [`Client::look`] asks the routes that a snapshot needs, all at once, and never ends later than
//! its deadline. Only the statistics route decides whether there is a snapshot; what else fails
//! leaves its part absent. Each data route can also be asked alone.
//!
//! What comes in is not trusted: every answer is bounded in size, every value that makes no sense
//! is left out and counted ([`Rejected`]), and every failure is an [`Error`] that names its cause.

mod assemble;
mod client;
mod config;
mod error;
mod login;
mod look;
mod memory;
mod redact;
mod rejected;
mod route;
mod session;
mod transport;
mod wire;

pub use client::Client;
pub use config::{Auth, Config, Quantiles};
pub use error::Error;
pub use look::{Collected, Look};
pub use outgoing::{ConfigError, Tls, shown};
pub use redact::host as shown_host;
pub use rejected::Rejected;
pub use wire::{Exceptions, Failures, Index, Logs, Stats, StatsCsv, Tasks};
pub use wire::{FAILURES_CSV_ROOM, STATS_CSV_ROOM};

#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
