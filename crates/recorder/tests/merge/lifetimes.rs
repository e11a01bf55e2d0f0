//! What stays, what goes, what begins again.

use locust_model::CustomKind;
use locust_model::Losses;
use recorder::{Config, CustomTotal, Definition, GaugeMerge, Master, Process, ReportError};

use crate::world::{NOW, Worker, master, requests};

pub(crate) fn definition(kind: CustomKind, merge: GaugeMerge) -> Definition<'static> {
    let buckets: &[f64] = if kind == CustomKind::Histogram { &[1.0, 2.0] } else { &[] };
    Definition { kind, name: "metric", help: "Help.", labels: &["label"], buckets, merge }
}

impl Worker {
    /// Changes the metric by a value, as its kind is changed.
    pub(crate) fn custom(&mut self, kind: CustomKind, merge: GaugeMerge, value: f64, now: f64) {
        let metric = self.writer.define(&definition(kind, merge), now).expect("a definition");
        let child = self.writer.child(metric, &["x"], now).expect("one label");
        match kind {
            CustomKind::Counter => self.writer.add(child, value, now),
            CustomKind::Gauge => self.writer.set(child, value, now),
            CustomKind::Histogram => self.writer.observe(child, value, now),
        }
        .expect("the right kind");
    }
}

/// The value of the only custom series; `None` where there is none.
pub(crate) fn value(master: &Master) -> Option<CustomTotal> {
    let totals = master.totals(NOW);
    let [metric] = &totals.custom[..] else { return None };
    let [series] = &metric.series[..] else { return None };
    Some(series.value.clone())
}

#[test]
fn gauges_of_several_workers_become_one_as_their_metric_says() {
    for (merge, expected) in [
        (GaugeMerge::Sum, 9.0),
        (GaugeMerge::Max, 5.0),
        (GaugeMerge::Min, 1.0),
        (GaugeMerge::Last, 3.0),
    ] {
        let mut master = master();
        for (name, gauge, when) in [("a", 1.0, 1.0), ("b", 3.0, 3.0), ("c", 5.0, 2.0)] {
            let mut worker = Worker::new();
            worker.custom(CustomKind::Gauge, merge, gauge, NOW + when);
            worker.tell(&mut master, name, NOW + 4.0);
        }
        assert_eq!(value(&master), Some(CustomTotal::Number(expected)), "{merge:?}");
    }
}

/// A locustfile is imported on the master and on every worker; only some set the gauge.
#[test]
fn a_gauge_that_a_process_defined_and_never_set_does_not_count_beside_those_that_were_set() {
    for (merge, set, expected) in [
        (GaugeMerge::Min, [4.0, 7.0], 4.0),
        (GaugeMerge::Max, [-4.0, -7.0], -4.0),
        (GaugeMerge::Last, [4.0, 7.0], 7.0),
        (GaugeMerge::Sum, [4.0, 7.0], 11.0),
    ] {
        let definition = Definition { labels: &[], ..definition(CustomKind::Gauge, merge) };
        let mut workers = [Worker::new(), Worker::new(), Worker::new(), Worker::new()];
        for worker in &mut workers {
            worker.writer.define(&definition, NOW + 9.0).expect("a definition");
        }
        for (worker, value) in workers[1..3].iter_mut().zip(set) {
            let metric = worker.writer.define(&definition, NOW).expect("the same");
            let child = worker.writer.child(metric, &[], NOW).expect("no labels");
            worker.writer.set(child, value, NOW + value).expect("a gauge");
        }
        let mut master = master();
        for (name, worker) in ["a", "b", "c", "d"].into_iter().zip(&mut workers) {
            worker.tell(&mut master, name, NOW + 9.0);
            if name == "a" {
                assert_eq!(value(&master), Some(CustomTotal::Number(0.0)), "nobody has set it");
            }
        }
        assert_eq!(value(&master), Some(CustomTotal::Number(expected)), "{merge:?}");
    }
}

#[test]
fn a_gone_workers_gauge_goes_and_comes_back_with_it() {
    let mut master = master();
    let mut worker = Worker::new();
    worker.custom(CustomKind::Gauge, GaugeMerge::Sum, 4.0, NOW);
    worker.tell(&mut master, "a", NOW);
    master.gone("a");
    assert_eq!(value(&master), None);
    worker.tell(&mut master, "a", NOW + 3.0);
    assert_eq!(value(&master), Some(CustomTotal::Number(4.0)));
}

#[test]
fn a_gone_workers_counts_stay() {
    let mut master = master();
    let mut worker = Worker::new();
    worker.custom(CustomKind::Counter, GaugeMerge::Sum, 4.0, NOW);
    worker.request("/", 5.0, NOW);
    worker.tell(&mut master, "a", NOW);
    master.gone("a");
    assert_eq!(value(&master), Some(CustomTotal::Number(4.0)));
    assert_eq!(requests(&master), 1);
}

