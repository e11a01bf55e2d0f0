//! Whatever comes as a report, what is no good one changes nothing.

use proptest::prelude::*;
use proptest::sample::Index;
use recorder::{Master, Process, ReportError};

use crate::world::{NOW, Worker, master};

/// A report with a bit of everything.
fn report() -> Vec<u8> {
    let mut worker = Worker::new();
    for name in ["/", "/a", "/about"] {
        for time in [1.0, 20.0, 300.0] {
            worker.request(name, time, NOW);
        }
        worker.failure(name, "an error", NOW);
    }
    worker.writer.user_error("raised");
    worker.writer.report(&Process { waiting: 1, spawned: 2, cpu_warnings: 3 }, NOW, true)
}

/// A master that knows something.
fn informed() -> Master {
    let mut master = master();
    let mut worker = Worker::new();
    worker.request("/", 5.0, NOW);
    worker.tell(&mut master, "worker", NOW);
    master
}

fn is_refused(bytes: &[u8]) -> Result<(), TestCaseError> {
    let mut master = informed();
    let before = (master.totals(NOW), master.process());
    prop_assert!(master.merge("worker", bytes, NOW).is_err());
    prop_assert_eq!((master.totals(NOW), master.process()), before);
    Ok(())
}

proptest! {
    #[test]
    fn garbage_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        is_refused(&bytes)?;
    }

    #[test]
    fn a_changed_report_is_refused(place in any::<Index>(), change in 1u8..) {
        let mut report = report();
        let place = place.index(report.len());
        report[place] ^= change;
        is_refused(&report)?;
    }
}

#[test]
fn every_beginning_of_a_report_is_refused() {
    let report = report();
    for end in 0..report.len() {
        is_refused(&report[..end]).expect("nothing has changed");
    }
}

#[test]
fn another_format_is_refused_with_what_to_do() {
    let error = master().merge("worker", &[9; 40], NOW).expect_err("another format");
    assert_eq!(error, ReportError::Version { found: 9 });
    assert!(error.to_string().contains("the same version"), "{error}");
}
