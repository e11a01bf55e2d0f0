#![expect(clippy::float_cmp, reason = "nothing is computed: what is read is what was written")]

use std::io::Read as _;

use exposition::{
    Buckets, Classic, Histogram, Kind, Meta, MetricName, Native, Quantile, Span, Summary, Unit,
    Value,
};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, ExponentialHistogramDataPoint, HistogramDataPoint, Metric,
    NumberDataPoint, metric::Data, number_data_point,
};
use prost::Message as _;

use super::*;
use crate::canned::target;
use crate::config::Protocol;
use crate::point::{Reading, Shape};

mod random;

const TIME: Millis = 1_700_000_060_000;
const START: Millis = 1_700_000_000_000;
const FIRST: Millis = 1_700_000_030_000;

fn config(histograms: Histograms, gzip: bool, resource: &[(&str, &str)]) -> Otlp {
    let target = target("http://localhost:4318/v1/metrics", "--otlp.tls");
    let resource = resource.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Otlp { target, protocol: Protocol::Http, timeout: None, gzip, resource, histograms }
}

fn encoder(otlp: &Otlp) -> OtlpEncoder {
    let identity = Identity {
        job: "locust".to_owned(),
        instance: "here:9646".to_owned(),
        program: ("locust_exporter", "1.2.3"),
    };
    OtlpEncoder::new(otlp, &identity)
}

fn meta(name: &str, unit: Option<Unit>, kind: Kind) -> Meta {
    Meta::new(MetricName::new(name).unwrap(), "Help.", unit, kind)
}

fn point<'a>(meta: &'a Meta, labels: &'a [(&'a str, &'a str)], reading: Reading<'a>) -> Point<'a> {
    Point { meta, labels, reading, start: None, first: FIRST, time: TIME }
}

/// What a receiver reads of one batch.
fn decode(batch: &Batch) -> ExportMetricsServiceRequest {
    let mut plain = Vec::new();
    let body = match batch.format {
        Format::OtlpGzip => {
            flate2::read::GzDecoder::new(&*batch.body).read_to_end(&mut plain).unwrap();
            &*plain
        }
        _ => &*batch.body,
    };
    ExportMetricsServiceRequest::decode(body).unwrap()
}

/// The batches of one pass.
fn pass(encoder: &mut OtlpEncoder, points: &[Point<'_>]) -> Vec<Batch> {
    let mut batches = Vec::new();
    for point in points {
        encoder.point(point, &mut |batch| batches.push(batch));
    }
    encoder.finish(&mut |batch| batches.push(batch));
    batches
}

/// The metrics of one pass that fits into a batch.
fn metrics(histograms: Histograms, points: &[Point<'_>]) -> Vec<Metric> {
    let batches = pass(&mut encoder(&config(histograms, false, &[])), points);
    assert_eq!(batches.len(), 1);
    assert_eq!(batches[0].points(), points.len() as u64);
    let mut request = decode(&batches[0]);
    request.resource_metrics.remove(0).scope_metrics.remove(0).metrics
}

/// Attributes as labels.
fn labels(attributes: &[KeyValue]) -> Vec<(&str, &str)> {
    attributes.iter().map(|KeyValue { key, value, .. }| (&**key, text(value.as_ref()))).collect()
}

fn text(value: Option<&AnyValue>) -> &str {
    match value.and_then(|value| value.value.as_ref()) {
        Some(any_value::Value::StringValue(value)) => value,
        other => panic!("{other:?} is no string"),
    }
}

fn histogram_of(metric: &Metric) -> &HistogramDataPoint {
    match metric.data.as_ref() {
        Some(Data::Histogram(histogram)) => &histogram.data_points[0],
        other => panic!("{other:?} is no histogram"),
    }
}

fn exponential_of(metric: &Metric) -> &ExponentialHistogramDataPoint {
    match metric.data.as_ref() {
        Some(Data::ExponentialHistogram(histogram)) => {
            assert_eq!(histogram.aggregation_temporality(), AggregationTemporality::Cumulative);
            &histogram.data_points[0]
        }
        other => panic!("{other:?} is no exponential histogram"),
    }
}

fn number(point: &NumberDataPoint) -> f64 {
    match point.value {
        Some(number_data_point::Value::AsDouble(value)) => value,
        other => panic!("{other:?} is no double"),
    }
}

const BOUNDS: [f64; 2] = [0.1, 2.5];
const COUNTS: [u64; 3] = [1, 2, 3];
const SPANS: [Span; 2] = [Span { offset: -1, length: 1 }, Span { offset: 1, length: 2 }];

const CLASSIC: Classic<'_> = Classic { bounds: &BOUNDS, counts: &COUNTS };

const NATIVE: Native<'_> = Native {
    schema: 3,
    zero_threshold: 1e-9,
    zero_count: 1,
    positive: Buckets { spans: &SPANS, counts: &[1, 2, 2] },
    negative: Buckets { spans: &[], counts: &[] },
};

fn histogram(
    classic: Option<Classic<'static>>,
    native: Option<Native<'static>>,
) -> Reading<'static> {
    Reading::Value(Value::Histogram(Histogram { count: 6, sum: 12.5, classic, native }))
}

