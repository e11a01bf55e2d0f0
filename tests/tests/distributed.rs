//! A master with workers.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use e2e::scenario::Scenario;
use e2e::{compare, net, tool, vars};

/// What Locust goes on giving of a worker that it misses.
const MEASURED: &[&str] = &["locust_worker_cpu_usage_ratio", "locust_worker_memory_bytes"];

#[test]
fn a_killed_worker_is_missing_without_cpu_and_memory_and_the_totals_still_hold() -> Result<()> {
    let Some(locust) = tool::find(vars::LOCUST_2_47_0)? else { return Ok(()) };
    let two = |plan: &mut e2e::locust::Plan| plan.workers = 2;
    let mut scenario = Scenario::start("distributed", locust, "mixed.py", two, &[])?;
    scenario.locust.web.wait_for_requests(3, 2)?;
    // Locust measures its workers only after a while.
    let exporter = &scenario.exporter;
    let scrape = net::wait_for("cpu and memory of both workers", Duration::from_secs(40), || {
        let scrape = exporter.scrape()?;
        let measured = MEASURED.iter().all(|metric| scrape.series(metric, &[]).count() == 2);
        Ok(measured.then_some(scrape))
    })?;
    assert_equal(scrape.value("locust_workers", &[("state", "running")])?, 2.0)?;
    assert_equal(scrape.value("locust_workers_count", &[])?, 2.0)?;

    scenario.locust.workers[0].kill()?;
    let web = scenario.locust.web;
    let missing = net::wait_for("Locust misses the worker", Duration::from_secs(20), || {
        let stats = web.stats()?;
        let mut workers = stats.workers();
        Ok(workers.find(|worker| worker["state"] == "missing").map(|it| it["id"].clone()))
    })?;
    let missing = missing.as_str().context("a worker without an id")?;

    let scrape = scenario.exporter.scrape()?;
    assert_equal(scrape.value("locust_workers", &[("state", "missing")])?, 1.0)?;
    assert_equal(scrape.value("locust_workers", &[("state", "running")])?, 1.0)?;
    assert_equal(scrape.value("locust_workers_count", &[])?, 1.0)?;
    assert_equal(scrape.value("locust_workers_missing_count", &[])?, 1.0)?;
    for metric in MEASURED {
        let stale = scrape.series(metric, &[("worker_id", missing)]).count();
        ensure!(stale == 0, "{metric} still tells of the missing worker");
        ensure!(scrape.series(metric, &[]).count() == 1, "{metric} tells nothing of the other one");
    }

    web.stop()?;
    let stats = web.wait_until_still(Duration::from_secs(30))?;
    let scrape = scenario.exporter.scrape()?;
    compare::all_equal(&compare::requests(&scrape, &stats)?)
}

fn assert_equal(found: f64, wanted: f64) -> Result<()> {
    ensure!(found.total_cmp(&wanted).is_eq(), "{found}, wanted {wanted}");
    Ok(())
}
