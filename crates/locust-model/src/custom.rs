//! Metrics that a test defines for itself.

use std::time::SystemTime;

use crate::{Distribution, Text};

/// One metric of the test's own.
#[derive(Clone, Debug, PartialEq)]
pub struct CustomMetric {
    /// The name the test gave it, by which it is queried.
    pub name: Text,
    /// What the test says it means.
    pub help: Text,
    /// Its type.
    pub kind: CustomKind,
    /// Names of its labels.
    pub labels: Vec<Text>,
    /// Its series, no two with the same values.
    pub series: Vec<CustomSeries>,
}

/// What kind of metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CustomKind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Observations in buckets.
    Histogram,
}

/// One series of a custom metric.
#[derive(Clone, Debug, PartialEq)]
pub struct CustomSeries {
    /// Values of the labels, as many as the metric has names.
    pub values: Vec<Text>,
    /// What it says.
    pub value: CustomValue,
    /// When it began to count.
    pub since: Option<SystemTime>,
}

/// The value of a custom series, of its metric's kind.
#[derive(Clone, Debug, PartialEq)]
pub enum CustomValue {
    /// Of a counter or a gauge.
    Number(f64),
    /// Of a histogram.
    Distribution(Distribution),
}
