//! The exporter inside a master and its workers.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use e2e::inside::{EQUAL, Inside, Means};
use e2e::locust::Stats;
use e2e::process::Signal;
use e2e::text::Scrape;
use e2e::{compare, place, vars};

const STILL: Duration = Duration::from_secs(40);

fn workers(scrape: &Scrape, state: &str) -> f64 {
    scrape.series("locust_workers", &[("state", state)]).map(|sample| sample.value).sum()
}

/// Workers that are not missing.
fn workers_there(scrape: &Scrape) -> f64 {
    ["ready", "spawning", "running"].iter().map(|state| workers(scrape, state)).sum()
}

fn two(scrape: &Scrape, state: &str) -> bool {
    workers(scrape, state).total_cmp(&2.0).is_eq()
}

fn requests(scrape: &Scrape) -> f64 {
    scrape.sum("locust_requests_total")
}

/// Whether the master's own comparison found these numbers equal to its own.
fn found_equal(inside: &Inside, stats: &Stats) -> Result<()> {
    let made = stats.aggregated("num_requests")?;
    inside.wait_for_log(&format!("{EQUAL}: {made} requests, ")).map(drop)
}

#[test]
fn with_a_worker_killed_one_late_and_one_back_the_totals_are_locusts_own() -> Result<()> {
    let Some(means) = Means::find(vars::LOCUST_2_47_0)? else { return Ok(()) };
    let mut inside = Inside::start("inside-distributed", &means, "mixed.py", |plan| {
        plan.workers = 2;
        plan.users = 6;
    })?;
    inside.locust.web.wait_for_requests(3, 2)?;
    inside.wait_for("two workers", |scrape| Ok(two(scrape, "running").then_some(())))?;

    // Late: it comes when the test runs. Killed: it takes up to 3 s of its counts with it, in
    // Locust's statistics as in ours.
    let (plan, logs) = (inside.plan.clone(), inside.logs.clone());
    inside.locust.add_worker(&plan, &logs)?;
    inside.locust.workers[0].kill()?;
    inside.wait_for("the killed worker is missed", |scrape| {
        Ok((workers(scrape, "missing") > 0.0 && two(scrape, "running")).then_some(()))
    })?;
    // Back: it was out of reach for so long that the master missed it.
    inside.locust.workers[1].signal(Signal::STOP)?;
    inside.wait_for("the stopped worker is missed", |scrape| {
        // Not by two that are missing: Locust may have forgotten the first one.
        Ok(workers_there(scrape).total_cmp(&1.0).is_eq().then_some(()))
    })?;
    inside.locust.workers[1].signal(Signal::CONT)?;
    inside.wait_for("it is back", |scrape| Ok(two(scrape, "running").then_some(())))?;
    let back = requests(&inside.scrape()?);
    inside
        .wait_for("more reports", |scrape| Ok((requests(scrape) > back + 300.0).then_some(())))?;

    inside.locust.web.stop()?;
    let stats = inside.locust.web.wait_until_still(STILL)?;
    let scrape = inside.scrape()?;
    compare::all_near(&compare::inside(&scrape, &stats)?)?;
    compare::all_equal(&compare::errors(&scrape, &stats)?)?;
    found_equal(&inside, &stats)
}

#[test]
fn a_second_test_and_a_reset_begin_the_counts_of_workers_anew() -> Result<()> {
    let Some(means) = Means::find(vars::LOCUST_2_47_0)? else { return Ok(()) };
    let inside = Inside::start("inside-distributed-again", &means, "mixed.py", |plan| {
        plan.args.push("--exporter-metrics-created".to_owned());
        plan.workers = 2;
        plan.users = 6;
    })?;
    let web = inside.locust.web;
    let enough = |scrape: &Scrape| Ok((requests(scrape) > 100.0).then_some(()));
    inside.wait_for("requests of the first test", enough)?;
    let since = inside.wait_for_counts_after("the first test", 0.0)?;
    web.stop()?;
    let stats = web.wait_until_still(STILL)?;
    compare::all_near(&compare::inside(&inside.scrape()?, &stats)?)?;
    found_equal(&inside, &stats)?;

    web.start(6)?;
    let since = inside.wait_for_counts_after("the second test", since)?;
    inside.wait_for("requests of the second test", enough)?;
    // Locust resets the master alone: what workers send from now on counts.
    web.reset()?;
    inside.wait_for_counts_after("the reset", since)?;
    inside.wait_for("requests after the reset", enough)?;
    web.stop()?;
    let stats = web.wait_until_still(STILL)?;
    let scrape = inside.scrape()?;
    compare::all_near(&compare::inside(&scrape, &stats)?)?;
    compare::all_equal(&compare::errors(&scrape, &stats)?)?;
    found_equal(&inside, &stats)
}

#[test]
fn own_metrics_of_the_workers_add_up_and_a_dead_ones_gauges_go() -> Result<()> {
    let Some(means) = Means::find(vars::LOCUST_2_47_0)? else { return Ok(()) };
    let mut inside = Inside::start_file(
        "inside-own-metrics",
        &means,
        |_, _| Ok(place::locustfile("own_metrics.py")),
        |plan, address| {
            plan.args.push(format!("--exporter-web-listen-address={address}"));
            plan.workers = 2;
            plan.users = 4;
        },
    )?;
    let gauges = |scrape: &Scrape| scrape.series("shop_carts", &[]).count();
    inside.wait_for("gauges of both", |scrape| Ok((gauges(scrape) == 2).then_some(())))?;
    inside.wait_for("the sum of both", |scrape| {
        Ok((scrape.value("shop_waiting", &[])?.total_cmp(&4.0).is_eq()).then_some(()))
    })?;
    inside.locust.workers[0].kill()?;
    inside.wait_for("the dead worker's gauges go", |scrape| {
        Ok((gauges(scrape) == 1).then_some(()))
    })?;
    ensure!(inside.scrape()?.value("shop_waiting", &[])?.total_cmp(&2.0).is_eq());

    inside.locust.web.stop()?;
    let stats = inside.locust.web.wait_until_still(STILL)?;
    let made = stats.aggregated("num_requests")?;
    let scrape = inside.scrape()?;
    for (metric, labels) in [
        ("shop_rounds_total", &[][..]),
        ("shop_wait_seconds_count", &[("queue", "till")]),
        ("shop_wait_seconds_bucket", &[("le", "1.0")]),
        ("locust_requests_total", &[("name", "/")]),
    ] {
        let found = scrape.value(metric, labels).with_context(|| format!("{made} made"))?;
        ensure!(found.total_cmp(&made).is_eq(), "{metric}: {found}, {made} made");
    }
    found_equal(&inside, &stats)
}
