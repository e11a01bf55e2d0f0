//! What is recorded is seen, and begins again when it should.

use recorder::{Config, Key, Request};

use crate::support::{NOW, fail, key, look, only, record, start, start_with, took};

#[test]
fn a_request_is_seen_by_the_reader() {
    let (mut writer, reader) = start();
    fail(
        &mut writer,
        &Key { status: Some(404), exception: "HTTPError", ..key("GET", "/") },
        "no /",
    );
    let snapshot = look(&reader);
    let row = only(&snapshot);
    assert_eq!((&*row.method, &*row.name), ("GET", "/"));
    assert_eq!((row.requests, row.failures), (Some(1), Some(1)));
    assert_eq!((row.response_bytes, row.request_bytes), (Some(10), Some(1)));
    assert_eq!(row.durations[0].distribution.count(), 1);
    assert_eq!((&*snapshot.errors[0].error, snapshot.errors[0].occurrences), ("no /", 1));
    let responses = snapshot.responses.expect("known from inside");
    assert_eq!((&*responses[0].status, &*responses[0].exception), ("404", "HTTPError"));
}

#[test]
fn the_same_key_is_the_same_series() {
    let (mut writer, reader) = start();
    let series = record(&mut writer, &key("GET", "/"), 1.0);
    assert_eq!(record(&mut writer, &key("GET", "/"), 1.0), series);
    assert_ne!(record(&mut writer, &Key { status: None, ..key("GET", "/") }, 1.0), series);
    let snapshot = look(&reader);
    assert_eq!(only(&snapshot).requests, Some(3));
    let counts: Vec<_> = snapshot
        .responses
        .expect("known")
        .iter()
        .map(|row| (row.status.len(), row.requests))
        .collect();
    assert_eq!(counts, [(3, 2), (0, 1)]);
}

#[test]
fn endpoints_stand_in_locusts_order() {
    let (mut writer, reader) = start();
    for (method, name) in [("POST", "/b"), ("GET", "/b"), ("", "/c"), ("PUT", "/a")] {
        record(&mut writer, &key(method, name), 1.0);
    }
    let snapshot = look(&reader);
    let rows: Vec<_> = snapshot.endpoints.iter().map(|row| (&*row.name, &*row.method)).collect();
    assert_eq!(rows, [("/a", "PUT"), ("/b", "GET"), ("/b", "POST"), ("/c", "")]);
    assert_eq!(snapshot.total.expect("a total").requests, Some(4));
}

#[test]
fn what_is_no_time_is_a_request_all_the_same() {
    let (mut writer, reader) = start();
    let series = record(&mut writer, &key("GET", "/"), 100.0);
    for time in [Some(f64::NAN), Some(f64::INFINITY), Some(f64::NEG_INFINITY), None] {
        writer.request(series, &Request { time, ..took(0.0) });
    }
    let snapshot = look(&reader);
    let row = only(&snapshot);
    assert_eq!(row.requests, Some(5));
    assert_eq!(row.avg.map(|avg| avg.0), Some(100.0), "of those that have a time");
    assert_eq!(row.durations[0].distribution.count(), 1);
    assert_eq!(reader.totals(NOW).losses.not_times, 3, "to have none is no mistake");
}

#[test]
fn a_negative_time_is_in_locusts_statistics_alone() {
    let (mut writer, reader) = start();
    record(&mut writer, &key("GET", "/"), -4.0);
    record(&mut writer, &key("GET", "/"), 10.0);
    let snapshot = look(&reader);
    let row = only(&snapshot);
    assert_eq!(row.requests, Some(2));
    assert_eq!(row.avg.map(|avg| avg.0), Some(3.0));
    assert_eq!(row.min.map(|min| min.0), Some(-4.0));
    let times = &row.durations[0].distribution;
    assert_eq!((times.count(), times.sum), (1, 0.01));
    assert_eq!(reader.totals(NOW).losses.not_times, 1);
}

