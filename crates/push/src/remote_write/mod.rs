//! Prometheus's remote write, 1.0 and 2.0.

pub(crate) mod protocol;
pub(crate) mod transport;
