//! How the exporter's process begins and ends.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use e2e::exporter::{self, Exporter};
use e2e::process::{Process, Signal};
use e2e::scenario::Scenario;
use e2e::{net, place, tool, vars};

/// An address where no Locust is.
fn nowhere() -> Result<SocketAddr> {
    Ok((Ipv4Addr::LOCALHOST, net::free_port()?).into())
}

/// Runs the exporter to its end, which must come at once; gives its exit code and its lines.
fn ends_with(name: &str, args: &[&str]) -> Result<(Option<i32>, Vec<String>)> {
    let logs = place::logs(name)?;
    let mut command = exporter::command(exporter::binary()?);
    let mut process = Process::start("exporter", command.args(args), &logs)?;
    let status = process.wait(Duration::from_secs(10))?;
    Ok((status.code(), process.log().lines().map(str::to_owned).collect()))
}

fn started(name: &str, args: &[&str]) -> Result<Exporter> {
    Exporter::start(exporter::binary()?, nowhere()?, args, &place::logs(name)?)
}

#[test]
fn sigterm_and_sigint_end_it_with_code_0_within_ten_seconds() -> Result<()> {
    for (name, signal) in [("sigterm", Signal::TERM), ("sigint", Signal::INT)] {
        let mut exporter = started(name, &[])?;
        exporter.process.signal(signal)?;
        let status = exporter.process.wait(Duration::from_secs(10))?;
        ensure!(status.code() == Some(0), "{name}: {status}\n{}", exporter.process.log_tail());
    }
    Ok(())
}

#[test]
fn a_busy_port_is_exit_code_1_and_one_line_that_names_it() -> Result<()> {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = taken.local_addr()?.to_string();
    let (code, lines) = ends_with("busy-port", &[&format!("--web.listen-address={address}")])?;
    ensure!(code == Some(1), "{code:?}: {lines:#?}");
    ensure!(lines.len() == 1 && lines[0].contains(&address), "{lines:#?}");
    Ok(())
}

#[test]
fn a_mistyped_flag_is_exit_code_2_and_one_line_that_names_it() -> Result<()> {
    let (code, lines) = ends_with("mistyped-flag", &["--locust.url=http://127.0.0.1:1"])?;
    ensure!(code == Some(2), "{code:?}: {lines:#?}");
    ensure!(lines.len() == 1 && lines[0].contains("--locust.url"), "{lines:#?}");
    Ok(())
}

#[test]
fn a_bad_value_is_exit_code_2_and_one_line_that_names_flag_and_value() -> Result<()> {
    let (code, lines) = ends_with("bad-value", &["--locust.timeout=soon"])?;
    ensure!(code == Some(2), "{code:?}: {lines:#?}");
    ensure!(lines.len() == 1, "{lines:#?}");
    for word in ["--locust.timeout", "soon"] {
        ensure!(lines[0].contains(word), "{word:?} is not in {:?}", lines[0]);
    }
    Ok(())
}

#[test]
fn with_exit_after_test_it_ends_after_a_scrape_has_had_the_last_numbers() -> Result<()> {
    let Some(locust) = tool::find(vars::LOCUST_2_47_0)? else { return Ok(()) };
    let short = |plan: &mut e2e::locust::Plan| plan.run_time = Some(6);
    let args = ["--exit-after-test"];
    let mut scenario = Scenario::start("exit-after-test", locust, "mixed.py", short, &args)?;
    let mut last = None;
    let status = net::wait_for("the exporter ends by itself", Duration::from_secs(40), || {
        if let Some(status) = scenario.exporter.process.ended()? {
            return Ok(Some(status));
        }
        // While it ends, it may refuse.
        if let Ok(scrape) = scenario.exporter.scrape() {
            last = Some(scrape);
        }
        thread::sleep(Duration::from_millis(300));
        Ok(None)
    })?;
    ensure!(status.code() == Some(0), "{status}\n{}", scenario.exporter.process.log_tail());
    let shown = scenario.locust.web.wait_until_still(Duration::from_secs(20))?;
    let scraped = last.context("it ended before the first scrape")?.sum("locust_requests_total");
    let made = shown.aggregated("num_requests")?;
    ensure!(scraped.total_cmp(&made).is_eq(), "{scraped} requests scraped, {made} made");
    Ok(())
}
