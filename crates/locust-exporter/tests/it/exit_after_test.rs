//! `--exit-after-test`: the exporter ends with 0 once the test's last numbers have been served, or
//! after a bound, so that a Kubernetes Job can finish.

use std::time::{Duration, Instant};

use crate::answers::{Answer, STATS, in_state};
use crate::exporter::{Exporter, PATIENCE, Plan, assert_is};
use crate::locust::Locust;

/// A Locust in this state, and an exporter that ends after the test, or so long after it.
fn watched(state: &str, bound: &str) -> (Locust, Exporter) {
    let locust = Locust::running();
    locust.set_stats(in_state(state));
    let exporter = Plan::of(&locust)
        .arg("--exit-after-test")
        .arg(format!("--exit-after-test.timeout={bound}"))
        .start();
    (locust, exporter)
}

/// Waits until it has looked so often without being asked to.
fn wait_looked(locust: &Locust, times: usize) {
    let before = locust.count(STATS);
    let looked = || Ok((locust.count(STATS) >= before + times).then_some(()));
    e2e::net::wait_closely("it looks for the end", PATIENCE, looked).unwrap();
}

#[test]
fn it_ends_with_0_once_a_scrape_has_shown_the_end_after_the_last_reports() {
    let (locust, mut exporter) = watched("running", "10m");
    assert_is(&exporter.scrape(), "locust_running", &[], 2.0);
    locust.set_stats(in_state("stopped"));
    let over = Instant::now();
    let address = exporter.address();
    while exporter.ended().is_none() {
        assert!(over.elapsed() < PATIENCE, "{}", exporter.log());
        // While it ends it may refuse.
        let _ = e2e::http::get(address, "/metrics");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(exporter.wait(), Some(0));
    assert!(over.elapsed() >= Duration::from_secs(5), "workers may still report");
    assert_eq!(exporter.told(&["level=info", "has ended and has been scraped"]).len(), 1);
}

#[test]
fn without_a_scrape_it_ends_with_0_after_the_bound() {
    let (locust, mut exporter) = watched("stopped", "1s");
    assert_eq!(exporter.wait(), Some(0));
    assert_eq!(exporter.told(&["level=warn", "no scrape came in time"]).len(), 1);
    assert!(locust.count(STATS) >= 2, "it looks by itself");
}

#[test]
fn when_locust_goes_in_mid_test_it_ends_with_0_after_the_bound() {
    let (locust, mut exporter) = watched("running", "1s");
    exporter.scrape();
    drop(locust);
    assert_is(&exporter.scrape(), "locust_up", &[], 0.0);
    assert_eq!(exporter.wait(), Some(0));
    assert_eq!(exporter.told(&["level=warn", "ending"]).len(), 1, "{}", exporter.log());
}

#[test]
fn before_the_test_has_begun_it_goes_on() {
    let (locust, mut exporter) = watched("ready", "1ms");
    exporter.scrape();
    wait_looked(&locust, 2);
    assert_eq!(exporter.ended(), None);
}

#[test]
fn while_the_test_runs_it_goes_on() {
    for state in ["spawning", "running", "cleanup", "stopping"] {
        let (locust, mut exporter) = watched(state, "1ms");
        wait_looked(&locust, 2);
        assert_eq!(exporter.ended(), None, "{state}");
    }
}

#[test]
fn several_tests_must_all_have_ended() {
    let (locust, other) = (Locust::running(), Locust::running());
    locust.set_stats(in_state("stopped"));
    let mut exporter = Plan::of(&locust)
        .arg(format!("--locust.uri={}", other.uri()))
        .args(&["--exit-after-test", "--exit-after-test.timeout=300ms"])
        .start();
    wait_looked(&locust, 3);
    assert_eq!(exporter.ended(), None);
    other.set_stats(in_state("stopped"));
    assert_eq!(exporter.wait(), Some(0));
}

#[test]
fn a_locust_that_has_not_come_yet_is_waited_for() {
    let port = e2e::net::free_port().unwrap();
    let mut exporter = Plan::new()
        .arg(format!("--locust.uri=http://127.0.0.1:{port}"))
        .args(&["--exit-after-test", "--exit-after-test.timeout=1ms"])
        .start();
    exporter.scrape();
    exporter.wait_told(&["cannot be read"]);
    let locust = Locust::again_at(([127, 0, 0, 1], port).into());
    wait_looked(&locust, 2);
    assert_eq!(exporter.ended(), None);
}

#[test]
fn without_the_flag_it_goes_on_after_the_test() {
    let locust = Locust::running();
    locust.set_stats(in_state("stopped"));
    let mut exporter = Plan::of(&locust).arg("--exit-after-test.timeout=1ms").start();
    exporter.scrape();
    std::thread::sleep(Duration::from_secs(1));
    exporter.scrape();
    assert_eq!((exporter.ended(), locust.count(STATS)), (None, 2), "it does not look by itself");
}

/// Until workers report no more, with some to spare.
const SETTLED: Duration = Duration::from_millis(5500);

/// For so long it would have ended, had it been going to.
const A_WHILE: Duration = Duration::from_millis(500);

#[test]
fn a_scrape_without_the_last_numbers_is_not_the_last() {
    let (locust, mut exporter) = watched("stopped", "10m");
    exporter.scrape();
    std::thread::sleep(SETTLED);

    assert_eq!(exporter.get("/metrics?name[]=locust_up").status, 200);
    std::thread::sleep(A_WHILE);
    assert_eq!(exporter.ended(), None, "picked families are not all that was seen");

    let stats = in_state("stopped");
    locust.set(STATS, Answer::new("500 NO", "text/html", "oops"));
    assert_is(&exporter.scrape(), "locust_up", &[], 0.0);
    std::thread::sleep(A_WHILE);
    assert_eq!(exporter.ended(), None, "it showed nothing");

    locust.set_stats(stats);
    assert_is(&exporter.scrape(), "locust_up", &[], 1.0);
    assert_eq!(exporter.wait(), Some(0));
}
