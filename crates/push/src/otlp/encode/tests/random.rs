//! Random points decode to what they were.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point;
use proptest::prelude::*;

use super::*;

/// A point that owns what it lends.
#[derive(Clone, Debug)]
struct Owned {
    labels: BTreeMap<String, String>,
    times: (Option<Millis>, Millis, Millis),
    value: OwnedValue,
}

#[derive(Clone, Debug)]
enum OwnedValue {
    Number(Kind, f64),
    Summary(u64, Option<f64>, Vec<Quantile>),
    Classic(f64, Vec<f64>, Vec<u64>),
    Native(f64, i8, u64, Vec<Span>, Vec<u64>),
}

fn values() -> impl Strategy<Value = OwnedValue> {
    let kinds = prop_oneof![Just(Kind::Counter), Just(Kind::Gauge), Just(Kind::Unknown)];
    let counts = prop_oneof![0..3_u64, 0..u64::from(u32::MAX)];
    let quantiles =
        proptest::collection::vec((0.0..=1.0, any::<f64>()), 0..4).prop_map(|quantiles| {
            quantiles.into_iter().map(|(q, value)| Quantile { q, value }).collect()
        });
    let buckets = proptest::collection::vec((-1e9..1e9, counts.clone()), 1..20);
    let spans = proptest::collection::vec((0..60_i32, 1..5_u32), 0..6);
    prop_oneof![
        (kinds, any::<f64>()).prop_map(|(kind, value)| OwnedValue::Number(kind, value)),
        (counts.clone(), any::<Option<f64>>(), quantiles)
            .prop_map(|(count, sum, quantiles)| OwnedValue::Summary(count, sum, quantiles)),
        (any::<f64>(), buckets).prop_map(|(sum, buckets)| {
            let (mut bounds, counts): (Vec<_>, Vec<_>) = buckets.into_iter().unzip();
            bounds.pop();
            OwnedValue::Classic(sum, bounds, counts)
        }),
        (any::<f64>(), -4..=8_i8, counts.clone(), -2_000..-300_i32, spans)
            .prop_flat_map(move |(sum, schema, zero, first, spans)| {
                let spans: Vec<_> = spans
                    .iter()
                    .enumerate()
                    .map(|(i, (gap, length))| Span {
                        offset: if i == 0 { first } else { *gap },
                        length: *length,
                    })
                    .collect();
                let length = spans.iter().map(|span| span.length as usize).sum::<usize>();
                let counts = proptest::collection::vec(counts.clone(), length);
                (Just((sum, schema, zero, spans)), counts)
            })
            .prop_map(|((sum, schema, zero, spans), counts)| {
                OwnedValue::Native(sum, schema, zero, spans, counts)
            }),
    ]
}

fn points() -> impl Strategy<Value = Vec<Owned>> {
    let labels = proptest::collection::btree_map("[a-z_]{1,9}", "\\PC{1,200}", 0..4);
    let times = (any::<Option<u32>>(), any::<u32>(), any::<u32>())
        .prop_map(|(start, first, time)| (start.map(i64::from), first.into(), time.into()));
    let owned =
        (labels, times, values()).prop_map(|(labels, times, value)| Owned { labels, times, value });
    proptest::collection::vec(owned, 1..12)
}

impl OwnedValue {
    fn kind(&self) -> Kind {
        match self {
            Self::Number(kind, _) => *kind,
            Self::Summary(..) => Kind::Summary,
            Self::Classic(..) | Self::Native(..) => Kind::Histogram,
        }
    }

    fn lend(&self) -> Value<'_> {
        match self {
            Self::Number(_, value) => Value::Number(*value),
            Self::Summary(count, sum, quantiles) => {
                Value::Summary(Summary { count: *count, sum: *sum, quantiles })
            }
            Self::Classic(sum, bounds, counts) => Value::Histogram(Histogram {
                count: counts.iter().sum(),
                sum: *sum,
                classic: Some(Classic { bounds, counts }),
                native: None,
            }),
            Self::Native(sum, schema, zero_count, spans, counts) => Value::Histogram(Histogram {
                count: zero_count + counts.iter().sum::<u64>(),
                sum: *sum,
                classic: None,
                native: Some(Native {
                    schema: *schema,
                    zero_threshold: 1e-12,
                    zero_count: *zero_count,
                    positive: Buckets { spans, counts },
                    negative: Buckets { spans, counts },
                }),
            }),
        }
    }
}

/// The buckets that are not empty: native index and count.
fn native_buckets(spans: &[Span], counts: &[u64]) -> Vec<(i64, u64)> {
    let mut index = 0;
    let mut counts = counts.iter();
    let mut buckets = Vec::new();
    for span in spans {
        index += i64::from(span.offset);
        for _ in 0..span.length {
            buckets.push((index, *counts.next().unwrap()));
            index += 1;
        }
    }
    buckets.retain(|(_, count)| *count > 0);
    buckets
}

