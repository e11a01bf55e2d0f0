//! The test's own metrics.

#![expect(clippy::float_cmp, reason = "numbers are meant to be exactly these")]

use locust_model::{CustomKind, CustomValue};
use recorder::{Config, CustomError, Definition, GaugeMerge, MOST_METRICS, MOST_SERIES, Writer};

use crate::support::{NOW, look, start};

fn definition(kind: CustomKind) -> Definition<'static> {
    let buckets = if kind == CustomKind::Histogram { &[1.0, 2.0][..] } else { &[] };
    Definition {
        kind,
        name: "cart_items",
        help: "What is in the cart.",
        labels: &["shop"],
        buckets,
        merge: GaugeMerge::Max,
    }
}

fn number(value: &CustomValue) -> f64 {
    match value {
        CustomValue::Number(number) => *number,
        CustomValue::Distribution(_) => panic!("no number: {value:?}"),
    }
}

#[test]
fn a_counter_grows_and_never_shrinks() {
    let (mut writer, reader) = start();
    let metric = writer.define(&definition(CustomKind::Counter), NOW).expect("a counter");
    let child = writer.child(metric, &["a"], NOW).expect("a series");
    assert_eq!(writer.child(metric, &["a"], NOW), Ok(child), "the same series");
    writer.add(child, 1.5, NOW).expect("it grows");
    writer.add(child, 0.5, NOW).expect("it grows");
    for amount in [-1.0, f64::NAN] {
        assert!(matches!(writer.add(child, amount, NOW), Err(CustomError::Shrinks { .. })));
    }
    let snapshot = look(&reader);
    let series = &snapshot.custom[0].series[0];
    assert_eq!((&*series.values[0], number(&series.value)), ("a", 2.0));
}

#[test]
fn a_gauge_goes_up_and_down() {
    let (mut writer, reader) = start();
    let metric = writer.define(&definition(CustomKind::Gauge), NOW).expect("a gauge");
    let child = writer.child(metric, &["a"], NOW).expect("a series");
    writer.set(child, 5.0, NOW).expect("it is set");
    writer.add(child, -7.0, NOW + 1.0).expect("it goes down");
    assert_eq!(number(&look(&reader).custom[0].series[0].value), -2.0);
    let totals = reader.totals(NOW);
    assert_eq!(totals.custom[0].merge, GaugeMerge::Max);
    let series = &totals.custom[0].series[0];
    assert_eq!((series.since, series.changed), (NOW, Some(NOW + 1.0)));
}

#[test]
fn a_histogram_has_its_own_buckets() {
    let (mut writer, reader) = start();
    let metric = writer.define(&definition(CustomKind::Histogram), NOW).expect("a histogram");
    let child = writer.child(metric, &["a"], NOW).expect("a series");
    for value in [-1.0, 1.0, 1.5, 2.5, f64::INFINITY] {
        writer.observe(child, value, NOW).expect("it is counted");
    }
    let snapshot = look(&reader);
    let CustomValue::Distribution(ours) = &snapshot.custom[0].series[0].value else {
        panic!("no histogram: {snapshot:?}")
    };
    assert_eq!((&ours.bounds[..], &ours.counts[..]), (&[1.0, 2.0][..], &[2, 1, 2][..]));
    assert_eq!(ours.sum, f64::INFINITY);
}

#[test]
fn a_metric_without_labels_has_its_series_at_once() {
    let (mut writer, reader) = start();
    let definition = Definition { labels: &[], ..definition(CustomKind::Counter) };
    writer.define(&definition, NOW).expect("a counter");
    assert_eq!(number(&look(&reader).custom[0].series[0].value), 0.0);
}

