//! What a receiver decodes of what was encoded, by messages of its own.

mod messages;

use std::collections::BTreeMap;
use std::sync::Arc;

use exposition::{
    Buckets, Classic, Histogram, Kind, Meta, MetricName, Native, Quantile, Span, Summary, Unit,
    Value,
};
use outgoing::{Credentials, Target, Tls};
use proptest::prelude::*;

use self::messages::{MetricMetadata, Request, WriteRequest, decode};
use super::encoder::{Limits, RemoteWriteEncoder};
use super::protocol::Protocol;
use super::transcode::{to_v1, without_native};
use crate::batch::{Batch, Format};
use crate::config::{Identity, NativeHistograms, RemoteWrite, Version};
use crate::encoder::Encoder as _;
use crate::point::{Point, Reading, Shape};

const LIMITS: Limits = Limits { samples: 2_000, bytes: 1 << 20 };

const TIME: i64 = 1_700_000_000_000;

fn config(external: &[(&str, &str)]) -> RemoteWrite {
    RemoteWrite {
        target: Target {
            url: "http://localhost/".parse().unwrap(),
            credentials: Credentials::None,
            headers: Vec::new(),
            tls: Tls::default(),
            tls_flags: "",
        },
        version: Version::Auto,
        external_labels: external.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect(),
        native_histograms: NativeHistograms::Always,
    }
}

fn identity() -> Identity {
    Identity { job: "locust".into(), instance: "a:1".into(), program: ("x", "1") }
}

fn encoder(version: Version, limits: Limits) -> RemoteWriteEncoder {
    let protocol = Arc::new(Protocol::new(version, NativeHistograms::Always));
    RemoteWriteEncoder::with_limits(&config(&[]), &identity(), protocol, limits)
}

fn encode(encoder: &mut RemoteWriteEncoder, points: &[Point<'_>]) -> Vec<Batch> {
    let mut batches = Vec::new();
    for point in points {
        encoder.point(point, &mut |batch| batches.push(batch));
    }
    encoder.finish(&mut |batch| batches.push(batch));
    batches
}

fn meta(name: &str, kind: Kind) -> Meta {
    Meta::new(MetricName::new(name).unwrap(), "Help.", None, kind)
}

fn point<'a>(meta: &'a Meta, labels: &'a [(&'a str, &'a str)], reading: Reading<'a>) -> Point<'a> {
    Point { meta, labels, reading, start: None, first: TIME, time: TIME }
}

/// A number, of which the stale one is told.
fn number(value: f64) -> String {
    match value.to_bits() {
        0x7ff0_0000_0000_0002 => "stale".to_owned(),
        0x7ff8_0000_0000_0001 => "NaN".to_owned(),
        _ => {
            assert!(!value.is_nan());
            value.to_string()
        }
    }
}

fn labels(labels: &[(&str, &str)]) -> String {
    // Byte order, none twice, none empty.
    assert!(labels.is_sorted_by(|a, b| a.0.as_bytes() < b.0.as_bytes()), "{labels:?}");
    assert!(labels.iter().all(|(_, value)| !value.is_empty()), "{labels:?}");
    let texts = labels.iter().map(|(name, value)| format!("{name}={value:?}"));
    texts.collect::<Vec<_>>().join(",")
}

fn histogram(histogram: &messages::Histogram) -> String {
    let spans = |spans: &[messages::BucketSpan]| {
        spans.iter().map(|span| (span.offset, span.length)).collect::<Vec<_>>()
    };
    format!(
        "{{count={:?} sum={} schema={} zero={}:{:?} -{:?}{:?} +{:?}{:?}}} @{}",
        histogram.count_int.unwrap(),
        number(histogram.sum),
        histogram.schema,
        histogram.zero_threshold,
        histogram.zero_count_int.unwrap(),
        spans(&histogram.negative_spans),
        histogram.negative_deltas,
        spans(&histogram.positive_spans),
        histogram.positive_deltas,
        histogram.timestamp - TIME,
    )
}

