//! Metric families and their encodings, for anything that a monitoring system reads.
//!
//! A [`Family`] is *lent*: whoever knows the numbers implements [`Families`] and hands one family
//! at a time to a [`Visitor`], borrowing names and values from wherever they live. The encoders in
//! [`encode`] are visitors that write the Prometheus text format 0.0.4, `OpenMetrics` 1.0 or the
//! Prometheus protobuf format; other visitors may filter, remember or push.
//!
//! This crate does no I/O and knows nothing of Locust.

mod family;
mod histogram;
mod name;

pub use family::{
    Clash, Emit, Families, Family, Kind, Label, Labels, Meta, Reject, Sample, Samples, Unit, Value,
    Visitor, settle,
};
pub use histogram::{Buckets, Classic, Histogram, Native, Quantile, Span, Summary};
pub use name::{LabelName, MetricName, NameError};