#[test]
fn the_resource_tells_who_speaks_and_what_is_given_wins() {
    let up = meta("up", None, Kind::Gauge);
    let points = [point(&up, &[], Reading::Value(Value::Number(1.0)))];
    let resource_of = |given: &[(&str, &str)]| {
        let batch =
            pass(&mut encoder(&config(Histograms::Explicit, false, given)), &points).remove(0);
        let metrics = decode(&batch).resource_metrics.remove(0);
        let scope = metrics.scope_metrics[0].scope.clone().unwrap();
        assert_eq!((&*scope.name, &*scope.version), ("locust_exporter", "1.2.3"));
        let attributes = metrics.resource.unwrap().attributes;
        labels(&attributes).iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>()
    };
    assert_eq!(resource_of(&[]), ["service.name=locust", "service.instance.id=here:9646"]);
    assert_eq!(
        resource_of(&[("service.name", "shop"), ("run_id", "7")]),
        ["service.name=shop", "run_id=7", "service.instance.id=here:9646"]
    );
}

#[test]
fn the_resource_tells_of_the_run_what_is_not_given() {
    let up = meta("up", None, Kind::Gauge);
    let points = [point(&up, &[], Reading::Value(Value::Number(1.0)))];
    let mut encoder = encoder(&config(Histograms::Explicit, false, &[("testplan", "mine")]));
    for run in ["1", "2"] {
        encoder.resource(&[("run_id", run.to_owned()), ("testplan", "theirs".to_owned())]);
        let batch = pass(&mut encoder, &points).remove(0);
        let resource = decode(&batch).resource_metrics.remove(0).resource.unwrap();
        let wanted = [
            ("testplan", "mine"),
            ("service.name", "locust"),
            ("service.instance.id", "here:9646"),
            ("run_id", run),
        ];
        assert_eq!(labels(&resource.attributes), wanted);
    }
}

#[test]
fn a_counter_is_a_monotonic_cumulative_sum_and_a_gauge_a_gauge() {
    let requests = meta("requests_total", None, Kind::Counter);
    let users = meta("users", None, Kind::Gauge);
    let other = meta("other_seconds", Some(Unit::Seconds), Kind::Unknown);
    let read = metrics(
        Histograms::Explicit,
        &[
            Point {
                start: Some(START),
                ..point(&requests, &[("a", "x"), ("b", "ü")], Reading::Value(Value::Number(7.0)))
            },
            point(&requests, &[("a", "y")], Reading::Value(Value::Number(8.5))),
            point(&users, &[], Reading::Value(Value::Number(f64::NEG_INFINITY))),
            point(&other, &[], Reading::Value(Value::Number(-0.25))),
        ],
    );
    let heads: Vec<_> = read.iter().map(|m| (&*m.name, &*m.description, &*m.unit)).collect();
    assert_eq!(
        heads,
        [("requests_total", "Help.", ""), ("users", "Help.", ""), ("other_seconds", "Help.", "s")]
    );
    let Some(Data::Sum(sum)) = &read[0].data else { panic!("{:?}", read[0]) };
    assert!(sum.is_monotonic);
    assert_eq!(sum.aggregation_temporality(), AggregationTemporality::Cumulative);
    let [one, two] = &*sum.data_points else { panic!("{sum:?}") };
    assert_eq!(labels(&one.attributes), [("a", "x"), ("b", "ü")]);
    assert_eq!((number(one), number(two)), (7.0, 8.5));
    assert_eq!(one.time_unix_nano, 1_700_000_060_000_000_000);
    assert_eq!(one.start_time_unix_nano, 1_700_000_000_000_000_000);
    // A start that is not known is the first point's time.
    assert_eq!(two.start_time_unix_nano, 1_700_000_030_000_000_000);
    for (metric, wanted) in [(&read[1], f64::NEG_INFINITY), (&read[2], -0.25)] {
        let Some(Data::Gauge(gauge)) = &metric.data else { panic!("{metric:?}") };
        assert_eq!(number(&gauge.data_points[0]), wanted);
        assert_eq!(gauge.data_points[0].start_time_unix_nano, 0);
    }
}

