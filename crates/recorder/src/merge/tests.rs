//! Reports whose checksum is right and whose content is not: what an accident hardly makes, and an
//! enemy easily.

use locust_model::CustomKind;
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::fuzzing::is_distinct;
use crate::report::seal;
use crate::{Definition, GaugeMerge, Key, Request, Writer, recorder};

const NOW: f64 = 1_790_000_000.25;

fn master() -> Master {
    Master::new(Config::default(), NOW).expect("a good configuration")
}

fn writer() -> Writer {
    let (mut writer, _) = recorder(Config::default(), NOW).expect("a good configuration");
    for (number, name) in ["/", "/a", "/about"].into_iter().enumerate() {
        let key = Key { method: "GET", name, status: Some(404), exception: "HTTPError" };
        let series = writer.series(&key, NOW);
        let request = |time: f64| {
            let time = Some(time * (number + 1) as f64);
            Request { time, response_bytes: 5, request_bytes: 1, now: NOW }
        };
        writer.request(series, &request(1.0));
        writer.request(series, &request(20.0));
        let error = writer.error(series, "an error", NOW);
        writer.failure(series, &request(300.0), error);
    }
    writer.user_error("raised");
    for (kind, name) in [(CustomKind::Histogram, "histogram"), (CustomKind::Gauge, "gauge")] {
        let buckets: &[f64] = if kind == CustomKind::Histogram { &[1.0, 2.0] } else { &[] };
        let merge = GaugeMerge::Max;
        let definition = Definition { kind, name, help: "Help.", labels: &["l"], buckets, merge };
        let metric = writer.define(&definition, NOW).expect("a definition");
        for value in ["x", "y"] {
            let child = writer.child(metric, &[value], NOW).expect("one label");
            let changed = match kind {
                CustomKind::Histogram => writer.observe(child, 1.5, NOW),
                _ => writer.set(child, 1.5, NOW),
            };
            changed.expect("the right kind");
        }
    }
    writer
}

/// Bytes that are kept, counted anew.
fn kept(master: &Master) -> usize {
    master.workers.values().map(Worker::bytes).sum::<usize>() + master.union.bytes
}

/// Without its checksum.
fn content(mut report: Vec<u8>) -> Vec<u8> {
    report.truncate(report.len() - 4);
    report
}

fn sealed(mut content: Vec<u8>) -> Vec<u8> {
    seal(&mut content);
    content
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn a_bad_report_with_a_good_checksum_changes_nothing(
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..4),
        end in prop::option::of(any::<Index>()),
        is_next in any::<bool>(),
    ) {
        let mut writer = writer();
        let mut master = master();
        if is_next {
            let answer = master.merge("worker", &writer.report(&Process::default(), NOW, false), NOW);
            writer.acknowledged(&answer.expect("a good report"));
            writer.user_error("raised");
        }
        let mut content = content(writer.report(&Process::default(), NOW, true));
        for (place, byte) in changes {
            *place.get_mut(&mut content) = byte;
        }
        if let Some(end) = end {
            content.truncate(end.index(content.len()));
        }
        let before = (master.totals(NOW), master.process(), master.kept);
        if master.merge("worker", &sealed(content), NOW).is_err() {
            prop_assert_eq!((master.totals(NOW), master.process(), master.kept), before);
        }
        prop_assert_eq!(master.kept, kept(&master));
        let snapshot = master.snapshot(NOW, SystemTime::UNIX_EPOCH, Buckets::ClassicAndNative);
        prop_assert!(is_distinct(&snapshot), "{snapshot:?}");
    }
}

/// The envelope of a first report.
fn envelope() -> Vec<u8> {
    let mut out = Vec::new();
    let (boot, incarnation, sequence) = (1, 0, 1);
    Envelope { boot, incarnation, sequence, base: 0, extremes_from: 0, master: 0 }.put(&mut out);
    out
}

#[test]
fn a_claimed_length_takes_no_memory() {
    let claim = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
    let mut head = content(writer().report(&Process::default(), NOW, true));
    // Wherever a number may stand, a huge one is claimed; the rest is missing.
    for place in envelope().len()..head.len() {
        head.truncate(head.len().max(place));
        let content = [&head[..place], &claim].concat();
        assert!(master().merge("worker", &sealed(content), NOW).is_err(), "at {place}");
    }
}