#[test]
fn custom_metrics_do_not_begin_again_with_the_statistics() {
    let mut master = master();
    let mut worker = Worker::new();
    worker.custom(CustomKind::Counter, GaugeMerge::Sum, 4.0, NOW);
    worker.tell(&mut master, "a", NOW);
    master.reset(NOW + 1.0);
    worker.writer.reset(NOW + 1.0);
    worker.custom(CustomKind::Counter, GaugeMerge::Sum, 1.0, NOW + 2.0);
    worker.tell(&mut master, "a", NOW + 2.0);
    master.begin(Config::default(), NOW + 3.0).expect("a good configuration");
    assert_eq!(value(&master), Some(CustomTotal::Number(5.0)));
}

#[test]
fn counters_of_a_restarted_workers_processes_add_up_however_many_there_were() {
    let mut master = master();
    for start in 0..10_u8 {
        let start = NOW + f64::from(start);
        let mut worker = Worker::with(Config::default(), start);
        worker.custom(CustomKind::Counter, GaugeMerge::Sum, 4.0, start);
        worker.request("/", 5.0, start);
        worker.tell(&mut master, "a", start);
    }
    assert_eq!(value(&master), Some(CustomTotal::Number(40.0)));
    assert_eq!(requests(&master), 10);
}

#[test]
fn histograms_of_workers_add_up() {
    let mut master = master();
    for (name, observed) in [("a", 0.5), ("b", 1.5), ("c", 9.0)] {
        let mut worker = Worker::new();
        worker.custom(CustomKind::Histogram, GaugeMerge::Sum, observed, NOW);
        worker.tell(&mut master, name, NOW);
    }
    let Some(CustomTotal::Distribution(all)) = value(&master) else { panic!("a histogram") };
    assert_eq!((all.counts, all.sum), (vec![1, 1, 1], 11.0));
}

#[test]
fn other_buckets_are_refused_with_what_to_do() {
    let config = Config { buckets: vec![0.5, 1.0], ..Config::default() };
    let mut worker = Worker::with(config, NOW);
    let mut master = master();
    // As long as there is nothing in them, it is no matter.
    worker.tell(&mut master, "a", NOW);
    worker.request("/", 5.0, NOW);
    let error = master.merge("a", &worker.report(NOW), NOW).expect_err("other buckets");
    assert!(matches!(error, ReportError::Buckets { .. }));
    assert!(error.to_string().contains("the same value everywhere"), "{error}");
    assert_eq!(requests(&master), 0);
}

#[test]
fn waiting_users_are_those_of_living_workers_and_started_ones_those_of_all() {
    let mut master = master();
    let process = Process { waiting: 2, spawned: 10, cpu_warnings: 1 };
    for name in ["a", "b"] {
        let mut worker = Worker::new();
        let report = worker.writer.report(&process, NOW, false);
        master.merge(name, &report, NOW).expect("a good report");
    }
    master.gone("a");
    assert_eq!(master.process(), Process { waiting: 2, spawned: 20, cpu_warnings: 2 });
    master.begin(Config::default(), NOW).expect("a good configuration");
    assert_eq!(master.process(), Process { waiting: 2, spawned: 0, cpu_warnings: 0 });
}

/// They were 0 after a reset, though the users were there.
#[test]
fn a_reset_leaves_users_started_and_warnings_of_the_test() {
    let mut master = master();
    let mut worker = Worker::new();
    let tell = |master: &mut Master, worker: &mut Worker, spawned, cpu_warnings| {
        let process = Process { waiting: 0, spawned, cpu_warnings };
        let report = worker.writer.report(&process, NOW, false);
        let answer = master.merge("a", &report, NOW).expect("a good report");
        worker.writer.acknowledged(&answer);
        (master.process().spawned, master.process().cpu_warnings)
    };
    assert_eq!(tell(&mut master, &mut worker, 10, 1), (10, 1));
    master.reset(NOW);
    assert_eq!(tell(&mut master, &mut worker, 12, 1), (12, 1));
    // `--reset-stats` resets a worker's statistics too, and users may have come since its report.
    worker.writer.reset(NOW);
    master.reset(NOW);
    assert_eq!((master.process().spawned, master.process().cpu_warnings), (12, 1));
    assert_eq!(tell(&mut master, &mut worker, 15, 2), (15, 2));
    // The next test.
    worker.writer.begin(Config::default(), NOW).expect("a good configuration");
    master.begin(Config::default(), NOW).expect("a good configuration");
    assert_eq!(tell(&mut master, &mut worker, 20, 1), (20, 1));
}

/// What the master before had was counted again, which the new master's Locust does not.
#[test]
fn a_restarted_master_asks_for_everything_and_counts_from_there_on() {
    let mut before = master();
    let mut worker = Worker::new();
    worker.request("/", 5.0, NOW);
    worker.tell(&mut before, "a", NOW);
    worker.request("/", 6.0, NOW);
    let mut after = Master::new(Config::default(), NOW + 5.0).expect("a good configuration");
    let late = worker.report(NOW);
    let answer = after.merge("a", &late, NOW).expect("a good report");
    worker.writer.acknowledged(&answer);
    let all = worker.report(NOW);
    let _lost = after.merge("a", &all, NOW).expect("a good report");
    assert_eq!(requests(&after), 0);
    worker.request("/", 7.0, NOW);
    worker.request("/new", 8.0, NOW);
    worker.tell(&mut after, "a", NOW);
    for report in [&all, &late] {
        after.merge("a", report, NOW).expect("a good report");
    }
    assert_eq!(requests(&after), 2);
    worker.tell(&mut after, "a", NOW);
    assert_eq!(requests(&after), 2);
}

