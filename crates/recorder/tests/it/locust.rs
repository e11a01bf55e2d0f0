//! After the same events the snapshot says what the real Locust says, to the last bit.
//!
//! `fixtures/make.py` made the events and asked Locust 2.47.0, and 2.43.0 for older formulas. A master and its workers are compared
//! in what Locust's own messages make of it.

use std::time::{Duration, SystemTime};

use locust_model::{Endpoint, Snapshot};
use recorder::{
    Buckets, Config, Formulas, Key, LocustSettings, Master, Process, Reader, Request, Writer,
    recorder, snapshot,
};
use serde_json::Value;

const STEPS: &str = include_str!("../fixtures/locust.jsonl");
const OLDER_STEPS: &str = include_str!("../fixtures/locust-2.43.jsonl");
const MASTER_STEPS: &str = include_str!("../fixtures/master.jsonl");
/// As in `make.py`.
const PERCENTILES: [f64; 13] =
    [0.0, 0.25, 0.5, 0.66, 0.75, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999, 0.9999, 1.0];

fn config(by_status: bool) -> Config {
    let locust = LocustSettings {
        percentiles: PERCENTILES.to_vec(),
        current_percentiles: PERCENTILES.to_vec(),
        ..LocustSettings::default()
    };
    Config { by_status, locust, ..Config::default() }
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is a number"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is a text"))
}

fn record(writer: &mut Writer, status: i64, step: &Value) {
    let now = number(&step[1]);
    let error = step[6].as_str();
    let key = Key {
        method: text(&step[2]),
        name: text(&step[3]),
        status: Some(200 + status % 3),
        exception: if error.is_some() { "Exception" } else { "" },
    };
    let series = writer.series(&key, now);
    let response_bytes = step[5].as_u64().expect("a length");
    let request = Request { time: step[4].as_f64(), response_bytes, request_bytes: 0, now };
    match error {
        Some(error) => {
            let error = writer.error(series, error, now);
            writer.failure(series, &request, error);
        }
        None => writer.request(series, &request),
    }
}

/// Numbers that are to be the same to the last bit, but Locust's integers are ours too.
#[track_caller]
fn same(ours: Option<f64>, locusts: &Value, what: &str) {
    let ours = ours.unwrap_or_else(|| panic!("{what} is known"));
    assert_eq!(ours.to_bits(), number(locusts).to_bits(), "{what}: {ours:?}, Locust's {locusts}");
}

#[track_caller]
fn check_row(ours: &Endpoint, locusts: &Value, at: &str) {
    let at = |what: &str| format!("{what} of {} {}, {at}", ours.method, ours.name);
    assert_eq!((&*ours.method, &*ours.name), (text(&locusts[0]), text(&locusts[1])));
    assert_eq!(ours.requests, locusts[2].as_u64(), "{}", at("requests"));
    assert_eq!(ours.failures, locusts[3].as_u64(), "{}", at("failures"));
    // Locust knows none and shows 0.
    let min = if locusts[4].is_null() { &Value::from(0) } else { &locusts[4] };
    same(ours.min.map(|time| time.0), min, &at("least time"));
    same(ours.max.map(|time| time.0), &locusts[5], &at("greatest time"));
    same(ours.avg.map(|time| time.0), &locusts[6], &at("average"));
    same(ours.median.map(|time| time.0), &locusts[7], &at("median"));
    same(ours.current_rps, &locusts[8], &at("current rate"));
    same(ours.current_fail_per_sec, &locusts[9], &at("current failures"));
    assert_eq!(ours.response_bytes, locusts[10].as_u64(), "{}", at("bytes"));
    same(ours.avg_content_length, &locusts[11], &at("average length"));
    for (ours, locusts) in ours.percentiles.iter().zip(locusts[12].as_array().expect("a list")) {
        same(Some(ours.value.0), locusts, &at(&format!("percentile {}", ours.q)));
    }
    let count: u64 = ours.durations.iter().map(|times| times.distribution.count()).sum();
    assert!(count <= ours.requests.expect("requests"), "{}", at("times"));
}

fn check(ours: &Snapshot, locusts: &Value, at: &str) {
    let entries = locusts["entries"].as_array().expect("a list");
    assert_eq!(ours.endpoints.len(), entries.len(), "rows, {at}");
    for (ours, locusts) in ours.endpoints.iter().zip(entries) {
        check_row(ours, locusts, at);
    }
    check_row(ours.total.as_ref().expect("a total"), &locusts["total"], at);
    same(ours.fail_ratio, &locusts["fail_ratio"], at);
    same(ours.rates.requests, &locusts["total"][8], at);
    let current = locusts["current"].as_array().expect("a list");
    if current.is_empty() {
        // Not compared: `make.py` says why.
    } else if current.iter().all(Value::is_null) {
        assert_eq!(ours.current_percentiles, [], "{at}");
    } else {
        assert_eq!(ours.current_percentiles.len(), current.len(), "{at}");
        for (ours, locusts) in ours.current_percentiles.iter().zip(current) {
            same(Some(ours.value.0), locusts, &format!("current percentile {}, {at}", ours.q));
        }
    }
    let day = |value: &Value| {
        Some(SystemTime::UNIX_EPOCH + Duration::from_secs_f64(value.as_f64().expect("a time")))
    };
    let errors = locusts["errors"].as_array().expect("a list");
    assert_eq!(ours.errors.len(), errors.len(), "errors, {at}");
    for (ours, locusts) in ours.errors.iter().zip(errors) {
        assert_eq!(&*ours.method, text(&locusts[0]), "{at}");
        assert_eq!(&*ours.name, text(&locusts[1]), "{at}");
        assert_eq!(&*ours.error, text(&locusts[2]), "{at}");
        assert_eq!(Some(ours.occurrences), locusts[3].as_u64(), "{at}");
        // Older ones do not know when.
        if let [_, _, _, _, first, last] = &**locusts.as_array().expect("a list") {
            assert_eq!([ours.first_seen, ours.last_seen], [day(first), day(last)], "{at}");
        }
    }
}