#[test]
fn counters_that_fall_are_refused() {
    let mut master = master();
    let mut more = writer();
    let first = more.report(&Process::default(), NOW, false);
    master.merge("worker", &first, NOW).expect("a good report");
    // The same process and statistics, a later report, and fewer requests.
    let mut fewer = recorder(Config::default(), NOW).expect("a good configuration").0;
    let key = Key { method: "GET", name: "/", status: Some(404), exception: "HTTPError" };
    let series = fewer.series(&key, NOW);
    let request = Request { time: Some(1.0), response_bytes: 5, request_bytes: 1, now: NOW };
    fewer.request(series, &request);
    fewer.report(&Process::default(), NOW, true);
    let mut second = content(fewer.report(&Process::default(), NOW, true));
    second[1..9].copy_from_slice(&first[1..9]);
    let before = master.totals(NOW);
    let error = master.merge("worker", &sealed(second), NOW).expect_err("fewer requests");
    assert!(matches!(error, ReportError::Fell(_)), "{error}");
    assert_eq!(master.totals(NOW), before);
}

/// Both were shown without a status: the same series twice.
#[test]
fn response_times_of_statuses_are_refused_where_none_are_kept_apart() {
    let config = Config { by_status: true, ..Config::default() };
    let (mut writer, _) = recorder(config, NOW).expect("a good configuration");
    for status in [200, 404] {
        let key = Key { method: "GET", name: "/", status: Some(status), exception: "" };
        let series = writer.series(&key, NOW);
        let request = Request { time: Some(1.0), response_bytes: 5, request_bytes: 1, now: NOW };
        writer.request(series, &request);
    }
    let mut content = content(writer.report(&Process::default(), NOW, true));
    assert_eq!(std::mem::replace(&mut content[envelope().len()], 0), 1);
    let error = master().merge("worker", &sealed(content), NOW).expect_err("two statuses");
    assert_eq!(error, ReportError::Malformed("response times of a status"));
}

/// A worker's state that ends was never given back, and what it defines never counted.
#[test]
fn what_is_kept_is_what_is_counted_as_kept() {
    let mut master = master();
    let mut ended = Vec::new();
    for process in 0..12_u8 {
        let now = NOW + f64::from(process);
        let mut writer = writer();
        let (kind, merge) = (CustomKind::Gauge, GaugeMerge::Sum);
        let definition =
            Definition { kind, name: "many", help: "", labels: &["l"], buckets: &[], merge };
        let metric = writer.define(&definition, now).expect("a definition");
        for value in 0..50 {
            let child = writer.child(metric, &[&format!("{value}")], now).expect("one label");
            writer.set(child, 1.0, now).expect("a gauge");
        }
        for _ in 0..3 {
            let report = writer.report(&Process::default(), now, false);
            let answer = master.merge("worker", &report, now).expect("a good report");
            writer.acknowledged(&answer);
            writer.reset(now);
            assert_eq!(master.kept, kept(&master));
        }
        ended.push(master.kept);
    }
    // No more of them are kept than of the first few.
    assert_eq!(ended[6], ended[11], "{ended:?}");
    master.gone("worker");
    master.drop_superseded(true);
    assert_eq!(master.kept, kept(&master));
    master.begin(Config::default(), NOW + 99.0).expect("a good configuration");
    assert_eq!(master.kept, kept(&master));
}

/// Label values are not cut.
fn with_long_labels() -> Config {
    let mut config = Config::default();
    config.bounds.label_bytes = 1 << 20;
    config
}

/// A request to this endpoint, reported by a process that did nothing else.
fn report_of(name: &str, now: f64) -> Vec<u8> {
    let (mut writer, _) = recorder(with_long_labels(), now).expect("a good configuration");
    let series = writer.series(&Key { method: "GET", name, status: None, exception: "" }, now);
    writer.request(series, &Request { time: None, response_bytes: 0, request_bytes: 0, now });
    writer.report(&Process::default(), now, true)
}

