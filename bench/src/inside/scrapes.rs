//! What a scrape of a Locust at work takes, and what it does to Locust.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use e2e::{http, net};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{holds, script};
use crate::case::at;
use crate::scrape::Scraper;
use crate::section::{Means, Written};

/// In each, the idle loop, the busy one, and the one left alone take turns.
const ROUNDS: usize = 10;
/// Scrapes of the exporter in a turn.
const SCRAPES: usize = 25;
/// From the start of one to the start of the next. A real Prometheus leaves seconds.
const PACE: Duration = Duration::from_millis(100);
/// Scrapes of `prometheus_client` in a turn.
const PEER_SCRAPES: usize = 2;

/// The families that `prometheus_client` is asked for, by the exporter's names.
const SAME: &str = "/metrics?name[]=locust_request_duration_seconds&name[]=locust_requests_total\
     &name[]=locust_request_failures_total&name[]=locust_request_length_bytes_total\
     &name[]=locust_response_length_bytes_total";

/// p99 under load may be so many times that of an idle Locust.
const GOAL_BUSY: f64 = 2.0;
/// `prometheus_client` must take so many times as long.
const GOAL_RATIO: f64 = 50.0;
/// Milliseconds that scrapes may add to the loop's gaps at p99.9.
const GOAL_GAP: f64 = 1.0;

/// The script, as long as it is measured.
struct Script {
    child: Child,
    web: SocketAddr,
    ours: SocketAddr,
}

