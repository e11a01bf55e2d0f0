//! The protobuf format, decoded by generated code.

use crate::support::dto::{self, BucketSpan, MetricType, Timestamp, decode, only};
use crate::support::{Fixed, Owned, bytes, labelled, number};
use exposition::{
    Buckets, Classic, Format, Histogram, Kind, Meta, MetricName, Native, Quantile, Span, Summary,
    Unit, Value,
};

fn meta(name: &str, unit: Option<Unit>, kind: Kind) -> Meta {
    Meta::new(MetricName::new(name).unwrap(), "Help.", unit, kind)
}

fn one(kind: Kind, sample: Owned) -> dto::Metric {
    only(&bytes(Format::Protobuf, &[Fixed::new(meta("x_total", None, kind), vec![sample])]))
}

fn histogram(value: Histogram<'static>) -> dto::Histogram {
    one(Kind::Histogram, labelled(&[], Value::Histogram(value))).histogram.unwrap()
}

fn span(offset: i32, length: u32) -> BucketSpan {
    BucketSpan { offset: Some(offset), length: Some(length) }
}

#[test]
fn a_family_has_its_name_help_type_and_unit() {
    let families = [
        Fixed::new(
            meta("a_bytes_total", Some(Unit::Bytes), Kind::Counter),
            vec![number(&[("x", "ø"), ("y", "")], 3.0), number(&[("x", "2")], 0.0)],
        ),
        Fixed::new(meta("b", Some(Unit::Bytes), Kind::Gauge), vec![number(&[], -1.5)]),
        Fixed::new(meta("c", None, Kind::Unknown), vec![number(&[], f64::NEG_INFINITY)]),
    ];
    let decoded = decode(&bytes(Format::Protobuf, &families));
    let heads = decoded.iter().map(|f| (f.name.as_deref(), f.r#type(), f.unit.as_deref()));
    assert_eq!(
        heads.collect::<Vec<_>>(),
        [
            (Some("a_bytes_total"), MetricType::Counter, Some("bytes")),
            (Some("b"), MetricType::Gauge, None),
            (Some("c"), MetricType::Untyped, None),
        ]
    );
    assert!(decoded.iter().all(|family| family.help.as_deref() == Some("Help.")));
    let counter = &decoded[0].metric[0];
    let labels = counter.label.iter().map(|l| (l.name.as_deref(), l.value.as_deref()));
    assert_eq!(labels.collect::<Vec<_>>(), [(Some("x"), Some("ø")), (Some("y"), Some(""))]);
    assert_eq!(counter.counter.as_ref().unwrap().value, Some(3.0));
    assert_eq!(decoded[0].metric[1].counter.as_ref().unwrap().value, Some(0.0));
    assert_eq!(decoded[1].metric[0].gauge.as_ref().unwrap().value, Some(-1.5));
    assert_eq!(decoded[2].metric[0].untyped.as_ref().unwrap().value, Some(f64::NEG_INFINITY));
}

#[test]
fn a_counter_has_the_time_it_began() {
    let created = |time| {
        let counter = one(Kind::Counter, number(&[], 1.0).created(time)).counter.unwrap();
        counter.created_timestamp.map(|Timestamp { seconds, nanos }| (seconds, nanos))
    };
    assert_eq!(created(1_700_000_000.25), Some((1_700_000_000, 250_000_000)));
    assert_eq!(created(-0.5), Some((-1, 500_000_000)));
    assert_eq!(created(f64::NAN), None);
    let gauge = one(Kind::Gauge, number(&[], 1.0).created(5.0));
    assert_eq!(gauge.gauge, Some(dto::Number { value: Some(1.0) }));
}

#[test]
fn a_summary_keeps_count_sum_and_quantiles() {
    let summary = Summary {
        count: 9,
        sum: Some(4.5),
        quantiles: &[Quantile { q: 0.5, value: 0.1 }, Quantile { q: 1.0, value: -2.0 }],
    };
    let sample = labelled(&[], Value::Summary(summary)).created(2.0);
    let decoded = one(Kind::Summary, sample).summary.unwrap();
    assert_eq!((decoded.sample_count, decoded.sample_sum), (Some(9), Some(4.5)));
    let quantiles = decoded.quantile.iter().map(|q| (q.quantile.unwrap(), q.value.unwrap()));
    assert_eq!(quantiles.collect::<Vec<_>>(), [(0.5, 0.1), (1.0, -2.0)]);
    assert_eq!(decoded.created_timestamp, Some(Timestamp { seconds: 2, nanos: 0 }));
}

#[test]
fn a_sum_that_is_not_known_is_not_zero() {
    let summary = Summary { count: 9, sum: None, quantiles: &[] };
    let decoded = one(Kind::Summary, labelled(&[], Value::Summary(summary))).summary.unwrap();
    assert!(decoded.sample_sum.unwrap().is_nan());
}

#[test]
fn classic_and_native_buckets_stand_in_one_histogram() {
    let sample = labelled(
        &[],
        Value::Histogram(Histogram {
            count: 12,
            sum: 3.5,
            classic: Some(Classic { bounds: &[0.5, 1.0], counts: &[4, 3, 5] }),
            native: Some(Native {
                schema: -2,
                zero_threshold: 0.125,
                zero_count: 1,
                positive: Buckets {
                    spans: &[Span { offset: -3, length: 2 }, Span { offset: 1, length: 1 }],
                    counts: &[5, 2, 3],
                },
                negative: Buckets { spans: &[Span { offset: 0, length: 1 }], counts: &[1] },
            }),
        }),
    );
    let decoded = one(Kind::Histogram, sample.created(3.0)).histogram.unwrap();
    let bucket =
        |count, bound| dto::Bucket { cumulative_count: Some(count), upper_bound: Some(bound) };
    let wanted = dto::Histogram {
        sample_count: Some(12),
        sample_sum: Some(3.5),
        bucket: vec![bucket(4, 0.5), bucket(7, 1.0)],
        schema: Some(-2),
        zero_threshold: Some(0.125),
        zero_count: Some(1),
        negative_span: vec![span(0, 1)],
        negative_delta: vec![1],
        positive_span: vec![span(-3, 2), span(1, 1)],
        positive_delta: vec![5, -3, 1],
        created_timestamp: Some(Timestamp { seconds: 3, nanos: 0 }),
    };
    assert_eq!(decoded, wanted);
}

#[test]
fn an_empty_native_histogram_has_a_span_of_nothing() {
    let native = Native {
        schema: 5,
        zero_threshold: 0.0,
        zero_count: 0,
        positive: Buckets::default(),
        negative: Buckets::default(),
    };
    let decoded = histogram(Histogram { count: 0, sum: 0.0, classic: None, native: Some(native) });
    assert_eq!(decoded.positive_span, [span(0, 0)]);
    assert_eq!((decoded.schema, decoded.zero_count), (Some(5), Some(0)));
    assert_eq!(decoded.zero_threshold, Some(0.0));
}

#[test]
fn a_classic_histogram_is_not_taken_for_a_native_one() {
    let classic = Classic { bounds: &[1.0], counts: &[0, 0] };
    let decoded = histogram(Histogram { count: 0, sum: 0.0, classic: Some(classic), native: None });
    assert_eq!(decoded.schema, None);
    assert_eq!(decoded.zero_threshold, None);
    assert!(decoded.positive_span.is_empty());
}