#[test]
fn what_begins_under_a_restarted_master_counts_whole() {
    let mut worker = Worker::new();
    worker.request("/", 5.0, NOW);
    worker.tell(&mut master(), "a", NOW);
    let mut after = Master::new(Config::default(), NOW + 5.0).expect("a good configuration");
    worker.writer.begin(Config::default(), NOW + 6.0).expect("a good configuration");
    worker.request("/", 5.0, NOW + 7.0);
    worker.tell(&mut after, "a", NOW + 7.0);
    assert_eq!(requests(&after), 1);
    // Another worker, whose reports no master has answered.
    let mut other = Worker::new();
    other.request("/", 5.0, NOW);
    other.report(NOW);
    other.tell(&mut after, "b", NOW + 7.0);
    assert_eq!(requests(&after), 2);
}

#[test]
fn a_report_of_what_is_known_is_short() {
    let mut master = master();
    let mut worker = Worker::new();
    for name in 0..100 {
        worker.request(&format!("/a/long/name/{name}"), 5.0, NOW);
    }
    let all = worker.report(NOW);
    let answer = master.merge("a", &all, NOW).expect("a good report");
    worker.writer.acknowledged(&answer);
    assert!(worker.report(NOW).len() < 220, "{}", worker.report(NOW).len());
    worker.writer.acknowledged(b"nonsense");
    assert!(worker.writer.report(&Process::default(), NOW, true).len() >= all.len());
}

#[test]
fn extremes_since_a_reset_on_the_master_are_exact() {
    let mut master = master();
    let mut worker = Worker::new();
    for time in [0.25, 700.75] {
        worker.request("/", time, NOW);
    }
    worker.tell(&mut master, "a", NOW);
    master.reset(NOW + 1.0);
    for time in [20.125, 30.625] {
        worker.request("/", time, NOW + 2.0);
    }
    worker.tell(&mut master, "a", NOW + 3.0);
    worker.tell(&mut master, "a", NOW + 6.0);
    let totals = master.totals(NOW + 6.0);
    assert_eq!((totals.endpoints[0].min, totals.endpoints[0].max), (20.125, 30.625));
    assert_eq!(totals.endpoints[0].sum.to_bits(), 50.75_f64.to_bits());
}

#[test]
fn extremes_since_a_reset_are_near_where_an_answer_was_lost() {
    let mut master = master();
    let mut worker = Worker::new();
    for time in [0.25, 700.75] {
        worker.request("/", time, NOW);
    }
    master.merge("a", &worker.report(NOW), NOW).expect("a good report");
    master.reset(NOW + 1.0);
    for time in [20.125, 30.625] {
        worker.request("/", time, NOW + 2.0);
    }
    worker.tell(&mut master, "a", NOW + 3.0);
    let totals = master.totals(NOW + 6.0);
    assert_eq!((totals.endpoints[0].min, totals.endpoints[0].max), (20.0, 31.0));
}

/// A scrape between a test's start and the first report of a worker whose clock is behind made
/// the exporter take all later losses for older ones.
#[test]
fn losses_grow_whatever_the_workers_clocks_say_and_whatever_is_reset() {
    let mut master = master();
    let mut worker = Worker::with(Config::default(), NOW - 1.0);
    for (test, lost) in [(0.0, 1), (1.0, 2), (2.0, 3)] {
        let now = NOW + test;
        let losses = |lost| Losses { not_times: lost, not_lengths: 2 * lost, ..Losses::default() };
        assert_eq!(master.totals(now).losses, losses(lost - 1));
        worker.request("/", -5.0, now - 1.0);
        worker.writer.not_a_length();
        worker.writer.not_a_length();
        assert_eq!(worker.reader.totals(now).losses, losses(lost));
        worker.tell(&mut master, "a", now);
        assert_eq!(master.totals(now).losses, losses(lost));
        if lost == 1 {
            master.reset(now);
            worker.writer.reset(now - 1.0);
        } else {
            master.begin(Config::default(), now).expect("a good configuration");
            worker.writer.begin(Config::default(), now - 1.0).expect("a good configuration");
        }
    }
}

#[test]
fn a_last_request_far_ahead_is_not_taken() {
    let mut master = master();
    let mut worker = Worker::new();
    worker.request("/", 5.0, NOW + 9_000.0);
    worker.tell(&mut master, "a", NOW);
    assert_eq!((requests(&master), master.totals(NOW).all.last_request), (1, None));
}

#[test]
fn a_sum_that_is_no_number_is_refused() {
    let mut master = master();
    let mut worker = Worker::new();
    worker.request("/", f64::MAX, NOW);
    worker.request("/", f64::MAX, NOW);
    let error = master.merge("a", &worker.report(NOW), NOW).expect_err("an infinite sum");
    assert!(error.to_string().contains("a sum of response times"), "{error}");
    assert_eq!(requests(&master), 0);
}