fn dense_buckets(buckets: Option<&exponential_histogram_data_point::Buckets>) -> Vec<(i64, u64)> {
    let Some(buckets) = buckets else { return Vec::new() };
    let first = i64::from(buckets.offset) + 1;
    let mut all: Vec<_> = (first..).zip(buckets.bucket_counts.iter().copied()).collect();
    all.retain(|(_, count)| *count > 0);
    all
}

fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits()
}

/// Checks one metric, which has one point, against what was encoded.
fn check(metric: &Metric, owned: &Owned) -> Result<(), TestCaseError> {
    let nanos = |millis: Millis| millis.cast_unsigned() * 1_000_000;
    let (start, first, time) = owned.times;
    let start = nanos(start.unwrap_or(first));
    let wanted: Vec<_> = owned.labels.iter().map(|(k, v)| (&**k, &**v)).collect();
    let (attributes, times) = match (&owned.value, metric.data.as_ref().unwrap()) {
        (OwnedValue::Number(Kind::Counter, value), Data::Sum(sum)) => {
            let point = &sum.data_points[0];
            prop_assert!(same(number(point), *value));
            (&point.attributes, (point.start_time_unix_nano, point.time_unix_nano))
        }
        (OwnedValue::Number(kind, value), Data::Gauge(gauge)) => {
            prop_assert_ne!(*kind, Kind::Counter);
            let point = &gauge.data_points[0];
            prop_assert!(same(number(point), *value));
            prop_assert_eq!(point.start_time_unix_nano, 0);
            (&point.attributes, (start, point.time_unix_nano))
        }
        (OwnedValue::Summary(count, sum, quantiles), Data::Summary(summary)) => {
            let point = &summary.data_points[0];
            prop_assert_eq!(point.count, *count);
            prop_assert!(same(point.sum, sum.unwrap_or(f64::NAN)));
            prop_assert_eq!(point.quantile_values.len(), quantiles.len());
            for (is, wanted) in point.quantile_values.iter().zip(quantiles) {
                prop_assert!(same(is.quantile, wanted.q) && same(is.value, wanted.value));
            }
            (&point.attributes, (point.start_time_unix_nano, point.time_unix_nano))
        }
        (OwnedValue::Classic(sum, bounds, counts), Data::Histogram(_)) => {
            let point = histogram_of(metric);
            prop_assert_eq!(point.count, counts.iter().sum::<u64>());
            prop_assert!(same(point.sum.unwrap(), *sum));
            prop_assert_eq!(&point.explicit_bounds, bounds);
            prop_assert_eq!(&point.bucket_counts, counts);
            (&point.attributes, (point.start_time_unix_nano, point.time_unix_nano))
        }
        (OwnedValue::Native(sum, schema, zero, spans, counts), Data::ExponentialHistogram(_)) => {
            let point = exponential_of(metric);
            let wanted = native_buckets(spans, counts);
            prop_assert_eq!(point.count, zero + 2 * counts.iter().sum::<u64>());
            prop_assert!(same(point.sum.unwrap(), *sum));
            prop_assert_eq!((point.scale, point.zero_count), (i32::from(*schema), *zero));
            prop_assert_eq!(dense_buckets(point.positive.as_ref()), &*wanted);
            prop_assert_eq!(dense_buckets(point.negative.as_ref()), wanted);
            (&point.attributes, (point.start_time_unix_nano, point.time_unix_nano))
        }
        (wanted, is) => return Err(TestCaseError::fail(format!("{is:?} is not {wanted:?}"))),
    };
    prop_assert_eq!(labels(attributes), wanted);
    prop_assert_eq!(times, (start, nanos(time)));
    Ok(())
}

proptest! {
    #[test]
    fn points_decode_to_what_they_were(points in points(), gzip: bool) {
        let metas: Vec<_> = points
            .iter()
            .enumerate()
            .map(|(i, owned)| meta(&format!("m{i}_x"), None, owned.value.kind()))
            .collect();
        let mut encoder = encoder(&config(Histograms::Exponential, gzip, &[]));
        let mut batches = Vec::new();
        for (owned, meta) in points.iter().zip(&metas) {
            let labels: Vec<_> = owned.labels.iter().map(|(k, v)| (&**k, &**v)).collect();
            let reading = Reading::Value(owned.value.lend());
            let (start, first, time) = owned.times;
            let point = Point { meta, labels: &labels, reading, start, first, time };
            encoder.point(&point, &mut |batch| batches.push(batch));
        }
        encoder.finish(&mut |batch| batches.push(batch));
        prop_assert_eq!(batches.len(), 1);
        let request = decode(&batches[0]);
        let metrics = &request.resource_metrics[0].scope_metrics[0].metrics;
        prop_assert_eq!(metrics.len(), points.len());
        for (i, (metric, owned)) in metrics.iter().zip(&points).enumerate() {
            prop_assert_eq!(&metric.name, &format!("m{i}_x"));
            check(metric, owned)?;
        }
    }
}
