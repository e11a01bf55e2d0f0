//! What the wheel adds to the CPU of a real request.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use e2e::load_target::LoadTarget;
use e2e::{http, inside, net, place};
use serde_json::json;

use super::holds;
use crate::section::{Means, Written};

/// Pairs of a run without and a run with the wheel; which comes first alternates.
const PAIRS: usize = 24;
/// Student's t for 95 % on one side, with [`PAIRS`] - 1 degrees of freedom.
const T: f64 = 1.714;
/// Seconds before anything counts, and seconds that count.
const WARM_UP: f64 = 1.0;
const COUNTED: f64 = 4.0;
/// Users of a run.
const USERS: &str = "10";
/// CPU for a request may grow so much.
const GOAL: f64 = 1.02;

/// CPU microseconds for a request, of one run.
fn run(means: &Means, target: SocketAddr, with: bool) -> Result<f64> {
    let (locust, package) = (means.locust()?, means.package()?);
    let mut files = place::root().join("bench/python/load.py").into_os_string();
    if with {
        files.push(",");
        files.push(inside::plugin(locust, package)?);
    }
    let address = SocketAddr::from(([127, 0, 0, 1], net::free_port()?));
    let mut command = inside::command(locust, package, Path::new("."));
    command.arg("--locustfile").arg(files);
    command.args(["--headless", "--only-summary", "--loglevel", "WARNING"]);
    command.args(["--users", USERS, "--spawn-rate", USERS, "--host", &format!("http://{target}")]);
    if with {
        command.arg(format!("--exporter-web-listen-address={address}"));
    }
    command.current_dir(place::logs("bench-load")?);
    command.env("BENCH_WARM_UP", WARM_UP.to_string()).env("BENCH_COUNTED", COUNTED.to_string());
    command.env("PYTHONHASHSEED", "0");
    measured(&mut command, with.then_some(address))
}

fn measured(command: &mut Command, scraped: Option<SocketAddr>) -> Result<f64> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().context("cannot start Locust")?;
    let scraping = scraped.map(|address| {
        thread::spawn(move || {
            // In the middle of what counts, or a little off: what it costs, it costs.
            thread::sleep(Duration::from_secs_f64(WARM_UP + COUNTED / 2.0));
            http::get(address, "/metrics")?.ok().map(str::len)
        })
    });
    let output = child.wait_with_output()?;
    let text = String::from_utf8(output.stdout)?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "Locust ended: {}\n{text}{complaint}", output.status);
    if let Some(scraping) = scraping {
        let scraped = scraping.join().ok().context("the scrape broke off")?;
        ensure!(scraped? > 0, "the scrape was empty");
    }
    let line = text.lines().find_map(|line| line.strip_prefix("bench: "));
    let (cpu, requests) = line.and_then(|line| line.split_once(' ')).context("no figures")?;
    let (cpu, requests): (f64, f64) = (cpu.parse()?, requests.parse()?);
    ensure!(requests > 100.0, "Locust made only {requests} requests");
    Ok(1e6 * cpu / requests)
}

/// Runs Locust twice for each pair.
pub(crate) fn measure(means: &Means) -> Result<Written> {
    let target = LoadTarget::start()?;
    let mut pairs = Vec::with_capacity(PAIRS);
    for pair in 0..PAIRS {
        let first = pair % 2 == 1;
        let one = run(means, target.address(), first)?;
        let other = run(means, target.address(), !first)?;
        pairs.push(if first { (other, one) } else { (one, other) });
    }
    let logs: Vec<f64> = pairs.iter().map(|(without, with)| (with / without).ln()).collect();
    let count = PAIRS as f64;
    let mean = logs.iter().sum::<f64>() / count;
    let variance = logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / (count - 1.0);
    let bound = (mean + T * (variance / count).sqrt()).exp();
    let ratio = mean.exp();
    let average = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / count;
    let without = average(&mut pairs.iter().map(|(without, _)| *without));
    let with = average(&mut pairs.iter().map(|(_, with)| *with));
    let text = format!(
        "\
{USERS} users of `FastHttpUser` that never wait, one page, headless, against a server in another process:
CPU of Locust's whole process (all threads, the kernel's share included) for each request in {COUNTED}
seconds, after a warm-up. {PAIRS} pairs of runs without and with the wheel, in turns; each run with it is
scraped once.

| Figure | Measured | Goal | Holds |
|---|---:|---:|---|
| CPU for a request, without | {without:.1} µs | | |
| CPU for a request, with | {with:.1} µs | | |
| Ratio, geometric mean of the pairs | {ratio:.4} | | |
| Ratio, upper bound of 95 % | {bound:.4} | ≤ {GOAL} | {} |
",
        holds(bound <= GOAL)
    );
    let figures = json!({
        "pairs_us": pairs, "without_us": without, "with_us": with, "ratio": ratio, "bound": bound,
    });
    Ok(Written { text, figures })
}
