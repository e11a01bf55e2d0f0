//! Whole expositions, as a scraper sees them.

use crate::support::{self, Fixed, encode, encode_with, labelled, number};
use exposition::{
    Buckets, Classic, Encoder, Format, Histogram, Kind, Labels, Meta, MetricName, Native, Options,
    Quantile, Reject, Sample, Span, Summary, Unit, Value, settle,
};

fn meta(name: &str, help: &'static str, unit: Option<Unit>, kind: Kind) -> Meta {
    Meta::new(MetricName::new(name).unwrap(), help, unit, kind)
}

/// One family of each kind, as a load test would have them.
fn load_test() -> Vec<Fixed> {
    vec![
        Fixed::new(
            meta("locust_users_running", "Users that run.", None, Kind::Gauge),
            vec![number(&[], 12.0)],
        ),
        Fixed::new(
            meta(
                "locust_requests_total",
                "Requests \"done\", failed\nor not.",
                None,
                Kind::Counter,
            ),
            vec![
                number(&[("method", "GET"), ("name", "/")], 1027.0).created(1_700_000_000.25),
                number(&[("method", ""), ("name", "a \"b\"\\\n")], 3.0),
            ],
        ),
        Fixed::new(
            meta("locust_sent_bytes_total", "Bytes sent.", Some(Unit::Bytes), Kind::Counter),
            vec![number(&[], 1e21)],
        ),
        Fixed::new(
            meta("load", "Anything.", None, Kind::Unknown),
            vec![number(&[("of", "cpu")], -0.5), number(&[("of", "ø")], f64::INFINITY)],
        ),
        Fixed::new(
            meta(
                "locust_request_duration_seconds",
                "How long.",
                Some(Unit::Seconds),
                Kind::Summary,
            ),
            vec![
                labelled(
                    &[("method", "GET")],
                    Value::Summary(Summary {
                        count: 7,
                        sum: Some(1.5),
                        quantiles: &[
                            Quantile { q: 0.5, value: 0.25 },
                            Quantile { q: 0.99, value: 1.0 },
                            Quantile { q: 1.0, value: f64::NAN },
                        ],
                    }),
                )
                .created(1_700_000_000.0),
                labelled(&[], Value::Summary(Summary { count: 0, sum: None, quantiles: &[] })),
            ],
        ),
        Fixed::new(
            meta("waits_seconds", "How long one waits.", Some(Unit::Seconds), Kind::Histogram),
            vec![
                labelled(
                    &[("queue", "a")],
                    Value::Histogram(Histogram {
                        count: 10,
                        sum: 21.5,
                        classic: Some(Classic {
                            bounds: &[0.001, 1.0, 60.0],
                            counts: &[1, 2, 3, 4],
                        }),
                        native: Some(Native {
                            schema: 3,
                            zero_threshold: 1e-9,
                            zero_count: 1,
                            positive: Buckets {
                                spans: &[
                                    Span { offset: -2, length: 2 },
                                    Span { offset: 4, length: 1 },
                                ],
                                counts: &[5, 1, 3],
                            },
                            negative: Buckets::default(),
                        }),
                    }),
                )
                .created(1_700_000_000.0),
                labelled(
                    &[],
                    Value::Histogram(Histogram { count: 2, sum: 0.0, classic: None, native: None }),
                ),
            ],
        ),
    ]
}

#[test]
fn text_is_as_prometheus_writes_it() {
    let text = encode(Format::Text, &load_test());
    assert_eq!(text, include_str!("golden/load_test.prom"));
}

#[test]
fn openmetrics_is_as_the_specification_writes_it() {
    let text = encode(Format::OpenMetrics, &load_test());
    assert_eq!(text, include_str!("golden/load_test.openmetrics"));
}

#[test]
fn created_times_are_samples_of_openmetrics_where_asked_for() {
    let text = encode_with(Format::OpenMetrics, Options { created: true }, &load_test());
    assert_eq!(text, include_str!("golden/load_test_created.openmetrics"));
    let text = encode_with(Format::Text, Options { created: true }, &load_test());
    assert_eq!(text, include_str!("golden/load_test.prom"));
}

