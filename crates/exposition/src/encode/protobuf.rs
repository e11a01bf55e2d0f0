//! The Prometheus protobuf format: `io.prometheus.client.MetricFamily` messages, each preceded by
//! its length. Field numbers are those of `io/prometheus/client/metrics.proto`.

use super::Write;
use super::buckets::{span, write_buckets};
use crate::family::{Family, Kind, Sample, Value};
use crate::histogram::{Histogram, Native, Summary};
use crate::rejections::Rejections;
use crate::wire::{self, Open};

/// Writes protobuf.
#[derive(Debug, Default)]
pub(super) struct Protobuf {
    family: Option<Open>,
}

impl Write for Protobuf {
    fn open(&mut self, out: &mut Vec<u8>, family: &Family<'_>) {
        let meta = family.meta;
        self.family = Some(wire::open(out));
        let name = meta.name.as_str();
        wire::string(out, 1, name);
        if !meta.help.is_empty() {
            wire::string(out, 2, &meta.help);
        }
        wire::unsigned(out, 3, metric_type(meta.kind));
        // A parser of Prometheus refuses a family whose name does not end in its unit.
        let without_total = match meta.kind {
            Kind::Counter => name.strip_suffix("_total").unwrap_or(name),
            _ => name,
        };
        if let Some(unit) = meta.unit_suffix(without_total) {
            wire::string(out, 5, unit);
        }
    }

    fn sample(
        &mut self,
        out: &mut Vec<u8>,
        family: &Family<'_>,
        sample: &Sample<'_>,
        _rejections: &mut Rejections,
    ) {
        let kind = family.meta.kind;
        wire::message(out, 4, |out| {
            for (name, value) in family.labels(sample) {
                wire::message(out, 1, |out| {
                    wire::string(out, 1, name);
                    wire::string(out, 2, value);
                });
            }
            wire::message(out, value_field(kind), |out| {
                let created_field = match &sample.value {
                    Value::Number(value) => {
                        wire::double(out, 1, *value);
                        (kind == Kind::Counter).then_some(3)
                    }
                    Value::Summary(summary) => {
                        write_summary(out, summary);
                        Some(4)
                    }
                    Value::Histogram(histogram) => {
                        write_histogram(out, histogram);
                        Some(15)
                    }
                };
                if let Some((field, created)) = created_field.zip(sample.created) {
                    timestamp(out, field, created);
                }
            });
        });
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        if let Some(family) = self.family.take() {
            wire::close(out, family);
        }
    }
}

/// The number of a kind in the enum `MetricType`.
fn metric_type(kind: Kind) -> u64 {
    match kind {
        Kind::Counter => 0,
        Kind::Gauge => 1,
        Kind::Summary => 2,
        Kind::Unknown => 3,
        Kind::Histogram => 4,
    }
}

/// The field of `Metric` that holds a value of a kind.
fn value_field(kind: Kind) -> u32 {
    match kind {
        Kind::Gauge => 2,
        Kind::Counter => 3,
        Kind::Summary => 4,
        Kind::Unknown => 5,
        Kind::Histogram => 7,
    }
}

fn write_summary(out: &mut Vec<u8>, summary: &Summary<'_>) {
    wire::unsigned(out, 1, summary.count);
    // Readers take an absent sum for 0, which would be a lie; not a number is the truth.
    wire::double(out, 2, summary.sum.unwrap_or(f64::NAN));
    for quantile in summary.quantiles {
        wire::message(out, 3, |out| {
            wire::double(out, 1, quantile.q);
            wire::double(out, 2, quantile.value);
        });
    }
}

fn write_histogram(out: &mut Vec<u8>, histogram: &Histogram<'_>) {
    wire::unsigned(out, 1, histogram.count);
    wire::double(out, 2, histogram.sum);
    if let Some(classic) = histogram.classic {
        let mut below = 0;
        for (bound, count) in classic.bounds.iter().zip(classic.counts) {
            below += count;
            wire::message(out, 3, |out| {
                wire::unsigned(out, 1, below);
                wire::double(out, 2, *bound);
            });
        }
    }
    if let Some(native) = &histogram.native {
        write_native(out, native);
    }
}

fn write_native(out: &mut Vec<u8>, native: &Native<'_>) {
    wire::signed(out, 5, i64::from(native.schema));
    wire::double(out, 6, native.zero_threshold);
    wire::unsigned(out, 7, native.zero_count);
    write_buckets(out, [9, 10], &native.negative);
    write_buckets(out, [12, 13], &native.positive);
    if native.negative.spans.is_empty() && native.positive.spans.is_empty() {
        // Without any span a histogram with a zero bucket of no width would be taken for a
        // classic one.
        span(out, 12, 0, 0);
    }
}

/// Writes a `google.protobuf.Timestamp`, unless the time is no time.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the seconds saturate; the nanoseconds are between 0 and 999,999,999"
)]
fn timestamp(out: &mut Vec<u8>, field: u32, time: f64) {
    if !time.is_finite() {
        return;
    }
    let seconds = time.floor();
    let nanos = ((time - seconds) * 1e9).min(999_999_999.0);
    wire::message(out, field, |out| {
        wire::int64(out, 1, seconds as i64);
        wire::unsigned(out, 2, nanos as u64);
    });
}