#[test]
fn after_a_reset_rows_stay_and_count_from_0() {
    let (mut writer, reader) = start();
    fail(&mut writer, &key("GET", "/"), "broken");
    writer.user_error("oops");
    let generation = writer.generation();
    writer.reset(NOW + 5.0);
    assert!(writer.generation() > generation, "ids are to be looked up anew");
    let totals = reader.totals(NOW + 6.0);
    assert_eq!((totals.since, totals.all.last_request), (NOW + 5.0, None));
    assert_eq!((totals.errors.len(), totals.exceptions.len()), (0, 0));
    let [row] = &*totals.endpoints else { panic!("{:?}", totals.endpoints) };
    assert_eq!((&*row.name, row.since, row.sum, row.failures), ("/", NOW + 5.0, 0.0, 0));
    assert_eq!((row.responses[0].requests, row.responses[0].since), (0, NOW + 5.0));
    let snapshot = look(&reader);
    let times = &only(&snapshot).durations[0].distribution;
    assert_eq!((times.count(), times.sum), (0, 0.0), "the series is there");
    record(&mut writer, &key("GET", "/"), 1.0);
    assert_eq!(only(&look(&reader)).requests, Some(1));
}

#[test]
fn with_a_new_test_rows_go() {
    let (mut writer, reader) = start();
    record(&mut writer, &key("GET", "/old"), 1.0);
    let generation = writer.generation();
    let config = Config { by_status: true, ..Config::default() };
    writer.begin(config, NOW + 5.0).expect("a good configuration");
    assert!(writer.generation() > generation);
    assert_eq!(look(&reader).endpoints, []);
    record(&mut writer, &Key { status: Some(200), ..key("GET", "/new") }, 1.0);
    assert_eq!(only(&look(&reader)).durations[0].status.as_deref(), Some("200"));
}

#[test]
fn a_bad_configuration_changes_nothing() {
    let (mut writer, reader) = start();
    let series = record(&mut writer, &key("GET", "/"), 1.0);
    let bad = Config { buckets: vec![1.0, 1.0], ..Config::default() };
    assert!(writer.begin(bad, NOW).is_err());
    writer.request(series, &took(1.0));
    assert_eq!(only(&look(&reader)).requests, Some(2));
}

#[test]
fn exceptions_are_counted_by_message() {
    let (mut writer, reader) = start();
    for message in ["one", "two", "one"] {
        writer.user_error(message);
    }
    let exceptions = look(&reader).exceptions.expect("known from inside");
    let counts: Vec<_> = exceptions.iter().map(|row| (&*row.message, row.count)).collect();
    assert_eq!(counts, [("one", 2), ("two", 1)]);
}

#[test]
fn where_statuses_are_kept_apart_each_has_its_times() {
    let (mut writer, reader) = start_with(Config { by_status: true, ..Config::default() });
    let statuses = [(Some(200), ""), (Some(500), "HTTPError"), (Some(200), "Rejected"), (None, "")];
    for (status, exception) in statuses {
        record(&mut writer, &Key { status, exception, ..key("GET", "/") }, 3.0);
    }
    let snapshot = look(&reader);
    let times = only(&snapshot).durations.iter().map(|times| {
        let status = times.status.as_deref().expect("its status");
        (status, times.distribution.count(), times.distribution.sum)
    });
    assert_eq!(times.collect::<Vec<_>>(), [("200", 2, 0.006), ("500", 1, 0.003), ("", 1, 0.003)]);
}

#[test]
fn an_id_of_nothing_records_nothing() {
    let (mut writer, reader) = start();
    let series = record(&mut writer, &key("GET", "/"), 1.0);
    let error = writer.error(series, "broken", NOW);
    writer.begin(Config::default(), NOW).expect("a good configuration");
    writer.request(series, &took(1.0));
    writer.failure(series, &took(1.0), error);
    assert_eq!(look(&reader).endpoints, []);
}