#[test]
fn a_histogram_has_the_buckets_that_are_asked_for() {
    let duration = meta("duration_seconds", Some(Unit::Seconds), Kind::Histogram);
    let both = [point(&duration, &[("name", "/")], histogram(Some(CLASSIC), Some(NATIVE)))];
    let read = metrics(Histograms::Explicit, &both);
    assert_eq!((&*read[0].name, &*read[0].unit), ("duration_seconds", "s"));
    let explicit = histogram_of(&read[0]);
    assert_eq!((explicit.count, explicit.sum), (6, Some(12.5)));
    assert_eq!((&*explicit.explicit_bounds, &*explicit.bucket_counts), (&BOUNDS[..], &COUNTS[..]));
    assert_eq!(labels(&explicit.attributes), [("name", "/")]);
    let read = metrics(Histograms::Exponential, &both);
    let exponential = exponential_of(&read[0]);
    assert_eq!((exponential.count, exponential.sum, exponential.scale), (6, Some(12.5), 3));
    assert_eq!((exponential.zero_count, exponential.zero_threshold), (1, 1e-9));
    let positive = exponential.positive.as_ref().unwrap();
    assert_eq!((positive.offset, &*positive.bucket_counts), (-2, &[1, 0, 2, 2][..]));
    assert_eq!(exponential.negative, None);
    assert_eq!(labels(&exponential.attributes), [("name", "/")]);
    assert_eq!(exponential.start_time_unix_nano, 1_700_000_030_000_000_000);
}

#[test]
fn a_histogram_has_the_buckets_that_there_are() {
    let duration = meta("duration_seconds", Some(Unit::Seconds), Kind::Histogram);
    let read = metrics(
        Histograms::Exponential,
        &[
            point(&duration, &[("n", "1")], histogram(Some(CLASSIC), None)),
            point(&duration, &[("n", "2")], histogram(None, Some(NATIVE))),
            point(&duration, &[("n", "3")], histogram(None, None)),
        ],
    );
    assert_eq!(histogram_of(&read[0]).bucket_counts, COUNTS);
    assert_eq!(exponential_of(&read[1]).count, 6);
    let bare = histogram_of(&read[2]);
    assert_eq!((&*bare.explicit_bounds, &*bare.bucket_counts), (&[][..], &[6][..]));
    let read =
        metrics(Histograms::Explicit, &[point(&duration, &[], histogram(None, Some(NATIVE)))]);
    assert_eq!(exponential_of(&read[0]).count, 6);
}

#[test]
fn a_summary_keeps_its_quantiles_and_never_claims_a_sum() {
    let duration = meta("duration_seconds", Some(Unit::Seconds), Kind::Summary);
    let quantiles = [Quantile { q: 0.5, value: 0.2 }, Quantile { q: 0.99, value: 3.0 }];
    let summary =
        |sum| Reading::Value(Value::Summary(Summary { count: 5, sum, quantiles: &quantiles }));
    let read = metrics(
        Histograms::Explicit,
        &[
            point(&duration, &[("n", "1")], summary(Some(1.5))),
            point(&duration, &[], summary(None)),
        ],
    );
    let Some(Data::Summary(is)) = &read[0].data else { panic!("{read:?}") };
    assert_eq!((is.data_points[0].count, is.data_points[0].sum), (5, 1.5));
    let values: Vec<_> =
        is.data_points[0].quantile_values.iter().map(|q| (q.quantile, q.value)).collect();
    assert_eq!(values, [(0.5, 0.2), (0.99, 3.0)]);
    assert!(is.data_points[1].sum.is_nan());
}

