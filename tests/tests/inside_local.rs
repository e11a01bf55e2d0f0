//! The exporter inside a Locust of one process, or of one command.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use e2e::inside::{EQUAL, Inside, Means};
use e2e::text::Scrape;
use e2e::{compare, http, net, vars};

const STILL: Duration = Duration::from_secs(40);

fn requests(scrape: &Scrape) -> f64 {
    scrape.sum("locust_requests_total")
}

#[test]
fn every_number_of_a_local_run_equals_locusts() -> Result<()> {
    let Some(means) = Means::find(vars::LOCUST_2_47_0)? else { return Ok(()) };
    let inside = Inside::start("inside-local", &means, "mixed.py", |plan| plan.run_time = Some(8))?;
    let stats = inside.locust.web.wait_until_still(STILL)?;
    let scrape = inside.scrape()?;
    compare::all_near(&compare::inside(&scrape, &stats)?)?;
    compare::all_equal(&compare::errors(&scrape, &stats)?)?;
    inside.wait_for_log(EQUAL)?;

    let of = |method, name, status, exception| {
        let labels =
            [("method", method), ("name", name), ("status", status), ("exception", exception)];
        scrape.value("locust_requests_total", &labels)
    };
    ensure!(of("GET", "/", "200", "")? > 0.0);
    ensure!(of("GET", "/missing", "404", "HTTPError")? > 0.0);
    ensure!(of("PUT", "/broken", "500", "HTTPError")? > 0.0);
    ensure!(of("GET", "/refused", "200", "CatchResponseError")? > 0.0);
    // Bodies: PUT /broken sends a hundred bytes each time, and GET none, whose series is there.
    let sent = |name| scrape.value("locust_request_length_bytes_total", &[("name", name)]);
    let broken = of("PUT", "/broken", "500", "HTTPError")?;
    ensure!(sent("/broken")?.total_cmp(&(100.0 * broken)).is_eq(), "{}", sent("/broken")?);
    ensure!(sent("/missing")?.total_cmp(&0.0).is_eq());
    Ok(())
}

#[test]
fn a_test_started_again_and_a_reset_begin_the_counts_anew() -> Result<()> {
    let Some(means) = Means::find(vars::LOCUST_2_47_0)? else { return Ok(()) };
    let inside = Inside::start("inside-again", &means, "mixed.py", |plan| {
        plan.args.push("--exporter-metrics-created".to_owned());
    })?;
    let web = inside.locust.web;
    let enough = |scrape: &Scrape| Ok((requests(scrape) > 60.0).then_some(()));
    inside.wait_for("some requests", enough)?;
    let since = inside.wait_for_counts_after("the first test", 0.0)?;
    web.stop()?;
    let first = web.wait_until_still(STILL)?.aggregated("num_requests")?;
    ensure!(requests(&inside.scrape()?).total_cmp(&first).is_eq());

    web.start(5)?;
    let since = inside.wait_for_counts_after("the second test", since)?;
    inside.wait_for("some requests", enough)?;
    web.reset()?;
    let after = inside.counts_since()?;
    ensure!(after > Some(since), "right after the reset: {after:?}, {since} before");

    // That they are as many as Locust's tells that they did begin anew.
    inside.wait_for("some requests", enough)?;
    web.stop()?;
    let stats = web.wait_until_still(STILL)?;
    let scrape = inside.scrape()?;
    compare::all_near(&compare::inside(&scrape, &stats)?)
}

