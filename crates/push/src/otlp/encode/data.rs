//! Data points. Field numbers are those of `opentelemetry/proto/metrics/v1/metrics.proto`.

use exposition::wire;
use exposition::{Classic, Histogram, Kind, Quantile, Summary, Value};

use super::exponential::{Dense, Exponential};
use crate::config::Histograms;
use crate::point::{Millis, Point, Reading, Shape};

/// `DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK`.
const NO_RECORDED_VALUE: u64 = 1;

/// `AGGREGATION_TEMPORALITY_CUMULATIVE`.
const CUMULATIVE: u64 = 2;

/// What a metric's points are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Data {
    Gauge,
    Sum,
    Histogram,
    Exponential,
    Summary,
}

impl Data {
    /// What a point becomes.
    pub(super) fn of(point: &Point<'_>, histograms: Histograms) -> Self {
        let (has_classic, has_native) = match &point.reading {
            Reading::Value(Value::Number(_)) | Reading::Ended(Shape::Number) => {
                let is_sum = point.meta.kind == Kind::Counter;
                return if is_sum { Self::Sum } else { Self::Gauge };
            }
            Reading::Value(Value::Summary(_)) | Reading::Ended(Shape::Summary { .. }) => {
                return Self::Summary;
            }
            Reading::Value(Value::Histogram(histogram)) => {
                (histogram.classic.is_some(), histogram.native.is_some())
            }
            Reading::Ended(Shape::Histogram { bounds, is_native }) => {
                (bounds.is_some(), *is_native)
            }
        };
        let is_wanted = histograms == Histograms::Exponential || !has_classic;
        if has_native && is_wanted { Self::Exponential } else { Self::Histogram }
    }

    /// The field of `Metric` that holds its points.
    pub(super) fn field(self) -> u32 {
        match self {
            Self::Gauge => 5,
            Self::Sum => 7,
            Self::Histogram => 9,
            Self::Exponential => 10,
            Self::Summary => 11,
        }
    }

    /// Writes what is true of all points of a metric.
    pub(super) fn close(self, out: &mut Vec<u8>) {
        if matches!(self, Self::Sum | Self::Histogram | Self::Exponential) {
            wire::unsigned(out, 2, CUMULATIVE);
        }
        if self == Self::Sum {
            wire::unsigned(out, 3, 1);
        }
    }

    /// The fields of a point that hold its attributes and its flags.
    fn fields(self) -> (u32, u32) {
        match self {
            Self::Gauge | Self::Sum | Self::Summary => (7, 8),
            Self::Histogram => (9, 10),
            Self::Exponential => (1, 10),
        }
    }
}

/// Writes a data point.
pub(super) fn write(
    out: &mut Vec<u8>,
    data: Data,
    point: &Point<'_>,
    exponential: &mut Exponential,
) {
    let (attributes, flags) = data.fields();
    wire::message(out, 1, |out| {
        if data != Data::Gauge {
            wire::fixed64(out, 2, nanos(point.start.unwrap_or(point.first)));
        }
        wire::fixed64(out, 3, nanos(point.time));
        for (name, value) in point.labels {
            attribute(out, attributes, name, value);
        }
        match &point.reading {
            Reading::Value(Value::Number(value)) => wire::double(out, 4, *value),
            Reading::Value(Value::Summary(summary)) => write_summary(out, summary),
            Reading::Value(Value::Histogram(histogram)) => match &histogram.native {
                Some(native) if data == Data::Exponential => {
                    exponential.read(native);
                    write_exponential(out, histogram.sum, native.zero_count, exponential);
                    wire::double(out, 14, native.zero_threshold);
                }
                _ => write_histogram(out, histogram),
            },
            Reading::Ended(shape) => {
                write_end(out, data, shape);
                wire::unsigned(out, flags, NO_RECORDED_VALUE);
            }
        }
    });
}

/// Writes a `KeyValue` whose value is a string.
pub(super) fn attribute(out: &mut Vec<u8>, field: u32, key: &str, value: &str) {
    wire::message(out, field, |out| {
        wire::string(out, 1, key);
        wire::message(out, 2, |out| wire::string(out, 1, value));
    });
}

fn write_summary(out: &mut Vec<u8>, summary: &Summary<'_>) {
    wire::fixed64(out, 4, summary.count);
    // An absent sum is read as 0, which would be a lie; not a number is the truth.
    wire::double(out, 5, summary.sum.unwrap_or(f64::NAN));
    for quantile in summary.quantiles {
        write_quantile(out, quantile);
    }
}

fn write_quantile(out: &mut Vec<u8>, quantile: &Quantile) {
    wire::message(out, 6, |out| {
        wire::double(out, 1, quantile.q);
        wire::double(out, 2, quantile.value);
    });
}

fn write_histogram(out: &mut Vec<u8>, histogram: &Histogram<'_>) {
    wire::fixed64(out, 4, histogram.count);
    wire::double(out, 5, histogram.sum);
    // Without any bound there is still the bucket of all observations: some receivers take a
    // histogram without buckets for none at all.
    let all = [histogram.count];
    let Classic { bounds, counts } =
        histogram.classic.unwrap_or(Classic { bounds: &[], counts: &all });
    write_buckets(out, bounds, counts.iter().copied());
}

fn write_buckets(out: &mut Vec<u8>, bounds: &[f64], counts: impl ExactSizeIterator<Item = u64>) {
    wire::packed64(out, 6, counts);
    wire::packed64(out, 7, bounds.iter().map(|bound| bound.to_bits()));
}

fn write_exponential(out: &mut Vec<u8>, sum: f64, zero_count: u64, read: &Exponential) {
    wire::fixed64(out, 4, read.count);
    wire::double(out, 5, sum);
    wire::signed(out, 6, i64::from(read.scale));
    wire::fixed64(out, 7, zero_count);
    write_dense(out, 8, &read.positive);
    write_dense(out, 9, &read.negative);
}

fn write_dense(out: &mut Vec<u8>, field: u32, dense: &Dense) {
    if dense.counts.is_empty() {
        return;
    }
    wire::message(out, field, |out| {
        wire::signed(out, 1, i64::from(dense.offset));
        wire::message(out, 2, |out| {
            for count in &dense.counts {
                wire::varint(out, *count);
            }
        });
    });
}

/// Writes what a point without a value must have all the same, for receivers to know which series
/// have ended: Prometheus and `VictoriaMetrics` make several of a histogram or a summary.
fn write_end(out: &mut Vec<u8>, data: Data, shape: &Shape<'_>) {
    match shape {
        Shape::Number => wire::double(out, 4, f64::NAN),
        Shape::Summary { quantiles, .. } => {
            wire::fixed64(out, 4, 0);
            wire::double(out, 5, 0.0);
            for &q in *quantiles {
                write_quantile(out, &Quantile { q, value: 0.0 });
            }
        }
        Shape::Histogram { bounds, .. } => {
            wire::fixed64(out, 4, 0);
            wire::double(out, 5, 0.0);
            if data == Data::Histogram {
                let bounds = bounds.unwrap_or_default();
                write_buckets(out, bounds, std::iter::repeat_n(0, bounds.len() + 1));
            }
        }
    }
}

/// Nanoseconds since 1970.
fn nanos(time: Millis) -> u64 {
    u64::try_from(time).unwrap_or_default().saturating_mul(1_000_000)
}
