//! Workers that report in Locust's own words, alone or now and then.

use std::time::SystemTime;

use recorder::{
    Buckets, Config, Counts, LocustEntry, LocustError, LocustReport, Master, Second, Totals,
};

use crate::world::{NOW, Worker, master, requests};

/// What Locust reports of requests that took so many milliseconds each, the last one of which failed.
fn report(name: &str, times: &[f64], now: f64) -> LocustReport {
    let entry = LocustEntry {
        method: "GET".into(),
        name: name.into(),
        start_time: now - 3.0,
        last_request: Some(now),
        requests: times.len() as u64,
        failures: 1,
        sum: times.iter().sum(),
        min: times.iter().copied().reduce(f64::min),
        max: times.iter().copied().fold(0.0, f64::max),
        response_bytes: 10 * times.len() as u64,
        times: times.iter().map(|&time| (time, 1)).collect(),
        seconds: vec![Second { second: second(now), requests: count(times), failures: 1 }],
    };
    let error = LocustError {
        method: "GET".into(),
        name: name.into(),
        error: "HTTPError()".into(),
        occurrences: 1,
        first_seen: Some(now),
        last_seen: Some(now),
    };
    let total = LocustEntry { method: "".into(), name: "Aggregated".into(), ..entry.clone() };
    LocustReport { entries: vec![entry], total, errors: vec![error] }
}