#[test]
fn what_a_kind_cannot_do_is_refused() {
    let (mut writer, _reader) = start();
    let child = |writer: &mut Writer, kind, name| {
        let metric =
            writer.define(&Definition { name, ..definition(kind) }, NOW).expect("a metric");
        writer.child(metric, &["a"], NOW).expect("a series")
    };
    let counter = child(&mut writer, CustomKind::Counter, "counter");
    let gauge = child(&mut writer, CustomKind::Gauge, "gauge");
    let histogram = child(&mut writer, CustomKind::Histogram, "histogram");
    let refused = [
        writer.set(counter, 1.0, NOW),
        writer.observe(counter, 1.0, NOW),
        writer.observe(gauge, 1.0, NOW),
        writer.set(histogram, 1.0, NOW),
        writer.add(histogram, 1.0, NOW),
    ];
    for refused in refused {
        assert!(matches!(refused, Err(CustomError::Kind { .. })), "{refused:?}");
    }
    let error = writer.set(counter, 1.0, NOW).expect_err("no gauge");
    assert_eq!(
        error.to_string(),
        "metric \"counter\" is a counter: it cannot be changed by setting"
    );
}

#[test]
fn the_same_definition_is_the_same_metric_and_another_is_refused() {
    let (mut writer, reader) = start();
    let first = definition(CustomKind::Gauge);
    let id = writer.define(&first, NOW).expect("a gauge");
    assert_eq!(writer.define(&first, NOW), Ok(id));
    let others = [
        definition(CustomKind::Counter),
        Definition { help: "Something else.", ..first },
        Definition { labels: &["store"], ..first },
        Definition { merge: GaugeMerge::Sum, ..first },
    ];
    for other in others {
        let refused = writer.define(&other, NOW);
        assert!(matches!(refused, Err(CustomError::Redefined { .. })), "{other:?}");
    }
    assert_eq!(look(&reader).custom.len(), 1);
}

#[test]
fn wrong_buckets_and_labels_are_refused() {
    let (mut writer, _reader) = start();
    for buckets in [&[2.0, 1.0][..], &[1.0, 1.0], &[1.0, f64::INFINITY], &[f64::NAN]] {
        let refused =
            writer.define(&Definition { buckets, ..definition(CustomKind::Histogram) }, NOW);
        assert!(matches!(refused, Err(CustomError::Buckets { .. })), "{buckets:?}");
    }
    let metric = writer.define(&definition(CustomKind::Histogram), NOW).expect("a histogram");
    let refused = writer.child(metric, &["a", "b"], NOW);
    assert!(matches!(refused, Err(CustomError::Labels { expected: 1, given: 2, .. })));
}

#[test]
fn series_beyond_the_bound_are_one() {
    let (mut writer, reader) = start();
    let metric = writer.define(&definition(CustomKind::Counter), NOW).expect("a counter");
    for row in 0..MOST_SERIES + 3 {
        let child = writer.child(metric, &[&row.to_string()], NOW).expect("a series");
        writer.add(child, 1.0, NOW).expect("it grows");
    }
    let snapshot = look(&reader);
    let series = &snapshot.custom[0].series;
    assert_eq!(series.len(), MOST_SERIES + 1);
    let last = series.last().expect("some");
    assert_eq!((&*last.values[0], number(&last.value)), ("other", 3.0));
}

#[test]
fn a_test_defines_no_end_of_metrics() {
    let (mut writer, _reader) = start();
    let mut define = |row: usize| {
        let name = format!("metric_{row}");
        writer.define(&Definition { name: &name, ..definition(CustomKind::Gauge) }, NOW)
    };
    assert!((0..MOST_METRICS).all(|row| define(row).is_ok()));
    assert!(matches!(define(MOST_METRICS), Err(CustomError::TooMany { .. })));
    assert!(define(0).is_ok(), "what is there stays");
}

#[test]
fn neither_a_reset_nor_a_new_test_begins_them_again() {
    let (mut writer, reader) = start();
    let metric = writer.define(&definition(CustomKind::Counter), NOW).expect("a counter");
    let child = writer.child(metric, &["a"], NOW).expect("a series");
    writer.add(child, 1.0, NOW).expect("it grows");
    writer.reset(NOW + 1.0);
    writer.begin(Config::default(), NOW + 2.0).expect("a good configuration");
    writer.add(child, 1.0, NOW + 3.0).expect("it grows");
    assert_eq!(number(&look(&reader).custom[0].series[0].value), 2.0);
}