#[test]
fn an_end_is_a_point_of_the_same_kind_without_a_value() {
    let requests = meta("requests_total", None, Kind::Counter);
    let users = meta("users", None, Kind::Gauge);
    let duration = meta("duration_seconds", Some(Unit::Seconds), Kind::Histogram);
    let wait = meta("wait_seconds", Some(Unit::Seconds), Kind::Summary);
    let shape = Shape::Histogram { bounds: Some(&BOUNDS), is_native: true };
    let points = [
        point(&requests, &[("a", "x")], Reading::Ended(Shape::Number)),
        point(&users, &[], Reading::Ended(Shape::Number)),
        point(&duration, &[], Reading::Ended(shape)),
        point(&wait, &[], Reading::Ended(Shape::Summary { quantiles: &[0.5], has_sum: true })),
    ];
    let read = metrics(Histograms::Explicit, &points);
    let Some(Data::Sum(sum)) = &read[0].data else { panic!("{:?}", read[0]) };
    assert_eq!((sum.data_points[0].flags, sum.data_points[0].attributes.len()), (1, 1));
    let Some(Data::Gauge(gauge)) = &read[1].data else { panic!("{:?}", read[1]) };
    assert_eq!(gauge.data_points[0].flags, 1);
    let explicit = histogram_of(&read[2]);
    assert_eq!((explicit.flags, &*explicit.bucket_counts), (1, &[0, 0, 0][..]));
    assert_eq!((&*explicit.explicit_bounds, explicit.sum), (&BOUNDS[..], Some(0.0)));
    let Some(Data::Summary(summary)) = &read[3].data else { panic!("{:?}", read[3]) };
    assert_eq!(summary.data_points[0].flags, 1);
    assert_eq!(summary.data_points[0].quantile_values[0].quantile, 0.5);
    let read = metrics(Histograms::Exponential, &points);
    assert_eq!((exponential_of(&read[2]).flags, exponential_of(&read[2]).count), (1, 0));
}

#[test]
fn batches_are_bounded_in_bytes_and_points_and_lose_nothing() {
    let requests = meta("requests_total", None, Kind::Counter);
    let up = meta("up", None, Kind::Gauge);
    let long = "x".repeat(200);
    for (value, points, wanted_batches) in [(&*long, 20_000_u32, 5), ("x", 25_000, 3)] {
        for gzip in [false, true] {
            let mut encoder = encoder(&config(Histograms::Explicit, gzip, &[]));
            let mut batches = Vec::new();
            for i in 0..points {
                let labels = [("i", &*i.to_string()), ("value", value)];
                let reading = Reading::Value(Value::Number(f64::from(i)));
                encoder.point(&point(&requests, &labels, reading), &mut |b| batches.push(b));
            }
            let reading = Reading::Value(Value::Number(1.0));
            encoder.point(&point(&up, &[], reading), &mut |b| batches.push(b));
            encoder.finish(&mut |b| batches.push(b));
            assert_eq!(batches.len(), wanted_batches);
            let mut next = 0.0;
            for batch in &batches {
                assert_eq!(batch.time, TIME);
                assert!(batch.samples <= FULL_POINTS);
                let request = decode(batch);
                assert!(request.encoded_len() < FULL_BYTES + 1_000);
                if gzip {
                    assert_eq!(batch.format, Format::OtlpGzip);
                    assert!(batch.body.len() * 4 < request.encoded_len());
                }
                for metric in &request.resource_metrics[0].scope_metrics[0].metrics {
                    let Some(Data::Sum(sum)) = &metric.data else { continue };
                    for point in &sum.data_points {
                        assert_eq!(number(point), next);
                        next += 1.0;
                    }
                }
            }
            assert_eq!(next, f64::from(points));
            let all: u64 = batches.iter().map(Batch::points).sum();
            assert_eq!(all, u64::from(points) + 1);
        }
    }
}

#[test]
fn a_pass_without_points_has_no_batch() {
    let mut encoder = encoder(&config(Histograms::Explicit, false, &[]));
    assert_eq!(pass(&mut encoder, &[]), []);
    let up = meta("up", None, Kind::Gauge);
    let points = [point(&up, &[], Reading::Value(Value::Number(1.0)))];
    let first = pass(&mut encoder, &points);
    assert_eq!(first, pass(&mut encoder, &points), "nothing of a pass is left in the next");
    assert_eq!(pass(&mut encoder, &[]), []);
}

#[test]
fn native_histograms_are_asked_for_only_where_they_are_sent() {
    for (histograms, wanted) in [(Histograms::Explicit, false), (Histograms::Exponential, true)] {
        assert_eq!(encoder(&config(histograms, false, &[])).takes_native(), wanted);
    }
}