#[test]
fn a_counter_beside_a_gauge_of_its_name_is_unknown_to_openmetrics() {
    let mut gauge = meta("locust_users", "Users that run.", None, Kind::Gauge);
    let mut counter = meta("locust_users_total", "Users spawned.", None, Kind::Counter);
    settle(&mut [&mut gauge, &mut counter]).unwrap();
    let families = [
        Fixed::new(gauge, vec![number(&[], 5.0)]),
        Fixed::new(counter, vec![number(&[], 9.0).created(1.0)]),
    ];
    assert_eq!(
        encode_with(Format::OpenMetrics, Options { created: true }, &families),
        "# TYPE locust_users gauge\n\
         # HELP locust_users Users that run.\n\
         locust_users 5\n\
         # TYPE locust_users_total unknown\n\
         # HELP locust_users_total Users spawned.\n\
         locust_users_total 9\n\
         # EOF\n"
    );
    assert_eq!(
        encode(Format::Text, &families),
        "# HELP locust_users Users that run.\n\
         # TYPE locust_users gauge\n\
         locust_users 5\n\
         # HELP locust_users_total Users spawned.\n\
         # TYPE locust_users_total counter\n\
         locust_users_total 9\n"
    );
}

#[test]
fn a_counter_without_total_is_unknown_to_openmetrics_and_has_no_unit_there() {
    let families = [Fixed::new(
        meta("sent_bytes", "Bytes sent.", Some(Unit::Bytes), Kind::Counter),
        vec![number(&[], 9.0)],
    )];
    assert_eq!(
        encode(Format::OpenMetrics, &families),
        "# TYPE sent_bytes unknown\n# HELP sent_bytes Bytes sent.\nsent_bytes 9\n# EOF\n"
    );
}

#[test]
fn a_unit_that_the_name_does_not_end_in_is_not_written() {
    for name in ["wait", "seconds", "waitseconds", "wait_seconds_max"] {
        let families =
            [Fixed::new(meta(name, "", Some(Unit::Seconds), Kind::Gauge), vec![number(&[], 1.0)])];
        assert_eq!(
            encode(Format::OpenMetrics, &families),
            format!("# TYPE {name} gauge\n{name} 1\n# EOF\n")
        );
    }
}

#[test]
fn a_family_without_samples_leaves_nothing() {
    let bad = Sample { labels: Labels::default(), value: Value::Number(-1.0), created: None };
    for format in [Format::Text, Format::Protobuf] {
        let mut encoder = Encoder::new(format, Options::default());
        let meta = meta("x_total", "X.", None, Kind::Counter);
        support::visit(&mut encoder, &meta, &[], &[]);
        support::visit(&mut encoder, &meta, &[], &[bad]);
        encoder.finish();
        assert!(encoder.take().is_empty(), "{format:?}");
        assert_eq!(encoder.rejections().iter().collect::<Vec<_>>(), [(Reject::NotACount, 1)]);
        assert!(encoder.rejections().is_empty(), "they are handed out once");
    }
}

#[test]
fn a_bad_sample_is_left_out_and_the_rest_is_served() {
    let families = [Fixed::new(
        meta("x_total", "", None, Kind::Counter),
        vec![
            number(&[("n", "1")], 1.0),
            number(&[("n", "2")], f64::NAN),
            number(&[("n", "3")], -1.0),
            labelled(&[], Value::Summary(Summary { count: 1, sum: None, quantiles: &[] })),
            number(&[("n", "4")], 4.0),
        ],
    )];
    let mut encoder = Encoder::new(Format::Text, Options::default());
    support::visit_all(&mut encoder, &families);
    let text = String::from_utf8(encoder.take()).unwrap();
    assert_eq!(text, "# TYPE x_total counter\nx_total{n=\"1\"} 1\nx_total{n=\"4\"} 4\n");
    let rejections = encoder.rejections().iter().collect::<Vec<_>>();
    assert_eq!(rejections, [(Reject::NotACount, 2), (Reject::Kind, 1)]);
}