/// The series of a 1.0 request: one line each, in their order.
fn lines1(body: &[u8]) -> (Vec<String>, Vec<MetricMetadata>) {
    let request: WriteRequest = decode(body);
    let lines = request.timeseries.iter().map(|series| {
        let all: Vec<_> = series.labels.iter().map(|l| (&*l.name, &*l.value)).collect();
        let value = match (&*series.samples, &*series.histograms) {
            ([sample], []) => format!("{} @{}", number(sample.value), sample.timestamp - TIME),
            ([], [one]) => {
                assert_eq!(one.start_timestamp, 0, "1.0 has none");
                histogram(one)
            }
            other => panic!("{other:?}"),
        };
        format!("{} {value}", labels(&all))
    });
    (lines.collect(), request.metadata)
}

/// The series of a 2.0 request: one line each, in their order.
fn lines2(body: &[u8]) -> Vec<String> {
    let request: Request = decode(body);
    let symbol = |number: u32| &*request.symbols[number as usize];
    assert_eq!(symbol(0), "");
    let mut sorted = request.symbols.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(sorted.len(), request.symbols.len(), "none stands twice");
    let lines = request.timeseries.iter().map(|series| {
        let refs = series.labels_refs.chunks(2);
        let all: Vec<_> = refs.map(|pair| (symbol(pair[0]), symbol(pair[1]))).collect();
        let (value, start) = match (&*series.samples, &*series.histograms) {
            ([one], []) => {
                (format!("{} @{}", number(one.value), one.timestamp - TIME), one.start_timestamp)
            }
            ([], [one]) => (histogram(one), one.start_timestamp),
            other => panic!("{other:?}"),
        };
        // Both places say the same; a native histogram has but the one.
        let in_series = if series.histograms.is_empty() { start } else { 0 };
        assert_eq!(series.created_timestamp, in_series);
        let start = if start == 0 { "-".to_owned() } else { (start - TIME).to_string() };
        let about = series.metadata.as_ref().unwrap();
        let (help, unit) = (symbol(about.help_ref), symbol(about.unit_ref));
        format!("{} {value} from {start} ({} {help:?} {unit:?})", labels(&all), about.r#type)
    });
    lines.collect()
}

const NATIVE: Native<'static> = Native {
    schema: 5,
    zero_threshold: 0.001,
    zero_count: 1,
    positive: Buckets {
        spans: &[Span { offset: -2, length: 2 }, Span { offset: 3, length: 1 }],
        counts: &[2, 1, 1],
    },
    negative: Buckets { spans: &[Span { offset: 0, length: 1 }], counts: &[1] },
};

const HISTOGRAM: Histogram<'static> = Histogram {
    count: 6,
    sum: 7.5,
    classic: Some(Classic { bounds: &[0.5, 1.0], counts: &[1, 2, 3] }),
    native: Some(NATIVE),
};

