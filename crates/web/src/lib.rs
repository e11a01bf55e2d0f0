//! The HTTP server that both faces share: `/metrics`, `/probe`, health, the landing page, behind
//! limits, TLS and the web configuration file of Prometheus's exporters.
//!
//! It knows no Locust and no schema: it asks a [`Gather`] for `exposition::Families` and encodes
//! them.
//!
//! | Path | Methods | Answer |
//! |---|---|---|
//! | `/metrics` ([`Config::telemetry_path`]) | GET, HEAD | the exposition, negotiated and compressed; `?name[]=` picks families |
//! | `/probe?target=&module=` | GET, HEAD | the exposition of one target; only with [`Hooks::probe`] |
//! | `/-/healthy`, `/healthz` | GET, HEAD | 200 while the server runs |
//! | `/-/ready` | GET, HEAD | 200 when [`Hooks::ready`] says so, 503 before |
//! | `/-/reload` | GET, POST | rereads the web configuration file and calls [`Hooks::reload`] |
//! | `/quitquitquit` | GET, POST | cancels [`Hooks::quit`] |
//! | `/` | GET, HEAD | the landing page |
//!
//! Anything else is 404, another method 405. `/-/reload` and `/quitquitquit` answer to a loopback
//! peer alone that asks for a loopback name or address, unless [`Lifecycle::AnyPeer`] opens them or
//! [`Lifecycle::Nobody`] leaves them out, and never to a page of another site. Basic authentication, the rate limit and
//! the extra headers of the web configuration file cover every route.

mod activity;
mod admission;
mod config;
mod connection;
mod connection_table;
mod deadline;
mod error;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod gather;
pub mod go_duration;
mod guard;
mod io;
mod landing;
mod lifecycle;
mod listen;
mod negotiated;
mod open_files;
mod origin;
mod peer;
mod places;
mod routes;
mod scrape;
mod server;
mod stream;
mod tls;
pub mod webconfig;

pub use config::{Config, Hooks, Landing, Lifecycle, ReloadHook, Timeouts};
pub use error::Error;
pub use gather::{
    Ask, Gather, GatherFuture, Gathered, Probe, ProbeError, ProbeFuture, ProbeTarget, Served,
};
pub use listen::{Listen, ListenError};
pub use open_files::open_files_limit;
pub use server::Server;