fn count(times: &[f64]) -> u32 {
    times.len().try_into().expect("a few")
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time of the tests")]
fn second(now: f64) -> u64 {
    now as u64
}

/// The same requests, recorded.
fn record(worker: &mut Worker, name: &str, times: &[f64], now: f64) {
    let (last, others) = times.split_last().expect("some");
    for time in others {
        worker.request(name, *time, now);
    }
    assert!((last - 3.5).abs() < f64::EPSILON, "as a failure of the tests takes");
    worker.failure(name, "HTTPError()", now);
}

/// Requests, failures, errors, and the sum of the times.
fn totals(master: &Master) -> (u64, u64, u64, f64) {
    let Totals { endpoints, errors, all, .. } = master.totals(NOW);
    let failures = endpoints.iter().map(|row| row.failures).sum();
    let errors = errors.iter().map(|row| row.occurrences).sum();
    let Counts { requests: counted, failures: failed } = master.counts();
    assert_eq!((counted, failed), (requests(master), failures), "of all, and of the rows");
    (requests(master), failures, errors, all.sum)
}

fn tell_locust(master: &mut Master, worker: &str, times: &[f64], now: f64) {
    master.merge_locust(worker, &report("/a", times, now), now).expect("a good report");
}

/// Fault 2: requests of workers without the exporter counted as 0.
#[test]
fn a_worker_without_the_exporter_is_counted_as_its_locust_reports_it() {
    let mut master = master();
    let mut own = Worker::new();
    record(&mut own, "/a", &[120.0, 3.5], NOW + 1.0);
    own.tell(&mut master, "own", NOW + 3.0);
    tell_locust(&mut master, "go", &[20.0, 450.0, 3.5], NOW + 3.0);
    assert_eq!(totals(&master), (5, 2, 2, 120.0 + 3.5 + 20.0 + 450.0 + 3.5));
    assert_eq!(master.foreign_requests(), 3);
    let foreign: Vec<_> = master.workers().into_iter().map(|w| (w.id, w.is_foreign)).collect();
    assert_eq!(foreign, [("go".into(), true), ("own".into(), false)]);

    let snapshot = master.snapshot(NOW + 3.0, SystemTime::UNIX_EPOCH, Buckets::ClassicAndNative);
    let [row] = &snapshot.endpoints[..] else { panic!("one endpoint: {:?}", snapshot.endpoints) };
    assert_eq!(row.min.map(locust_model::Millis::millis), Some(3.5));
    assert_eq!(row.max.map(locust_model::Millis::millis), Some(450.0));
    assert_eq!(row.response_bytes, Some(50));
    let [durations] = &row.durations[..] else { panic!("one distribution") };
    assert_eq!(durations.distribution.count(), 5);
    let unknown = snapshot.responses.expect("inside");
    let unknown: Vec<_> = unknown.iter().filter(|row| row.status.is_empty()).collect();
    assert_eq!(unknown.iter().map(|row| row.requests).sum::<u64>(), 3);
}

#[test]
fn an_empty_report_of_locusts_makes_no_worker_foreign() {
    let mut master = master();
    master.merge_locust("slow", &LocustReport::default(), NOW).expect("a good report");
    assert!(master.workers().is_empty());
}

/// A message with a report of ours beside Locust's own, as every worker's.
fn tell_both(master: &mut Master, worker: &mut Worker, times: &[f64], now: f64) {
    record(worker, "/a", times, now);
    let locust = report("/a", times, now);
    let answer = master.merge_with("worker", &worker.report(now), Some(&locust), now);
    worker.writer.acknowledged(&answer.expect("a good report"));
}

/// A message without ours, which the worker's recorder may know nothing of.
fn tell_locusts_alone(master: &mut Master, worker: &mut Worker, times: &[f64], now: f64) {
    record(worker, "/a", times, now);
    worker.report(now);
    tell_locust(master, "worker", times, now);
}

#[test]
fn a_worker_whose_exporter_comes_late_is_counted_once() {
    let mut master = master();
    tell_locust(&mut master, "worker", &[20.0, 3.5], NOW + 3.0);
    let mut late = Worker::with(Config::default(), NOW + 4.0);
    tell_both(&mut master, &mut late, &[30.0, 3.5], NOW + 5.0);
    assert_eq!(totals(&master), (4, 2, 2, 57.0));
    assert!(!master.workers()[0].is_foreign);
    tell_both(&mut master, &mut late, &[40.0, 3.5], NOW + 8.0);
    assert_eq!(totals(&master), (6, 3, 3, 100.5));
    assert_eq!(master.foreign_requests(), 4);
}

#[test]
fn requests_that_locusts_report_and_a_later_one_of_ours_tell_are_counted_once() {
    let (mut master, mut worker) = (master(), Worker::new());
    tell_both(&mut master, &mut worker, &[20.0, 3.5], NOW + 1.0);
    tell_locusts_alone(&mut master, &mut worker, &[30.0, 40.0, 3.5], NOW + 4.0);
    tell_locusts_alone(&mut master, &mut worker, &[50.0, 3.5], NOW + 7.0);
    assert_eq!(totals(&master), (7, 3, 3, 23.5 + 73.5 + 53.5));
    tell_both(&mut master, &mut worker, &[60.0, 3.5], NOW + 10.0);
    tell_both(&mut master, &mut worker, &[70.0, 3.5], NOW + 13.0);
    assert_eq!(totals(&master), (11, 5, 5, 23.5 + 73.5 + 53.5 + 63.5 + 73.5));
    assert_eq!(master.foreign_requests(), 7);
}

#[test]
fn a_reset_between_locusts_reports_and_ours_leaves_what_came_after_it() {
    let (mut master, mut worker) = (master(), Worker::new());
    tell_both(&mut master, &mut worker, &[20.0, 3.5], NOW + 1.0);
    tell_locusts_alone(&mut master, &mut worker, &[30.0, 3.5], NOW + 4.0);
    master.reset(NOW + 5.0);
    assert_eq!(totals(&master), (0, 0, 0, 0.0));
    tell_both(&mut master, &mut worker, &[40.0, 50.0, 3.5], NOW + 7.0);
    assert_eq!(totals(&master), (3, 1, 1, 93.5));
    tell_both(&mut master, &mut worker, &[60.0, 3.5], NOW + 10.0);
    assert_eq!(totals(&master), (5, 2, 2, 157.0));
}

/// What is in a report that cannot be taken was missing until the worker was mended.
#[test]
fn a_refused_report_is_counted_as_locust_tells_it() {
    let mut master = master();
    let other = Config { buckets: vec![1.0], ..Config::default() };
    let mut worker = Worker::with(other, NOW);
    record(&mut worker, "/a", &[20.0, 3.5], NOW + 1.0);
    let locust = report("/a", &[20.0, 3.5], NOW + 1.0);
    let refused = master.merge_with("worker", &worker.report(NOW + 1.0), Some(&locust), NOW + 1.0);
    assert!(refused.is_err());
    assert_eq!(totals(&master), (2, 1, 1, 23.5));
    assert!(master.workers()[0].is_foreign);
}

/// Some seconds' worth was missing: what the worker had counted since its last report to the
/// master before.
#[test]
fn a_master_that_is_started_again_has_what_its_own_locust_has() {
    let (mut before, mut worker) = (master(), Worker::new());
    tell_both(&mut before, &mut worker, &[20.0, 3.5], NOW + 1.0);
    let mut master = Master::new(Config::default(), NOW + 2.0).expect("a good configuration");
    tell_both(&mut master, &mut worker, &[30.0, 3.5], NOW + 4.0);
    assert_eq!(totals(&master), (2, 1, 1, 33.5));
    tell_both(&mut master, &mut worker, &[40.0, 3.5], NOW + 7.0);
    tell_both(&mut master, &mut worker, &[50.0, 3.5], NOW + 10.0);
    assert_eq!(totals(&master), (6, 3, 3, 33.5 + 43.5 + 53.5));
}

/// A master that comes to a running test takes over what its Locust has counted, and then what
/// Locust's reports say until it knows a worker's own.
#[test]
fn a_master_that_comes_late_goes_on_from_what_its_locust_has() {
    let mut worker = Worker::new();
    record(&mut worker, "/a", &[20.0, 3.5], NOW + 1.0);
    worker.report(NOW + 3.0);
    let mut master = master();
    master.absorb(&report("/a", &[20.0, 3.5], NOW + 3.0), NOW + 4.0);
    assert_eq!(totals(&master), (2, 1, 1, 23.5));
    record(&mut worker, "/a", &[30.0, 3.5], NOW + 5.0);
    let first = worker.report(NOW + 6.0);
    let locust = report("/a", &[30.0, 3.5], NOW + 6.0);
    let answer = master.merge_with("worker", &first, Some(&locust), NOW + 6.0);
    worker.writer.acknowledged(&answer.expect("a good report"));
    assert_eq!(totals(&master), (4, 2, 2, 57.0));
    record(&mut worker, "/a", &[40.0, 3.5], NOW + 7.0);
    worker.tell(&mut master, "worker", NOW + 9.0);
    assert_eq!(totals(&master), (6, 3, 3, 100.5));
}

/// Fault 9: with workers two hours ahead nothing was current any more.
#[test]
fn a_worker_is_judged_by_its_own_clock() {
    let mut master = master();
    let ahead = NOW + 7_200.0;
    let mut worker = Worker::with(Config::default(), ahead);
    for step in 0..15 {
        worker.request("/a", 20.0, ahead + f64::from(step));
    }
    let answer = master.merge("ahead", &worker.report(ahead + 15.0), NOW + 15.0);
    answer.expect("a good report");
    let snapshot = master.snapshot(NOW + 15.0, SystemTime::UNIX_EPOCH, Buckets::Classic);
    assert_eq!(snapshot.rates.requests, Some(1.0));
    assert_eq!(master.workers()[0].clock_offset, Some(7_200.0));
}

#[test]
fn a_sum_that_is_no_number_is_refused_and_changes_nothing() {
    let mut master = master();
    let mut bad = report("/a", &[20.0, 3.5], NOW);
    bad.entries[0].sum = f64::NAN;
    assert!(master.merge_locust("go", &bad, NOW).is_err());
    assert_eq!(totals(&master), (0, 0, 0, 0.0));
}
