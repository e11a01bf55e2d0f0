//! OTLP: metrics as OpenTelemetry has them.
//!
//! # Names
//!
//! A metric is called as its family is, without the suffixes that say its type and unit: the unit
//! is a field of its own, in UCUM (`s`, `By`, `1`), and the type is what it is.
//!
//! | `/metrics` | OTLP | unit | type |
//! |---|---|---|---|
//! | `locust_users_running` | `locust_users_running` | | gauge |
//! | `locust_requests_total` | `locust_requests` | | monotonic sum |
//! | `locust_response_length_bytes_total` | `locust_response_length` | `By` | monotonic sum |
//! | `locust_request_duration_seconds` | `locust_request_duration` | `s` | histogram or summary |
//! | `locust_worker_cpu_usage_ratio` | `locust_worker_cpu_usage` | `1` | gauge |
//!
//! Prometheus adds both suffixes again when it takes OTLP (with its default
//! `translation_strategy`, `UnderscoreEscapingWithSuffixes`), `VictoriaMetrics` when it is started
//! with `-opentelemetry.usePrometheusNaming` (without, names stay as they come): a query finds the
//! very names of `/metrics`. A suffix stays where such a receiver would not put it back (it adds no
//! `_ratio` to anything but a gauge, and no unit whose word the name has already), and where
//! another family has the shorter name: `locust_users_total` beside the gauge `locust_users`.
//!
//! The one exception is a counter whose name lacks `_total` (`locust_stats_num_requests`, a test's
//! own `carts`): it stays the monotonic sum it is, and both receivers add `_total` to that. So a
//! test should not have both `carts` and `carts_total`. They also make one underscore of several.
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
pub(crate) mod transport;

pub use env::{EnvError, OtlpEndpoint, OtlpEnv};
