//! Metric families and their encodings, for anything that a monitoring system reads.
//!
//! A [`Family`] is *lent*: whoever knows the numbers implements [`Families`] and hands one family
//! at a time to a [`Visitor`], borrowing names and values from wherever they live. The [`Encoder`]
//! is a visitor that writes the Prometheus text format 0.0.4, `OpenMetrics` 1.0 or the Prometheus
//! protobuf format; a [`Filter`] lets some families through to another visitor; others may
//! remember or push, and ask [`validate`] which samples are fit to be shown.
//!
//! [`negotiate`] finds the format and the compression that a scraper asks for, and a
//! [`Compressor`] compresses what the encoder has written.
//!
//! This crate does no I/O and knows nothing of Locust.

pub mod check;
mod compress;
mod encode;
mod family;
mod filter;
mod histogram;
mod name;
pub mod negotiate;
mod rejections;
mod validate;
pub mod wire;

pub use compress::{CompressError, Compressor};
pub use encode::{Encoder, Format, Options, spell, write_buckets};
pub use family::{
    Clash, Emit, Families, Family, Kind, Label, Labels, Meta, Reject, Sample, Samples, Unit, Value,
    Visitor, settle,
};
pub use filter::Filter;
pub use histogram::{Buckets, Classic, Histogram, Native, Quantile, Span, Summary};
pub use name::{LabelName, MetricName, NameError};
pub use rejections::Rejections;
pub use validate::validate;
