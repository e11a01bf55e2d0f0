//! OTLP: metrics as OpenTelemetry has them.
//!
//! # Names
//!
//! A metric is called as its family is, in full; the unit stands in a field of its own too, in UCUM
//! (`s`, `By`, `1`). So a query finds the very names of `/metrics` wherever the metrics end up:
//! `OpenTelemetry`'s specification asks that names of Prometheus be not altered ("Prometheus and
//! `OpenMetrics` Compatibility", "Metric Metadata"), Prometheus adds a suffix only where it is not
//! there yet, and `VictoriaMetrics` keeps names as they come, or does as Prometheus
//! (`-opentelemetry.usePrometheusNaming`).
//!
//! The one exception is a counter whose name lacks `_total` (`locust_stats_num_requests`, a test's
//! own `carts`): it stays the monotonic sum it is, and who adds suffixes adds `_total` to that. So
//! a test should not have both `carts` and `carts_total`. They also make one underscore of several.
//!
//! # Points
//!
//! All is cumulative. The start of a series whose start is not known is the time of its first point
//! (OpenTelemetry's data model, "Cumulative streams: handling unknown start time"). The end of a
//! series is a point that has no recorded value. (`VictoriaMetrics` makes a series of each
//! exponential bucket, and learns the end of those not from it but from their silence.)

pub(crate) mod encode;
mod env;
mod grpc;
mod json;
pub(crate) mod transport;

pub use env::{EnvError, OtlpEndpoint, OtlpEnv, Said};
