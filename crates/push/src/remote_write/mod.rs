//! Prometheus's remote write, 1.0 and 2.0.

mod dialect;
pub(crate) mod encoder;
pub(crate) mod protocol;
mod row;
mod symbols;
#[cfg(test)]
mod tests;
pub(crate) mod transcode;
pub(crate) mod transport;
mod writer;
