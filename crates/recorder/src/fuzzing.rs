//! The merge, for the fuzz target.

use std::collections::HashSet;
use std::time::SystemTime;

use locust_model::Snapshot;

use crate::report::seal;
use crate::{Buckets, Config, Key, Master, Process, Request, recorder};

const NOW: f64 = 1_790_000_000.25;

/// Merges what may be a report but for its checksum, which is made right, into a master that knows
/// another one.
///
/// # Panics
///
/// If it was refused and yet has changed something, if there is a series twice, or if anything
/// else is wrong.
#[expect(clippy::expect_used, reason = "a panic is what the fuzzer looks for")]
pub fn report(content: &[u8]) {
    let mut master = Master::new(Config::default(), NOW).expect("a good configuration");
    master.merge("other", &known(), NOW).expect("a good report");
    // The first byte tells what happens between the report and its repetition.
    let Some((&course, content)) = content.split_first() else { return };
    let mut report = content.to_vec();
    seal(&mut report);
    let before = (master.totals(NOW), master.process());
    if master.merge("worker", &report, NOW).is_err() {
        assert_eq!((master.totals(NOW), master.process()), before, "it was refused");
    }
    match course % 5 {
        0 => master.reset(NOW),
        1 => master.begin(Config::default(), NOW).expect("a good configuration"),
        2 => master.gone("worker"),
        3 => master = Master::new(Config::default(), NOW + 1.0).expect("a good configuration"),
        _ => {}
    }
    let _ = master.merge("worker", &report, NOW);
    let _ = master.totals(NOW);
    let snapshot = master.snapshot(NOW, SystemTime::UNIX_EPOCH, Buckets::ClassicAndNative);
    assert!(is_distinct(&snapshot), "a series is there twice: {snapshot:?}");
}

/// Whether no two rows bear the same labels.
pub(crate) fn is_distinct(snapshot: &Snapshot) -> bool {
    let endpoints = snapshot.endpoints.iter().map(|row| (&row.method, &row.name));
    let times = snapshot.endpoints.iter().flat_map(|row| {
        row.durations.iter().map(move |times| (&row.method, &row.name, times.status.as_ref()))
    });
    let responses = snapshot.responses.iter().flatten();
    let responses = responses.map(|row| (&row.method, &row.name, &row.status, &row.exception));
    let errors = snapshot.errors.iter().map(|row| (&row.method, &row.name, &row.error));
    let exceptions = snapshot.exceptions.iter().flatten().map(|row| &row.message);
    let customs = snapshot
        .custom
        .iter()
        .flat_map(|metric| metric.series.iter().map(move |series| (&metric.name, &series.values)));
    are_distinct(endpoints)
        && are_distinct(times)
        && are_distinct(responses)
        && are_distinct(errors)
        && are_distinct(exceptions)
        && are_distinct(customs)
}

fn are_distinct<T: Eq + std::hash::Hash>(mut rows: impl Iterator<Item = T>) -> bool {
    let mut seen = HashSet::new();
    rows.all(|row| seen.insert(row))
}

/// A good report.
#[expect(clippy::expect_used, reason = "a panic is what the fuzzer looks for")]
fn known() -> Vec<u8> {
    let (mut writer, _) = recorder(Config::default(), NOW).expect("a good configuration");
    let key = Key { method: "GET", name: "/", status: Some(200), exception: "" };
    let series = writer.series(&key, NOW);
    let request = Request { time: Some(5.0), response_bytes: 10, request_bytes: 0, now: NOW };
    writer.request(series, &request);
    writer.report(&Process::default(), NOW, true)
}
