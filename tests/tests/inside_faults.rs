//! What goes wrong around the exporter inside Locust, and does not matter to the load.

use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::inside::{Inside, Means};
use e2e::load_target::LoadTarget;
use e2e::locust::{Locust, Plan};
use e2e::process::Signal;
use e2e::text::Scrape;
use e2e::{net, place, vars};

/// A headless Locust with the plugin, on an address that may be taken; it is not waited for.
fn headless(name: &str, means: &Means, argument: String) -> Result<(Locust, LoadTarget)> {
    let target = LoadTarget::start()?;
    let file = place::locustfile("mixed.py");
    let mut plan = Plan::new(means.locust.clone(), file, target.address());
    plan.files.push(means.plugin()?);
    plan.variables.push(("PYTHONPATH".to_owned(), means.package.clone().into_os_string()));
    plan.headless = true;
    plan.args.push(argument);
    Ok((Locust::start(&plan, &place::logs(name)?)?, target))
}

/// The lines of its log that speak of the exporter's `words`.
fn lines(locust: &Locust, words: &str) -> Vec<String> {
    locust.main.log().lines().filter(|line| line.contains(words)).map(str::to_owned).collect()
}

#[test]
fn a_scrape_is_answered_while_python_holds_the_gil() -> Result<()> {
    let Some(means) = Means::find(vars::LOCUST_2_47_0)? else { return Ok(()) };
    let mut inside = Inside::start("inside-gil", &means, "holds_the_gil.py", |plan| {
        plan.users = 1;
        // Its page would not answer, and the start would wait for it.
        plan.headless = true;
    })?;
    let made = |scrape: &Scrape| scrape.sum("locust_requests_total");
    inside.wait_for("requests", |scrape| Ok((made(scrape) >= 1000.0).then_some(())))?;
    inside.locust.main.signal(Signal::USR1)?;
    inside.wait_for_log("the GIL is held")?;
    // One that waited for the GIL would be answered behind it.
    for _ in 0..5 {
        let made = made(&inside.scrape()?);
        ensure!(made >= 1000.0, "{made} requests");
    }
    ensure!(!inside.locust.main.log().contains("the GIL is free"), "it was free meanwhile");
    Ok(())
}

#[test]
fn a_busy_port_is_one_line_and_the_load_goes_on() -> Result<()> {
    let Some(means) = Means::find(vars::LOCUST_2_47_0)? else { return Ok(()) };
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = taken.local_addr()?.to_string();
    let argument = format!("--exporter-web-listen-address={address}");
    let (mut locust, target) = headless("inside-busy-port", &means, argument)?;
    net::wait_for("the load goes on", Duration::from_secs(30), || {
        Ok((target.requests() > 100).then_some(()))
    })?;
    // A run with failures ends with 1, as without us.
    let status = locust.main.stop(Duration::from_secs(30))?;
    ensure!(status.code() == Some(1), "{status}\n{}", locust.main.log_tail());
    let said = lines(&locust, &address);
    ensure!(said.len() == 1 && said[0].contains("in use"), "{said:#?}");
    Ok(())
}

#[test]
fn an_option_that_cannot_be_is_exit_code_2_and_one_line_that_names_it() -> Result<()> {
    let Some(means) = Means::find(vars::LOCUST_2_47_0)? else { return Ok(()) };
    let argument = "--exporter-metrics-buckets=soon".to_owned();
    let (mut locust, target) = headless("inside-bad-option", &means, argument)?;
    let status = locust.main.wait(Duration::from_secs(20))?;
    ensure!(status.code() == Some(2), "{status}\n{}", locust.main.log_tail());
    let said = lines(&locust, "soon");
    ensure!(said.len() == 1 && said[0].contains("metrics"), "{said:#?}");
    ensure!(target.requests() == 0, "{} requests", target.requests());
    Ok(())
}

#[test]
fn a_worker_listens_only_where_it_is_told_and_only_there() -> Result<()> {
    let Some(means) = Means::find(vars::LOCUST_2_47_0)? else { return Ok(()) };
    let mut inside = Inside::start("inside-worker", &means, "mixed.py", |plan| plan.workers = 1)?;
    let own = std::net::SocketAddr::from((Ipv4Addr::LOCALHOST, net::free_port()?));
    let (mut plan, logs) = (inside.plan.clone(), inside.logs.clone());
    // The master's own, which would win.
    plan.args.retain(|arg| !arg.starts_with("--exporter-web-listen-address"));
    plan.variables.push(("LOCUST_EXPORTER_WEB_LISTEN_ADDRESS".to_owned(), own.to_string().into()));
    inside.locust.add_worker(&plan, &logs)?;
    net::wait_for("the worker answers", Duration::from_secs(20), || {
        Ok(e2e::http::get(own, "/metrics").is_ok_and(|it| it.status == 200).then_some(()))
    })?;
    let first = inside.locust.workers[0].log();
    ensure!(!first.contains("in use"), "{first}");
    Ok(())
}