impl Script {
    fn start(means: &Means) -> Result<Self> {
        let port = net::free_port()?;
        let mut command = script(means, "scrapes.py")?;
        command.arg(port.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("cannot start Python")?;
        let stdout = child.stdout.take().context("no standard output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let said: Value = serde_json::from_str(&line).context("scrapes.py says nothing")?;
        let ours = said["ours"].as_str().context("no address")?;
        let ours = ours.trim_start_matches("http://").trim_end_matches('/').parse()?;
        let script = Self { child, web: (Ipv4Addr::LOCALHOST, port).into(), ours };
        net::wait_for("Locust's page answers", Duration::from_secs(10), || {
            Ok(script.ask("idle").is_ok().then_some(()))
        })?;
        Ok(script)
    }

    fn ask(&self, what: &str) -> Result<String> {
        let answer = http::get(self.web, &format!("/bench/{what}"))?;
        Ok(answer.ok()?.to_owned())
    }

    /// Gaps of the loop since this was last asked, in milliseconds.
    fn gaps(&self) -> Result<Vec<f64>> {
        #[derive(Deserialize)]
        struct Gaps {
            gaps_ms: Vec<f64>,
        }
        Ok(serde_json::from_str::<Gaps>(&self.ask("gaps")?)?.gaps_ms)
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Times in milliseconds.
#[derive(Default)]
struct Times {
    idle: Vec<f64>,
    busy: Vec<f64>,
    same: Vec<f64>,
    peer: Vec<f64>,
    gaps_alone: Vec<f64>,
    gaps_scraped: Vec<f64>,
}

#[derive(Serialize)]
struct Figures {
    answer_bytes: usize,
    peer_answer_bytes: usize,
    idle_p50_ms: f64,
    idle_p99_ms: f64,
    busy_p50_ms: f64,
    busy_p99_ms: f64,
    same_answer_bytes: usize,
    same_p50_ms: f64,
    same_p99_ms: f64,
    peer_p50_ms: f64,
    peer_p99_ms: f64,
    gaps: usize,
    gap_alone_ms: f64,
    gap_scraped_ms: f64,
}

/// Scrapes at the pace; gives how long each took.
fn scrapes(scraper: &mut Scraper, body: &mut Vec<u8>, times: &mut Vec<f64>) -> Result<()> {
    for _ in 0..SCRAPES {
        let next = Instant::now() + PACE;
        times.push(1e3 * scraper.scrape(body)?.as_secs_f64());
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    Ok(())
}

fn rounds(script: &Script) -> Result<Figures> {
    let (mut body, mut same_body, mut peer_body) = (Vec::new(), Vec::new(), Vec::new());
    let mut ours = Scraper::new(script.ours, "/metrics", "identity")?;
    let mut same = Scraper::new(script.ours, SAME, "identity")?;
    let mut times = Times::default();
    for round in 0..=ROUNDS {
        script.ask("idle")?;
        scrapes(&mut ours, &mut body, &mut times.idle)?;
        script.ask("saturate")?;
        script.gaps()?;
        thread::sleep(PACE * u32::try_from(SCRAPES)?);
        times.gaps_alone.extend(script.gaps()?);
        scrapes(&mut ours, &mut body, &mut times.busy)?;
        times.gaps_scraped.extend(script.gaps()?);
        scrapes(&mut same, &mut same_body, &mut times.same)?;
        // A connection of its own: Locust's server closes an idle one.
        let mut peer = Scraper::new(script.web, "/peer", "identity")?;
        for _ in 0..PEER_SCRAPES {
            times.peer.push(1e3 * peer.scrape(&mut peer_body)?.as_secs_f64());
        }
        if round == 0 {
            // Memory is warm from here on.
            times = Times::default();
        }
    }
    let Times { idle, busy, same, peer, gaps_alone, gaps_scraped } = &mut times;
    for times in [&mut *idle, busy, same, peer, gaps_alone, gaps_scraped] {
        times.sort_by(f64::total_cmp);
    }
    ensure!(gaps_scraped.len() > 10_000, "only {} turns of the loop were seen", gaps_scraped.len());
    Ok(Figures {
        answer_bytes: body.len(),
        peer_answer_bytes: peer_body.len(),
        idle_p50_ms: at(idle, 0.5),
        idle_p99_ms: at(idle, 0.99),
        busy_p50_ms: at(busy, 0.5),
        busy_p99_ms: at(busy, 0.99),
        same_answer_bytes: same_body.len(),
        same_p50_ms: at(same, 0.5),
        same_p99_ms: at(same, 0.99),
        peer_p50_ms: at(peer, 0.5),
        peer_p99_ms: at(peer, 0.99),
        gaps: gaps_scraped.len(),
        gap_alone_ms: at(gaps_alone, 0.999),
        gap_scraped_ms: at(gaps_scraped, 0.999),
    })
}

/// Runs `scrapes.py` and scrapes it.
pub(crate) fn measure(means: &Means) -> Result<Written> {
    let figures = rounds(&Script::start(means)?)?;
    let busy = figures.busy_p99_ms / figures.idle_p99_ms;
    let ratio = figures.peer_p99_ms / figures.same_p99_ms;
    let whole = figures.peer_p99_ms / figures.busy_p99_ms;
    let gap = figures.gap_scraped_ms - figures.gap_alone_ms;
    let text = format!(
        "\
A Locust with 5,000 histograms, in the text format without compression, and a loop that is idle or
saturated by users that never wait. The exporter is asked every {} ms and answers {:.1} MB;
prometheus_client, in a route of Locust's web UI in the same process, {:.1} MB, and
the exporter {:.1} MB where it is asked for those families alone. A gap is what a greenlet waits for its next turn; {} of them were seen under scrapes.

| Figure | p50 | p99 |
|---|---:|---:|
| Scrape, idle loop | {:.2} ms | {:.2} ms |
| Scrape, saturated loop | {:.2} ms | {:.2} ms |
| Scrape of the same families as prometheus_client's, saturated loop | {:.2} ms | {:.2} ms |
| Scrape of prometheus_client, saturated loop | {:.0} ms | {:.0} ms |

| Figure | Measured | Goal | Holds |
|---|---:|---:|---|
| p99 of a scrape, saturated by idle | {busy:.2} | ≤ {GOAL_BUSY} | {} |
| p99 of a scrape of the same families, prometheus_client's by the exporter's | {ratio:.0} | ≥ {GOAL_RATIO} | {} |
| The same, by the exporter's of all that it has | {whole:.0} | | |
| Gap of the loop at p99.9, without scrapes | {:.2} ms | | |
| Gap of the loop at p99.9, with scrapes | {:.2} ms | | |
| What scrapes add to it | {gap:.2} ms | ≤ {GOAL_GAP} ms | {} |
",
        PACE.as_millis(),
        figures.answer_bytes as f64 / 1e6,
        figures.peer_answer_bytes as f64 / 1e6,
        figures.same_answer_bytes as f64 / 1e6,
        figures.gaps,
        figures.idle_p50_ms,
        figures.idle_p99_ms,
        figures.busy_p50_ms,
        figures.busy_p99_ms,
        figures.same_p50_ms,
        figures.same_p99_ms,
        figures.peer_p50_ms,
        figures.peer_p99_ms,
        holds(busy <= GOAL_BUSY),
        holds(ratio >= GOAL_RATIO),
        figures.gap_alone_ms,
        figures.gap_scraped_ms,
        holds(gap <= GOAL_GAP),
    );
    Ok(Written { text, figures: serde_json::to_value(figures)? })
}