#[test]
fn a_headless_run_waits_for_a_last_scrape_that_has_its_final_numbers() -> Result<()> {
    let Some(means) = Means::find(vars::LOCUST_2_47_0)? else { return Ok(()) };
    let mut inside = Inside::start("inside-headless", &means, "mixed.py", |plan| {
        plan.headless = true;
        plan.run_time = Some(6);
        let more = ["--json-file", "final", "--exporter-last-scrape-timeout=30s"];
        plan.args.extend(more.map(str::to_owned));
    })?;
    inside.wait_for_log("for a last scrape of")?;
    ensure!(inside.locust.main.ended()?.is_none(), "it did not wait");
    let scrape = inside.scrape()?;
    // A run with failures ends with 1, as without us.
    let status = inside.locust.main.wait(Duration::from_secs(10))?;
    ensure!(status.code() == Some(1), "{status}\n{}", inside.locust.main.log_tail());
    ensure!(inside.locust.main.log().contains(EQUAL), "{}", inside.locust.main.log_tail());

    let file = inside.logs.join("final.json");
    let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    let rows: Vec<serde_json::Value> = serde_json::from_str(&text)?;
    let sum = |key: &str| rows.iter().filter_map(|row| row[key].as_f64()).sum::<f64>();
    for (metric, key) in [
        ("locust_requests_total", "num_requests"),
        ("locust_request_failures_total", "num_failures"),
    ] {
        let (scraped, made) = (scrape.sum(metric), sum(key));
        ensure!(made > 0.0 && scraped.total_cmp(&made).is_eq(), "{metric}: {scraped}, {made} made");
    }
    Ok(())
}

#[test]
fn of_processes_only_the_master_listens_and_shows_all_of_them() -> Result<()> {
    let Some(means) = Means::find(vars::LOCUST_2_47_0)? else { return Ok(()) };
    let port = net::free_port()?.to_string();
    let inside = Inside::start("inside-processes", &means, "mixed.py", |plan| {
        plan.run_time = Some(8);
        let master = ["--processes=2", "--master-bind-host=127.0.0.1", "--master-host=127.0.0.1"];
        plan.args.extend(master.map(str::to_owned));
        plan.args.push(format!("--master-bind-port={port}"));
        plan.args.push(format!("--master-port={port}"));
    })?;
    inside.locust.web.wait_for_requests(3, 2)?;
    ensure!(listeners(inside.metrics)? == 1, "{} listeners", listeners(inside.metrics)?);
    let scrape = inside.scrape()?;
    ensure!(scrape.value("locust_workers", &[("state", "running")])?.total_cmp(&2.0).is_eq());
    let stats = inside.locust.web.wait_until_still(STILL)?;
    inside.wait_for_log(EQUAL)?;
    let scrape = inside.scrape()?;
    compare::all_near(&compare::inside(&scrape, &stats)?)?;
    compare::all_equal(&compare::errors(&scrape, &stats)?)?;
    let log = inside.locust.main.log();
    ensure!(!log.contains("in use"), "{log}");
    Ok(())
}

/// Sockets that listen on the port of `address`.
fn listeners(address: SocketAddr) -> Result<usize> {
    let (port, listening) = (format!(":{:04X}", address.port()), "0A");
    let table = fs::read_to_string("/proc/net/tcp").context("/proc/net/tcp")?;
    let rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    Ok(rows.filter(|row| row[1].ends_with(&port) && row[3] == listening).count())
}

#[test]
fn behind_a_web_login_the_own_port_answers_and_the_page_asks_who_comes() -> Result<()> {
    let Some(means) = Means::find(vars::LOCUST_2_47_0)? else { return Ok(()) };
    let inside = Inside::start("inside-login", &means, "behind_login.py", |plan| {
        plan.args.push("--web-login".to_owned());
    })?;
    ensure!(inside.scrape()?.has("locust_up"));
    let page = inside.locust.web.address;
    let stranger = http::get(page, "/metrics")?;
    ensure!(stranger.status == 302, "a stranger is answered with {}", stranger.status);
    let signed_in = http::post(page, "/sign-in", "username=me&password=right", &[])?;
    let cookie = signed_in.header("set-cookie").context("no session")?;
    let cookie = cookie.split(';').next().unwrap_or_default();
    let known = http::ask("GET", page, "/metrics", &[("Cookie", cookie)])?;
    let scrape = Scrape::parse(known.ok()?)?;
    ensure!(scrape.value("locust_user_count", &[("service", "shop")])? > 0.0);
    Ok(())
}
