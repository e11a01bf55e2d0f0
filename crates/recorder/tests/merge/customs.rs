//! The test's own metrics where workers do not agree, or have too many.

use locust_model::CustomKind;
use recorder::{CustomTotal, Definition, GaugeMerge, MOST_SERIES, Notice};

use crate::lifetimes::{definition, value};
use crate::world::{NOW, Worker, master};

/// One of them was left out, and nobody heard of it.
#[test]
fn a_metric_defined_differently_is_left_out_counted_and_told_once() {
    let first = definition(CustomKind::Histogram, GaugeMerge::Sum);
    let gauge = definition(CustomKind::Gauge, GaugeMerge::Max);
    for (first, other, told) in [
        (first, Definition { buckets: &[1.0, 3.0], ..first }, "[1.0, 3.0]"),
        (first, Definition { labels: &["another"], ..first }, "another"),
        (first, gauge, "gauge (merge max)"),
        (gauge, Definition { merge: GaugeMerge::Min, ..gauge }, "gauge (merge min)"),
    ] {
        let mut master = master();
        for (name, definition) in [("b", &first), ("a", &other), ("c", &other), ("d", &first)] {
            let mut worker = Worker::new();
            let metric = worker.writer.define(definition, NOW).expect("a definition");
            let child = worker.writer.child(metric, &["x"], NOW).expect("one label");
            let changed = match definition.kind {
                CustomKind::Histogram => worker.writer.observe(child, 2.0, NOW),
                _ => worker.writer.set(child, 2.0, NOW),
            };
            changed.expect("the right kind");
            worker.tell(&mut master, name, NOW);
            worker.tell(&mut master, name, NOW);
        }
        match value(&master).expect("one series") {
            CustomTotal::Distribution(all) => assert_eq!(all.counts, [0, 2, 0], "{told}"),
            CustomTotal::Number(value) => assert!(value.total_cmp(&2.0).is_eq(), "{told}"),
        }
        assert_eq!(master.totals(NOW).losses.custom_conflicts, 2, "{told}");
        let notices = master.take_notices();
        let [Notice::Defined { .. }, differs @ Notice::Differs { .. }] = &notices[..] else {
            panic!("{notices:?}")
        };
        let said = differs.to_string();
        assert!(said.contains("of worker a") && said.contains(told), "{said}");
        assert!(said.contains("define it alike on all workers"), "{said}");
        assert_eq!(master.take_notices(), []);
    }
}

/// A master of many workers had as many series as all of them together.
#[test]
fn series_beyond_the_bound_are_one_on_the_master_and_counted_once() {
    let mut master = master();
    let definition = definition(CustomKind::Counter, GaugeMerge::Sum);
    for (name, from) in [("a", 0), ("b", MOST_SERIES / 2)] {
        let mut worker = Worker::new();
        let metric = worker.writer.define(&definition, NOW).expect("a counter");
        for row in from..from + MOST_SERIES {
            let child = worker.writer.child(metric, &[&row.to_string()], NOW).expect("a series");
            worker.writer.add(child, 1.0, NOW).expect("it grows");
        }
        for _ in 0..2 {
            let all = worker.writer.report(&recorder::Process::default(), NOW, true);
            master.merge(name, &all, NOW).expect("a good report");
        }
    }
    let totals = master.totals(NOW);
    let series = &totals.custom[0].series;
    assert_eq!(series.len(), MOST_SERIES + 1);
    let other = series.last().expect("some");
    let lost = MOST_SERIES as u64 / 2;
    assert_eq!(&*other.values[0], "other");
    assert_eq!(other.value, CustomTotal::Number(lost as f64));
    assert_eq!(totals.losses.custom_series, lost);
    let notices = master.take_notices();
    assert!(
        matches!(notices[..], [Notice::Defined { .. }, Notice::ManySeries { .. }]),
        "{notices:?}"
    );
}

/// The worker had counted nothing.
#[test]
fn what_a_worker_folds_it_counts_and_its_master_counts_it_once() {
    let mut master = master();
    let mut worker = Worker::new();
    let definition = definition(CustomKind::Counter, GaugeMerge::Sum);
    let metric = worker.writer.define(&definition, NOW).expect("a counter");
    for row in 0..MOST_SERIES + 3 {
        let child = worker.writer.child(metric, &[&row.to_string()], NOW).expect("a series");
        assert_eq!(worker.writer.is_folded(child), row >= MOST_SERIES);
        worker.writer.add(child, 1.0, NOW).expect("it grows");
    }
    // One that is called so lost nothing.
    let other = worker.writer.child(metric, &["other"], NOW).expect("a series");
    worker.writer.add(other, 1.0, NOW).expect("it grows");
    assert_eq!(worker.reader.losses().custom_series, 3);
    worker.tell(&mut master, "a", NOW);
    worker.writer.reset(NOW);
    worker.tell(&mut master, "a", NOW);
    let totals = master.totals(NOW);
    assert_eq!(totals.losses.custom_series, 3);
    let other = totals.custom[0].series.last().expect("some");
    assert_eq!((&*other.values[0], &other.value), ("other", &CustomTotal::Number(4.0)));
}
