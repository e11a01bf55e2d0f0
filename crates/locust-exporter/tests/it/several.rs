//! Several Locusts at once, and several who scrape at once.

use std::thread;
use std::time::Duration;

use e2e::http;

use crate::answers::{Answer, STATS, fixture};
use crate::exporter::{Exporter, Plan, assert_absent, assert_is, read};
use crate::locust::Locust;

/// What belongs to the exporter, and not to one of the Locusts.
fn is_own(name: &str) -> bool {
    name.starts_with("locust_exporter_") || name == "locust_total_scrapes"
}

fn both(one: &Locust, other: &Locust) -> Exporter {
    Plan::of(one).arg(format!("--locust.uri={}", other.uri())).start()
}

#[test]
fn every_series_of_a_locust_has_its_target_and_the_exporters_own_have_none() {
    let (one, other) = (Locust::running(), Locust::running());
    let scrape = both(&one, &other).scrape();
    for sample in &scrape.0 {
        let target = sample.label("target");
        if is_own(&sample.name) {
            assert_eq!(target, "", "{sample:?}");
        } else {
            assert!(target == one.uri() || target == other.uri(), "{sample:?}");
        }
    }
    for locust in [&one, &other] {
        let labels = [("target", &*locust.uri()), ("name", "/ok")];
        assert_is(&scrape, "locust_requests_total", &labels, 179.0);
    }
}

#[test]
fn a_single_locust_has_no_target() {
    let locust = Locust::running();
    for sample in Plan::of(&locust).start().scrape().0 {
        assert!(!sample.labels.contains_key("target"), "{sample:?}");
    }
}

#[test]
fn a_target_has_no_slash_behind_and_no_credentials() {
    let (one, other) = (Locust::running(), Locust::running());
    let exporter = Plan::new()
        .arg(format!("--locust.uri=http://ana:s3cret@{}/", one.address))
        .arg(format!("--locust.uri={}/", other.uri()))
        .start();
    let scrape = exporter.scrape();
    assert_is(&scrape, "locust_up", &[("target", &one.uri())], 1.0);
    assert_is(&scrape, "locust_up", &[("target", &other.uri())], 1.0);
}

#[test]
fn one_that_is_down_does_not_take_the_other_with_it() {
    let (one, other) = (Locust::running(), Locust::running());
    let exporter = both(&one, &other);
    exporter.scrape();
    let gone = one.uri();
    drop(one);
    for _ in 0..2 {
        let scrape = exporter.scrape();
        assert_is(&scrape, "locust_up", &[("target", &gone)], 0.0);
        assert_absent(&scrape, "locust_requests_total", &[("target", &gone)]);
        let labels = [("target", &*other.uri()), ("name", "/ok")];
        assert_is(&scrape, "locust_requests_total", &labels, 179.0);
    }
    let locust = format!("locust={gone}");
    assert_eq!(exporter.told(&["Locust cannot be read", &locust]).len(), 1, "{}", exporter.log());
}

#[test]
fn one_that_hangs_costs_the_others_nothing_but_time() {
    let (one, other) = (Locust::running(), Locust::running());
    one.set_all(&Answer::never());
    let exporter = both(&one, &other);
    let hurry = [("X-Prometheus-Scrape-Timeout-Seconds", "1")];
    let scrape = read(&exporter.ask("GET", "/metrics", &hurry));
    assert_is(&scrape, "locust_up", &[("target", &one.uri())], 0.0);
    assert_is(&scrape, "locust_up", &[("target", &other.uri())], 1.0);
}

#[test]
fn scrapes_at_the_same_time_share_one_look() {
    let locust = Locust::running();
    let stats = Answer::json(fixture("2.47/running_stats.json"));
    locust.set(STATS, stats.clone().after(Duration::from_secs(1)));
    let exporter = Plan::of(&locust).start();
    let address = exporter.address();
    let scrapes: Vec<_> =
        (0..10).map(|_| thread::spawn(move || http::get(address, "/metrics").unwrap())).collect();
    for scrape in scrapes {
        assert_is(&read(&scrape.join().unwrap()), "locust_up", &[], 1.0);
    }
    assert_eq!(locust.count(STATS), 1);

    locust.set(STATS, stats);
    let scrape = exporter.scrape();
    assert_eq!(locust.count(STATS), 2, "who comes after the answer asks anew");
    assert_is(&scrape, "locust_total_scrapes", &[], 11.0);
}

#[test]
fn who_hurries_does_not_wait_for_a_look_that_has_longer() {
    let locust = Locust::running();
    locust.set(STATS, Answer::never());
    let exporter = Plan::of(&locust).arg("--locust.timeout=2s").start();
    let address = exporter.address();
    let patient = thread::spawn(move || http::get(address, "/metrics").unwrap());
    let asked = || Ok((locust.count(STATS) == 1).then_some(()));
    e2e::net::wait_closely("Locust is asked", Duration::from_secs(5), asked).unwrap();
    let hurry = [("X-Prometheus-Scrape-Timeout-Seconds", "1")];
    let (answer, took) = crate::exporter::timed(|| exporter.ask("GET", "/metrics", &hurry));
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert_is(&read(&answer), "locust_up", &[], 0.0);
    assert_is(&read(&patient.join().unwrap()), "locust_up", &[], 0.0);
}

#[test]
fn who_has_time_is_not_served_the_failure_of_who_had_none() {
    let locust = Locust::running();
    let stats = Answer::json(fixture("2.47/running_stats.json"));
    locust.set(STATS, stats.after(Duration::from_millis(900)));
    let exporter = Plan::of(&locust).start();
    let address = exporter.address();
    let hurried = thread::spawn(move || {
        let hurry = [("X-Prometheus-Scrape-Timeout-Seconds", "1")];
        http::ask("GET", address, "/metrics", &hurry).unwrap()
    });
    let asked = || Ok((locust.count(STATS) == 1).then_some(()));
    e2e::net::wait_closely("Locust is asked", Duration::from_secs(5), asked).unwrap();
    assert_is(&exporter.scrape(), "locust_up", &[], 1.0);
    assert_is(&read(&hurried.join().unwrap()), "locust_up", &[], 0.0);
    assert_eq!(locust.count(STATS), 2, "the patient one joins, and asks again once");
}