#[test]
fn locusts_own_statistics_say_the_same() {
    replay(&config(false), STEPS);
}

#[test]
fn those_of_older_locusts_say_the_same_by_their_formulas() {
    let formulas = Formulas { lower_median: true, percentiles_of_all: true };
    let mut config = config(false);
    config.locust.formulas = formulas;
    replay(&config, OLDER_STEPS);
}

#[test]
fn they_say_the_same_where_statuses_are_kept_apart() {
    replay(&config(true), STEPS);
}

fn replay(config: &Config, steps: &str) {
    let mut recorders: Option<(Writer, Reader)> = None;
    let mut run = String::new();
    let mut looks = 0;
    for (line, step) in (1..).zip(steps.lines()) {
        let step: Value = serde_json::from_str(step).expect("a line of JSON");
        let kind = text(&step[0]);
        if kind == "run" {
            text(&step[1]).clone_into(&mut run);
            let started = recorder(config.clone(), number(&step[2]));
            recorders = Some(started.expect("a good configuration"));
            continue;
        }
        let (writer, reader) = recorders.as_mut().expect("a run");
        let now = number(&step[1]);
        match kind {
            "request" => record(writer, line, &step),
            "reset" => writer.reset(now),
            "look" => {
                let at = format!("run {run:?}, line {line}");
                let time = SystemTime::UNIX_EPOCH;
                let ours = snapshot(&reader.totals(now), config, time, Buckets::ClassicAndNative);
                check(&ours, &step[2], &at);
                assert_eq!(reader.snapshot(now, time, Buckets::ClassicAndNative), ours, "{at}");
                looks += 1;
            }
            other => panic!("what is {other}?"),
        }
    }
    assert!(looks > 50, "only {looks} looks");
}

/// A worker's statistics begin again with each of its reports, and a master takes its own to begin
/// when the first of these did: its rates after a reset are of that time.
#[test]
fn a_masters_current_rates_are_locusts_also_after_a_reset() {
    let mut master: Option<Master> = None;
    let mut workers: Vec<Writer> = Vec::new();
    let (mut looks, mut early) = (0, 0);
    let mut reset = 0.0;
    for (line, step) in (1..).zip(MASTER_STEPS.lines()) {
        let step: Value = serde_json::from_str(step).expect("a line of JSON");
        let at = format!("line {line}");
        if text(&step[0]) == "run" {
            let now = number(&step[2]);
            master = Some(Master::new(config(false), now).expect("a good configuration"));
            let worker = || recorder(config(false), now).expect("a good configuration").0;
            workers = vec![worker(), worker()];
            continue;
        }
        let (now, master) = (number(&step[1]), master.as_mut().expect("a run"));
        let place = |at: usize| usize::try_from(step[at].as_u64().expect("a worker")).expect("few");
        match text(&step[0]) {
            "request" => record(&mut workers[place(7)], 0, &step),
            "report" => {
                let (name, worker) = (step[2].to_string(), &mut workers[place(2)]);
                let report = worker.report(&Process::default(), now, false);
                let answer = master.merge(&name, &report, now).expect("a good report");
                worker.acknowledged(&answer);
            }
            "begin" if step[2].is_null() => {
                master.begin(config(false), now).expect("a good configuration");
            }
            "begin" => {
                workers[place(2)].begin(config(false), now).expect("a good configuration");
            }
            "reset" => {
                master.reset(now);
                reset = now;
            }
            "look" => {
                let time = SystemTime::UNIX_EPOCH;
                let ours = snapshot(&master.totals(now), &config(false), time, Buckets::Classic);
                check_master(&ours, &step[2], &at);
                assert_eq!(master.snapshot(now, time, Buckets::Classic), ours, "{at}");
                looks += 1;
                let is_early = now < reset + 12.0 && ours.rates.requests > Some(0.0);
                early += usize::from(is_early);
            }
            other => panic!("what is {other}?"),
        }
    }
    assert!(looks > 100 && early > 10, "{looks} looks, {early} of them soon after a reset");
}

/// The counts, the rates and the current percentiles. Sums of times depend on the order in which
/// they were made.
#[track_caller]
fn check_master(ours: &Snapshot, locusts: &Value, at: &str) {
    let rows = ours.endpoints.iter().chain(&ours.total);
    let entries = locusts["entries"].as_array().expect("a list").iter();
    let entries: Vec<_> = entries.chain([&locusts["total"]]).collect();
    assert_eq!(ours.endpoints.len() + 1, entries.len(), "rows, {at}");
    for (ours, locusts) in rows.zip(entries) {
        let at = |what: &str| format!("{what} of {}, {at}", ours.name);
        assert_eq!(&*ours.name, text(&locusts[1]));
        assert_eq!(ours.requests, locusts[2].as_u64(), "{}", at("requests"));
        assert_eq!(ours.failures, locusts[3].as_u64(), "{}", at("failures"));
        same(ours.current_rps, &locusts[8], &at("current rate"));
        same(ours.current_fail_per_sec, &locusts[9], &at("current failures"));
        assert_eq!(ours.response_bytes, locusts[10].as_u64(), "{}", at("bytes"));
    }
    same(ours.rates.requests, &locusts["total"][8], at);
    let current = locusts["current"].as_array().expect("a list");
    let known = ours.current_percentiles.iter().map(|percentile| percentile.value.0);
    let expected = current.iter().filter_map(Value::as_f64);
    assert!(known.eq(expected), "current percentiles, {at}");
}
