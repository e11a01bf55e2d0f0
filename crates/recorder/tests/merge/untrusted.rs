//! Whatever comes as a report, what is no good one changes nothing.

use locust_model::CustomKind;
use proptest::prelude::*;
use proptest::sample::Index;
use recorder::{Config, CustomTotal, Definition, GaugeMerge, Master, Process, ReportError};

use crate::world::{NOW, Worker, master, requests};

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

/// A worker of another version reported label values of any length, and they were shown.
#[test]
fn label_values_of_a_worker_that_does_not_cut_them_are_cut_on_the_master() {
    let mut config = Config::default();
    config.bounds.label_bytes = 1 << 20;
    let mut worker = Worker::with(config, NOW);
    let definition = Definition {
        kind: CustomKind::Counter,
        name: "orders_total",
        help: "",
        labels: &["kind"],
        buckets: &[],
        merge: GaugeMerge::Sum,
    };
    let metric = worker.writer.define(&definition, NOW).expect("a definition");
    for end in ["a", "b"] {
        let long = format!("{}{end}", "x".repeat(5_000));
        worker.request(&long, 1.0, NOW);
        worker.failure(&long, "an error", NOW);
        let child = worker.writer.child(metric, &[&long], NOW).expect("one label");
        worker.writer.add(child, 1.0, NOW).expect("a counter");
    }
    let mut master = master();
    // Twice under an id that is too long for a label value, too: it is one worker.
    let id = "w".repeat(5_000);
    worker.tell(&mut master, &id, NOW);
    worker.tell(&mut master, &id, NOW);
    let totals = master.totals(NOW);
    let [row] = &*totals.endpoints else { panic!("{} rows", totals.endpoints.len()) };
    assert!(row.name.len() <= 2_048 && row.name.ends_with('…'));
    assert_eq!(requests(&master), 4);
    assert_eq!(totals.errors.len(), 1);
    assert_eq!(totals.errors[0].occurrences, 2);
    let [series] = &*totals.custom[0].series else { panic!("{:?}", totals.custom) };
    assert!(series.values[0].len() <= 2_048);
    assert_eq!(series.value, CustomTotal::Number(2.0));
    assert!(master.losses().folded.cut_labels >= 4);
}

#[test]
fn label_values_that_a_worker_has_cut_are_counted_on_its_master() {
    let (mut worker, mut master) = (Worker::new(), master());
    worker.request(&"x".repeat(5_000), 1.0, NOW);
    worker.tell(&mut master, "worker", NOW);
    worker.tell(&mut master, "worker", NOW);
    assert_eq!(master.losses().folded.cut_labels, 1);
}