#[test]
fn a_counter_is_one_series_with_its_start_in_both_places() {
    let mut meta = meta("x_bytes_total", Kind::Counter);
    meta.unit = Some(Unit::Bytes);
    let labels = [("A", "1"), ("_a", "2"), ("z", "3")];
    let mut point = point(&meta, &labels, Reading::Value(Value::Number(2.5)));
    point.start = Some(TIME - 5);

    let batches = encode(&mut encoder(Version::V2, LIMITS), &[point]);
    assert_eq!(batches.len(), 1);
    assert_eq!((batches[0].samples, batches[0].histograms), (1, 0));
    assert_eq!((batches[0].format, batches[0].time), (Format::RemoteWrite2, TIME));
    assert_eq!(
        lines2(&batches[0].body),
        [
            r#"A="1",__name__="x_bytes_total",_a="2",instance="a:1",job="locust",z="3" 2.5 @0 from -5 (1 "Help." "bytes")"#
        ]
    );

    let batches = encode(&mut encoder(Version::V1, LIMITS), &[point]);
    let (lines, metadata) = lines1(&batches[0].body);
    assert_eq!(batches[0].format, Format::RemoteWrite1);
    assert_eq!(
        lines,
        [r#"A="1",__name__="x_bytes_total",_a="2",instance="a:1",job="locust",z="3" 2.5 @0"#]
    );
    let wanted = MetricMetadata {
        r#type: 1,
        metric_family_name: "x_bytes_total".into(),
        help: "Help.".into(),
        unit: "bytes".into(),
    };
    assert_eq!(metadata, [wanted]);
}

#[test]
fn a_histogram_is_its_classic_series_and_one_native() {
    let meta = meta("h", Kind::Histogram);
    let mut point = point(&meta, &[("m", "GET")], Reading::Value(Value::Histogram(HISTOGRAM)));
    point.start = Some(TIME - 9);
    let batches = encode(&mut encoder(Version::V2, LIMITS), &[point]);
    assert_eq!((batches[0].samples, batches[0].histograms), (5, 1));
    let series = |name: &str, le: &str, value: &str| {
        let le = if le.is_empty() { String::new() } else { format!(r#",le="{le}""#) };
        format!(
            r#"__name__="h{name}",instance="a:1",job="locust"{le},m="GET" {value} @0 from -9 (3 "Help." "")"#
        )
    };
    assert_eq!(
        lines2(&batches[0].body),
        [
            series("_bucket", "0.5", "1"),
            series("_bucket", "1.0", "3"),
            series("_bucket", "+Inf", "6"),
            series("_sum", "", "7.5"),
            series("_count", "", "6"),
            series(
                "",
                "",
                "{count=6 sum=7.5 schema=5 zero=0.001:1 -[(0, 1)][1] +[(-2, 2), (3, 1)][2, -1, 0]}"
            ),
        ]
    );
}

#[test]
fn a_native_histogram_alone_has_classic_series_only_where_it_is_not_taken() {
    let meta = meta("h", Kind::Histogram);
    let empty = Native {
        zero_count: 0,
        positive: Buckets::default(),
        negative: Buckets::default(),
        ..NATIVE
    };
    let value = Histogram { count: 0, sum: 0.0, classic: None, native: Some(empty) };
    let point = point(&meta, &[], Reading::Value(Value::Histogram(value)));
    let batches = encode(&mut encoder(Version::V1, LIMITS), &[point]);
    let base = r#"instance="a:1",job="locust""#;
    assert_eq!(
        lines1(&batches[0].body).0,
        [format!(r#"__name__="h",{base} {{count=0 sum=0 schema=5 zero=0.001:0 -[][] +[][]}} @0"#)]
    );

    let protocol = Arc::new(Protocol::new(Version::V1, NativeHistograms::Never));
    let mut encoder = RemoteWriteEncoder::new(&config(&[]), &identity(), protocol);
    assert!(!encoder.takes_native());
    let batches = encode(&mut encoder, &[point]);
    assert_eq!(
        lines1(&batches[0].body).0,
        [
            format!(r#"__name__="h_bucket",{base},le="+Inf" 0 @0"#),
            format!(r#"__name__="h_sum",{base} 0 @0"#),
            format!(r#"__name__="h_count",{base} 0 @0"#),
        ]
    );
}

#[test]
fn a_summary_has_a_sum_where_it_is_known() {
    let meta = meta("s", Kind::Summary);
    let quantiles = [Quantile { q: 0.5, value: f64::NAN }, Quantile { q: 1.0, value: 3.0 }];
    let with = Summary { count: 4, sum: Some(8.0), quantiles: &quantiles };
    let without = Summary { sum: None, quantiles: &[], ..with };
    let points = [with, without].map(|s| point(&meta, &[], Reading::Value(Value::Summary(s))));
    let batches = encode(&mut encoder(Version::V1, LIMITS), &points);
    let base = r#"instance="a:1",job="locust""#;
    let (lines, metadata) = lines1(&batches[0].body);
    assert_eq!(
        lines,
        [
            format!(r#"__name__="s",{base},quantile="0.5" NaN @0"#),
            format!(r#"__name__="s",{base},quantile="1.0" 3 @0"#),
            format!(r#"__name__="s_sum",{base} 8 @0"#),
            format!(r#"__name__="s_count",{base} 4 @0"#),
            format!(r#"__name__="s_count",{base} 4 @0"#),
        ]
    );
    assert_eq!(metadata.len(), 1, "a family is told of once");
}

#[test]
fn an_end_marks_every_series_there_was_as_stale() {
    let (h, s, g) = (meta("h", Kind::Histogram), meta("s", Kind::Summary), meta("g", Kind::Gauge));
    let points = [
        point(&h, &[], Reading::Ended(Shape::Histogram { bounds: Some(&[1.0]), is_native: true })),
        point(&s, &[], Reading::Ended(Shape::Summary { quantiles: &[0.5], has_sum: false })),
        point(&g, &[], Reading::Ended(Shape::Number)),
    ];
    let batches = encode(&mut encoder(Version::V1, LIMITS), &points);
    let base = r#"instance="a:1",job="locust""#;
    let wanted = [
        format!(r#"__name__="h_bucket",{base},le="1.0" stale @0"#),
        format!(r#"__name__="h_bucket",{base},le="+Inf" stale @0"#),
        format!(r#"__name__="h_sum",{base} stale @0"#),
        format!(r#"__name__="h_count",{base} stale @0"#),
        format!(r#"__name__="h",{base} {{count=0 sum=stale schema=0 zero=0:0 -[][] +[][]}} @0"#),
        format!(r#"__name__="s",{base},quantile="0.5" stale @0"#),
        format!(r#"__name__="s_count",{base} stale @0"#),
        format!(r#"__name__="g",{base} stale @0"#),
    ];
    assert_eq!(lines1(&batches[0].body).0, wanted);
}

#[test]
fn a_test_cannot_write_a_stale_marker() {
    let meta = meta("g", Kind::Gauge);
    let value = f64::from_bits(0x7ff0_0000_0000_0002);
    let point = point(&meta, &[], Reading::Value(Value::Number(value)));
    let batches = encode(&mut encoder(Version::V2, LIMITS), &[point]);
    assert!(lines2(&batches[0].body)[0].contains(" NaN @0 "));
}

#[test]
fn a_label_of_the_series_wins_over_one_of_all_and_that_over_our_own() {
    let protocol = Arc::new(Protocol::new(Version::V1, NativeHistograms::Always));
    let config = config(&[("z", "all"), ("B", "all"), ("job", "mine"), ("m", "all"), ("e", "")]);
    let mut encoder = RemoteWriteEncoder::new(&config, &identity(), protocol);
    let meta = meta("g", Kind::Gauge);
    let labels = [("instance", "own"), ("m", "own")];
    let point = point(&meta, &labels, Reading::Value(Value::Number(1.0)));
    assert_eq!(
        lines1(&encode(&mut encoder, &[point])[0].body).0,
        [r#"B="all",__name__="g",instance="own",job="mine",m="own",z="all" 1 @0"#]
    );
}

#[test]
fn batches_are_bounded_in_samples_and_bytes_and_stand_for_themselves() {
    let meta = meta("h", Kind::Histogram);
    let names: Vec<_> = (0..100).map(|i| format!("name {i}")).collect();
    let all: Vec<_> = names.iter().map(|name| [("n", name.as_str())]).collect();
    let reading = Reading::Value(Value::Histogram(HISTOGRAM));
    let points: Vec<_> = all.iter().map(|labels| point(&meta, labels, reading)).collect();
    for version in [Version::V1, Version::V2] {
        let limits = Limits { samples: 20, bytes: 1 << 20 };
        let by_samples = encode(&mut encoder(version, limits), &points);
        // Six series each, never divided.
        assert!(by_samples[..33].iter().all(|batch| batch.points() == 18), "{by_samples:?}");
        assert_eq!(by_samples.iter().map(Batch::points).sum::<u64>(), 600);

        let by_bytes =
            encode(&mut encoder(version, Limits { samples: 10_000, bytes: 4_000 }), &points);
        assert!(by_bytes.len() > 4);
        for batch in &by_bytes {
            assert!(snap::raw::decompress_len(&batch.body).unwrap() < 5_000);
        }
        let lines = |batches: &[Batch]| -> Vec<String> {
            let lines = batches.iter().flat_map(|batch| match batch.format {
                Format::RemoteWrite1 => lines1(&batch.body).0,
                _ => lines2(&batch.body),
            });
            lines.collect()
        };
        let whole = encode(&mut encoder(version, LIMITS), &points);
        assert_eq!(whole.len(), 1);
        assert_eq!(lines(&by_samples), lines(&whole));
        assert_eq!(lines(&by_bytes), lines(&whole));
        assert_eq!(encode(&mut encoder(version, LIMITS), &[]), []);
    }
}

#[test]
fn the_version_changes_between_two_batches_alone() {
    let protocol = Arc::new(Protocol::new(Version::Auto, NativeHistograms::Always));
    let mut encoder = RemoteWriteEncoder::new(&config(&[]), &identity(), Arc::clone(&protocol));
    let meta = meta("g", Kind::Gauge);
    let one = point(&meta, &[], Reading::Value(Value::Number(1.0)));
    let mut batches = Vec::new();
    encoder.point(&one, &mut |batch| batches.push(batch));
    assert!(protocol.fall_back());
    encoder.point(&one, &mut |batch| batches.push(batch));
    encoder.finish(&mut |batch| batches.push(batch));
    encoder.point(&one, &mut |batch| batches.push(batch));
    encoder.finish(&mut |batch| batches.push(batch));
    let told: Vec<_> = batches.iter().map(|batch| (batch.format, batch.samples)).collect();
    assert_eq!(told, [(Format::RemoteWrite2, 2), (Format::RemoteWrite1, 1)]);
}

/// A point that lives by itself.
#[derive(Clone, Debug)]
struct Given {
    family: usize,
    labels: BTreeMap<String, String>,
    numbers: Vec<u8>,
    ended: bool,
    start: Option<i64>,
}

fn given() -> impl Strategy<Value = Given> {
    let names = prop::sample::select(vec!["A", "_x", "job", "k", "m", "zz"]);
    let labels = prop::collection::btree_map(names.prop_map(str::to_owned), ".{1,9}", 0..5);
    let start = prop::option::of(1..TIME);
    (0..5_usize, labels, prop::collection::vec(any::<u8>(), 0..6), any::<bool>(), start).prop_map(
        |(family, labels, numbers, ended, start)| Given { family, labels, numbers, ended, start },
    )
}

impl Given {
    fn with_point<R>(&self, metas: &[Meta], then: impl FnOnce(&Point<'_>) -> R) -> R {
        let meta = &metas[self.family];
        let labels: Vec<_> = self.labels.iter().map(|(n, v)| (&**n, &**v)).collect();
        let counts: Vec<u64> = self.numbers.iter().copied().map(u64::from).collect();
        let bounds: Vec<f64> = (1..counts.len()).map(|i| i as f64 / 4.0).collect();
        let count = counts.iter().sum();
        let classic = (!counts.is_empty()).then_some(Classic { bounds: &bounds, counts: &counts });
        let spans = [Span { offset: -1, length: u32::try_from(counts.len()).unwrap() }];
        let positive = Buckets { spans: &spans, counts: &counts };
        let native = Native { zero_count: 0, positive, negative: Buckets::default(), ..NATIVE };
        let native = (self.family == 4).then_some(native);
        let quantiles: Vec<_> = bounds.iter().map(|q| Quantile { q: *q, value: 2.0 * q }).collect();
        let value = match meta.kind {
            Kind::Histogram => Value::Histogram(Histogram { count, sum: 1.5, classic, native }),
            Kind::Summary => {
                Value::Summary(Summary { count, sum: Some(2.5), quantiles: &quantiles })
            }
            _ => Value::Number(count as f64),
        };
        let shape = match meta.kind {
            Kind::Histogram => {
                Shape::Histogram { bounds: Some(&bounds), is_native: native.is_some() }
            }
            Kind::Summary => Shape::Summary { quantiles: &bounds, has_sum: true },
            _ => Shape::Number,
        };
        let reading = if self.ended { Reading::Ended(shape) } else { Reading::Value(value) };
        then(&Point { meta, labels: &labels, reading, start: self.start, first: TIME, time: TIME })
    }
}

proptest! {
    #[test]
    fn a_2_0_request_says_in_1_0_what_was_encoded_so(given in prop::collection::vec(given(), 1..30)) {
        // Names on which a suffix would be taken for one of ours.
        let metas = [
            meta("c_total", Kind::Counter),
            meta("g_count", Kind::Gauge),
            meta("s_sum", Kind::Summary),
            meta("h_bucket", Kind::Histogram),
            meta("n", Kind::Histogram),
        ];
        let encode = |version| {
            let mut encoder = encoder(version, LIMITS);
            let mut batches = Vec::new();
            for given in &given {
                given.with_point(&metas, |point| encoder.point(point, &mut |b| batches.push(b)));
            }
            encoder.finish(&mut |b| batches.push(b));
            assert_eq!(batches.len(), 1);
            batches.remove(0).body
        };
        let told = |body: &[u8]| {
            let (lines, mut metadata) = lines1(body);
            metadata.sort_by(|a, b| a.metric_family_name.cmp(&b.metric_family_name));
            // Here families come again and again, which 1.0 may tell again too.
            metadata.dedup();
            (lines, metadata)
        };
        let second = encode(Version::V2);
        lines2(&second);
        let whole = told(&encode(Version::V1));
        let (mut lines, _) = whole.clone();
        prop_assert_eq!(told(&to_v1(&second, true).unwrap()), whole);
        // A line of a native histogram alone has braces.
        lines.retain(|line| !line.contains(" {count="));
        prop_assert_eq!(&told(&to_v1(&second, false).unwrap()).0, &lines);
        let first = without_native(&encode(Version::V1), Format::RemoteWrite1).unwrap();
        prop_assert_eq!(told(&first).0, lines);
        let mut lines = lines2(&second);
        lines.retain(|line| !line.contains(" {count="));
        prop_assert_eq!(lines2(&without_native(&second, Format::RemoteWrite2).unwrap()), lines);
    }

    #[test]
    fn a_request_with_a_damaged_byte_is_no_panic(
        given in given(),
        place: prop::sample::Index,
        byte: u8,
    ) {
        let metas = [
            meta("c_total", Kind::Counter),
            meta("g", Kind::Gauge),
            meta("s", Kind::Summary),
            meta("h", Kind::Histogram),
            meta("n", Kind::Histogram),
        ];
        let mut encoder = encoder(Version::V2, LIMITS);
        let mut batches = Vec::new();
        given.with_point(&metas, |point| encoder.point(point, &mut |_| {}));
        encoder.finish(&mut |b| batches.push(b));
        let mut request = snap::raw::Decoder::new().decompress_vec(&batches[0].body).unwrap();
        let place = place.index(request.len());
        request[place] = byte;
        let body = snap::raw::Encoder::new().compress_vec(&request).unwrap();
        // Whether the damage shows is left to the receiver: a checksum has told of it already.
        let _ = to_v1(&body, true);
    }
}