/// Neither rows nor texts were counted: a worker that was started again and again, with other names
/// each time, took memory without end.
#[test]
fn names_of_statistics_that_are_no_longer_kept_count_and_go_when_room_is_needed() {
    let mut config = with_long_labels();
    config.bounds.names = 20;
    let mut master = Master::new(config, NOW).expect("a good configuration");
    let mut bytes = Vec::new();
    for process in 0..50_u8 {
        let now = NOW + f64::from(process);
        let report = report_of(&format!("/{}{process}", "x".repeat(10_000)), now);
        master.merge("worker", &report, now).expect("a good report");
        bytes.push(master.bytes());
    }
    assert!(bytes.windows(2).all(|two| two[1] > two[0] + 10_000), "{bytes:?}");
    assert_eq!(master.make_room(MOST_KEPT), Err(ReportError::NoRoom));
    // Those that have rows, and the last one.
    assert!((210_000..250_000).contains(&master.bytes()), "{}", master.bytes());
    master.begin(with_long_labels(), NOW + 99.0).expect("a good configuration");
    assert!(master.bytes() < 20_000, "the last name, and no row: {}", master.bytes());
}

/// Only the report's own length was held against the room there is.
#[test]
fn a_short_report_of_many_long_names_takes_no_more_than_there_is_room() {
    let (mut writer, _) = recorder(Config::default(), NOW).expect("a good configuration");
    for row in 0..2_000 {
        let name = format!("/{}{row:04}", "x".repeat(240));
        let series =
            writer.series(&Key { method: "GET", name: &name, status: None, exception: "" }, NOW);
        let request = Request { time: None, response_bytes: 0, request_bytes: 0, now: NOW };
        writer.request(series, &request);
    }
    let report = writer.report(&Process::default(), NOW, true);
    let mut master = master();
    let room = 300_000;
    assert!(report.len() < room / 3, "{}", report.len());
    let before = std::mem::replace(&mut master.kept, MOST_KEPT - room);
    let refused = master.merge("worker", &report, NOW);
    assert_eq!(refused, Err(ReportError::NoRoom));
    master.kept = before;
    master.merge("worker", &report, NOW).expect("room enough");
}

/// Each empty label of a series was a byte of the report and fifty in memory.
#[test]
fn a_short_report_of_many_empty_labels_takes_no_more_than_there_is_room() {
    let (mut writer, _) = recorder(Config::default(), NOW).expect("a good configuration");
    let labels: Vec<_> = (0..500).map(|label| format!("l{label}")).collect();
    let labels: Vec<_> = labels.iter().map(String::as_str).collect();
    let (kind, merge) = (CustomKind::Gauge, GaugeMerge::Sum);
    let definition =
        Definition { kind, name: "many", help: "", labels: &labels, buckets: &[], merge };
    let metric = writer.define(&definition, NOW).expect("a definition");
    for series in 0..40 {
        let mut values = vec![""; 500];
        let value = format!("{series}");
        values[0] = &value;
        let child = writer.child(metric, &values, NOW).expect("as many values");
        writer.set(child, 1.0, NOW).expect("a gauge");
    }
    let report = writer.report(&Process::default(), NOW, true);
    let mut master = master();
    let room = 300_000;
    assert!(report.len() < room / 3, "{}", report.len());
    master.kept = MOST_KEPT - room;
    assert_eq!(master.merge("worker", &report, NOW), Err(ReportError::NoRoom));
    master.kept = 0;
    master.merge("worker", &report, NOW).expect("room enough");
}

#[test]
fn a_text_is_as_long_as_the_master_wants_it() {
    let mut config = Config::default();
    config.bounds.text_chars = 1_000;
    let (mut writer, _) = recorder(config, NOW).expect("a good configuration");
    let key = Key { method: "GET", name: "/", status: None, exception: "E" };
    let series = writer.series(&key, NOW);
    let request = Request { time: None, response_bytes: 0, request_bytes: 0, now: NOW };
    let text = "é".repeat(500);
    let error = writer.error(series, &text, NOW);
    writer.failure(series, &request, error);
    writer.user_error(&text);
    let mut master = master();
    let report = writer.report(&Process::default(), NOW, true);
    master.merge("worker", &report, NOW).expect("a good report");
    let totals = master.totals(NOW);
    assert_eq!(*totals.errors[0].error, *"é".repeat(200));
    assert_eq!(*totals.exceptions[0].message, *"é".repeat(200));
}
