//! The HTTP server that both faces share: `/metrics`, `/probe`, health, the landing page, behind
//! limits, TLS and the web configuration file of Prometheus's exporters.
//!
//! It knows no Locust and no schema: it asks a [`Gather`] for [`Families`] and encodes them.

mod gather;

pub use gather::{Ask, Gather, GatherFuture, Probe, ProbeError, ProbeFuture, ProbeTarget};