#[test]
fn what_openmetrics_forbids_is_left_out_there_and_counted() {
    let summary = Summary {
        count: 2,
        sum: Some(-1.0),
        quantiles: &[Quantile { q: 0.5, value: -2.0 }, Quantile { q: 0.9, value: 1.0 }],
    };
    let histogram = Histogram { count: 2, sum: f64::NAN, classic: None, native: None };
    let families = [
        Fixed::new(
            meta("s", "", None, Kind::Summary),
            vec![labelled(&[], Value::Summary(summary))],
        ),
        Fixed::new(
            meta("h", "", None, Kind::Histogram),
            vec![labelled(&[], Value::Histogram(histogram))],
        ),
    ];
    assert_eq!(
        encode(Format::Text, &families),
        "# TYPE s summary\n\
         s{quantile=\"0.5\"} -2\n\
         s{quantile=\"0.9\"} 1\n\
         s_sum -1\n\
         s_count 2\n\
         # TYPE h histogram\n\
         h_bucket{le=\"+Inf\"} 2\n\
         h_sum NaN\n\
         h_count 2\n"
    );
    let mut encoder = Encoder::new(Format::OpenMetrics, Options::default());
    support::visit_all(&mut encoder, &families);
    encoder.finish();
    assert_eq!(
        String::from_utf8(encoder.take()).unwrap(),
        "# TYPE s summary\n\
         s{quantile=\"0.9\"} 1\n\
         s_count 2\n\
         # TYPE h histogram\n\
         h_bucket{le=\"+Inf\"} 2\n\
         # EOF\n"
    );
    assert_eq!(encoder.rejections().iter().collect::<Vec<_>>(), [(Reject::NotACount, 2)]);
}

#[test]
fn a_histogram_with_a_negative_bound_has_no_sum_in_openmetrics() {
    let histogram = Histogram {
        count: 3,
        sum: 1.0,
        classic: Some(Classic { bounds: &[-1.0, 0.0], counts: &[1, 0, 2] }),
        native: None,
    };
    let families = [Fixed::new(
        meta("h", "", None, Kind::Histogram),
        vec![labelled(&[], Value::Histogram(histogram))],
    )];
    assert_eq!(
        encode(Format::OpenMetrics, &families),
        "# TYPE h histogram\n\
         h_bucket{le=\"-1.0\"} 1\n\
         h_bucket{le=\"0.0\"} 1\n\
         h_bucket{le=\"+Inf\"} 3\n\
         # EOF\n"
    );
}

#[test]
fn what_has_been_written_can_be_taken_part_by_part() {
    let families = load_test();
    let mut encoder = Encoder::new(Format::OpenMetrics, Options::default());
    let mut parts = Vec::new();
    for family in &families {
        support::visit_all(&mut encoder, std::slice::from_ref(family));
        parts.push(encoder.take());
    }
    encoder.finish();
    parts.push(encoder.take());
    assert_eq!(String::from_utf8(parts.concat()).unwrap(), encode(Format::OpenMetrics, &families));
}

#[test]
fn base_labels_stand_before_a_samples_own() {
    let meta = meta("x", "", None, Kind::Gauge);
    let base = [exposition::Label {
        name: exposition::LabelName::from_static("target"),
        value: "a\"b".into(),
    }];
    let names = [exposition::LabelName::from_static("n")];
    let labels = Labels { base: &base, values: &["1"] };
    let mut encoder = Encoder::new(Format::Text, Options::default());
    let sample = Sample { labels, value: Value::Number(2.5), created: None };
    support::visit(&mut encoder, &meta, &names, &[sample]);
    let text = String::from_utf8(encoder.take()).unwrap();
    assert_eq!(text, "# TYPE x gauge\nx{target=\"a\\\"b\",n=\"1\"} 2.5\n");
}

#[test]
fn base_labels_may_change_from_sample_to_sample() {
    let meta = meta("x", "", None, Kind::Gauge);
    let base = |value: &'static str| {
        [exposition::Label {
            name: exposition::LabelName::from_static("target"),
            value: value.into(),
        }]
    };
    let (one, two) = (base("1"), base("2"));
    let names = [exposition::LabelName::from_static("n")];
    let sample = |base| {
        let labels = Labels { base, values: &["a"] };
        Sample { labels, value: Value::Number(1.0), created: None }
    };
    let samples = [sample(&one), sample(&two), sample(&two), sample(&[]), sample(&one)];
    let mut encoder = Encoder::new(Format::Text, Options::default());
    support::visit(&mut encoder, &meta, &names, &samples);
    let text = String::from_utf8(encoder.take()).unwrap();
    let lines: Vec<_> = text.lines().skip(1).collect();
    let wanted = [
        r#"x{target="1",n="a"} 1"#,
        r#"x{target="2",n="a"} 1"#,
        r#"x{target="2",n="a"} 1"#,
        r#"x{n="a"} 1"#,
        r#"x{target="1",n="a"} 1"#,
    ];
    assert_eq!(lines, wanted);
}
