//! What the wheel adds to the CPU of a real request, and what pushing adds to that.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use e2e::load_target::LoadTarget;
use e2e::{http, inside, net, place};
use serde_json::{Value, json};

use super::holds;
use crate::section::{Means, Written};

/// Rounds of a run of each kind; which comes first goes round.
const ROUNDS: usize = 24;
/// Student's t for 95 % on one side, with [`ROUNDS`] - 1 degrees of freedom.
const T: f64 = 1.714;
/// Seconds before anything counts, and seconds that count.
const WARM_UP: f64 = 1.0;
const COUNTED: f64 = 4.0;
/// Users of a run.
const USERS: &str = "10";
/// CPU for a request may grow so much.
const GOAL: f64 = 1.02;

/// What a run has beside the test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Nothing.
    Without,
    /// The wheel.
    With,
    /// The wheel, which pushes every second to two backends that never answer.
    Pushing,
}

const KINDS: [Kind; 3] = [Kind::Without, Kind::With, Kind::Pushing];

/// Accepts connections, by its kernel, and never answers.
struct Silent(TcpListener);

impl Silent {
    fn options(&self) -> Result<[String; 4]> {
        let address = self.0.local_addr()?;
        Ok([
            format!("--exporter-push-remote-write-url=http://{address}/write"),
            format!("--exporter-push-otlp-endpoint=http://{address}"),
            "--exporter-push-interval=1s".to_owned(),
            "--exporter-push-final-timeout=100ms".to_owned(),
        ])
    }
}

/// CPU microseconds for a request, of one run.
fn run(means: &Means, target: SocketAddr, silent: &Silent, kind: Kind) -> Result<f64> {
    let (locust, package) = (means.locust()?, means.package()?);
    let mut files = place::root().join("bench/python/load.py").into_os_string();
    if kind != Kind::Without {
        files.push(",");
        files.push(inside::plugin(locust, package)?);
    }
    let address = SocketAddr::from(([127, 0, 0, 1], net::free_port()?));
    let mut command = inside::command(locust, package, Path::new("."));
    command.arg("--locustfile").arg(files);
    command.args(["--headless", "--only-summary", "--loglevel", "WARNING"]);
    command.args(["--users", USERS, "--spawn-rate", USERS, "--host", &format!("http://{target}")]);
    if kind != Kind::Without {
        command.arg(format!("--exporter-web-listen-address={address}"));
    }
    if kind == Kind::Pushing {
        command.args(silent.options()?);
    }
    command.current_dir(place::logs("bench-load")?);
    command.env("BENCH_WARM_UP", WARM_UP.to_string()).env("BENCH_COUNTED", COUNTED.to_string());
    command.env("PYTHONHASHSEED", "0");
    measured(&mut command, (kind != Kind::Without).then_some(address))
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

/// How much more one kind of run takes than another, round by round.
struct Growth {
    /// Geometric mean.
    ratio: f64,
    /// Its upper bound of 95 %.
    bound: f64,
}

impl Growth {
    fn of(rounds: &[[f64; 3]], from: Kind, to: Kind) -> Self {
        let logs = rounds.iter().map(|round| (round[to as usize] / round[from as usize]).ln());
        let logs: Vec<f64> = logs.collect();
        let count = ROUNDS as f64;
        let mean = logs.iter().sum::<f64>() / count;
        let variance = logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / (count - 1.0);
        Self { ratio: mean.exp(), bound: (mean + T * (variance / count).sqrt()).exp() }
    }

    fn rows(&self) -> String {
        let Self { ratio, bound } = self;
        let holds = holds(*bound <= GOAL);
        format!(
            "| Ratio, geometric mean of the rounds | {ratio:.4} | | |\n\
             | Ratio, upper bound of 95 % | {bound:.4} | ≤ {GOAL} | {holds} |\n"
        )
    }

    fn figures(&self) -> Value {
        json!({ "ratio": self.ratio, "bound": self.bound })
    }
}

/// Runs Locust once of each kind, round by round.
pub(crate) fn measure(means: &Means) -> Result<Written> {
    let target = LoadTarget::start()?;
    let silent = Silent(TcpListener::bind(("127.0.0.1", 0)).context("no port for a backend")?);
    let mut rounds = Vec::with_capacity(ROUNDS);
    for round in 0..ROUNDS {
        let mut took = [0.0; KINDS.len()];
        for turn in 0..KINDS.len() {
            let kind = KINDS[(round + turn) % KINDS.len()];
            took[kind as usize] = run(means, target.address(), &silent, kind)?;
        }
        rounds.push(took);
    }
    let average = KINDS
        .map(|kind| rounds.iter().map(|round| round[kind as usize]).sum::<f64>() / ROUNDS as f64);
    let [without, with, pushing] = average;
    let wheel = Growth::of(&rounds, Kind::Without, Kind::With);
    let push = Growth::of(&rounds, Kind::With, Kind::Pushing);
    let text = format!(
        "\
{USERS} users of `FastHttpUser` that never wait, one page, headless, against a server in another process:
CPU of Locust's whole process (all threads, the kernel's share included) for each request in {COUNTED}
seconds, after a warm-up. {ROUNDS} rounds of a run without the wheel, one with it, and one in which it
pushes every second, by remote write and OTLP, to backends that accept and never answer, in turns; each
run with it is scraped once.

| Figure | Measured | Goal | Holds |
|---|---:|---:|---|
| CPU for a request, without | {without:.1} µs | | |
| CPU for a request, with | {with:.1} µs | | |
{}| CPU for a request, pushing | {pushing:.1} µs | | |
{}",
        wheel.rows(),
        push.rows(),
    );
    let figures =
        json!({ "rounds_us": rounds, "with": wheel.figures(), "pushing": push.figures() });
    Ok(Written { text, figures })
}
