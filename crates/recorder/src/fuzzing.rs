//! The merge, for the fuzz target.

use crate::report::seal;
use crate::{Config, Key, Master, Process, Request, recorder};

const NOW: f64 = 1_790_000_000.25;

/// Merges what may be a report but for its checksum, which is made right, into a master that knows
/// another one.
///
/// # Panics
///
/// If it was refused and yet has changed something, or if anything else is wrong.
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
