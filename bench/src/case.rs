//! One row of the report, measured.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::canned::{self, Bodies};
use crate::floor::Floor;
use crate::process::Exporter;
use crate::scrape::Scraper;

/// Rounds; in each the exporter and the floor take turns, so that both meet the same machine.
const ROUNDS: usize = 15;
/// How long a turn takes about.
const TURN: Duration = Duration::from_millis(250);
/// Scrapes before any is counted.
const WARM_UP: usize = 10;

/// What is to be measured.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    /// Endpoints that Locust has.
    pub(crate) rows: usize,
    /// Content encoding of the answer.
    pub(crate) encoding: &'static str,
}

/// What was measured. Times in milliseconds, sizes in bytes.
#[derive(Debug, Serialize)]
pub(crate) struct Figures {
    rows: usize,
    encoding: &'static str,
    /// Scrapes counted.
    scrapes: usize,
    /// Size of the answer.
    answer_bytes: usize,
    /// CPU for a scrape, all threads, kernel's work included: the median of the rounds.
    cpu_ms: f64,
    /// CPU of the floor, likewise. It knows no compression.
    floor_ms: f64,
    /// The one by the other: the median of the rounds' ratios.
    cpu_by_floor: f64,
    p50_ms: f64,
    p99_ms: f64,
    /// Anonymous memory at its peak.
    peak_anon_bytes: u64,
}

impl Figures {
    pub(crate) fn table_head() -> &'static str {
        "| Rows | Encoding | Answer | CPU | Floor | CPU / floor | p50 | p99 | Anonymous memory, peak |\n\
         |---:|---|---:|---:|---:|---:|---:|---:|---:|\n"
    }

    pub(crate) fn table_row(&self) -> String {
        format!(
            "| {} | {} | {:.0} KB | {:.2} ms | {:.2} ms | {:.2} | {:.2} ms | {:.2} ms | {:.1} MB |\n",
            self.rows,
            self.encoding,
            self.answer_bytes as f64 / 1e3,
            self.cpu_ms,
            self.floor_ms,
            self.cpu_by_floor,
            self.p50_ms,
            self.p99_ms,
            self.peak_anon_bytes as f64 / 1e6,
        )
    }
}

impl Case {
    /// Measures `exporter`.
    pub(crate) fn measure(self, exporter: &Path) -> Result<Figures> {
        let bodies = Arc::new(Bodies::new(self.rows)?);
        let locust = canned::serve(Arc::clone(&bodies))?;
        let exporter = Exporter::start(exporter, locust)?;
        let mut body = Vec::new();
        // The floor writes what is written uncompressed.
        Scraper::new(exporter.address, "/metrics", "identity")?.scrape(&mut body)?;
        let mut floor = Floor::new(&bodies, &body)?;
        let mut scraper = Scraper::new(exporter.address, "/metrics", self.encoding)?;
        for _ in 0..WARM_UP {
            scraper.scrape(&mut body)?;
            floor.run()?;
        }
        let mut times = Vec::new();
        let mut rounds = Vec::with_capacity(ROUNDS);
        for _ in 0..ROUNDS {
            let before = times.len();
            let cpu = exporter.cpu()?;
            turn(|| {
                times.push(1e3 * scraper.scrape(&mut body)?.as_secs_f64());
                Ok(())
            })?;
            let cpu = per(exporter.cpu()?.saturating_sub(cpu), times.len() - before);
            let own = own_cpu()?;
            let turns = turn(|| floor.run())?;
            rounds.push((cpu, per(own_cpu()?.saturating_sub(own), turns)));
        }
        times.sort_by(f64::total_cmp);
        Ok(Figures {
            rows: self.rows,
            encoding: self.encoding,
            scrapes: times.len(),
            answer_bytes: body.len(),
            cpu_ms: median(rounds.iter().map(|(cpu, _)| *cpu)),
            floor_ms: median(rounds.iter().map(|(_, floor)| *floor)),
            cpu_by_floor: median(rounds.iter().map(|(cpu, floor)| cpu / floor)),
            p50_ms: at(&times, 0.5),
            p99_ms: at(&times, 0.99),
            peak_anon_bytes: exporter.peak_anon()?,
        })
    }
}

/// Repeats `work` for about [`TURN`]; answers how often.
fn turn(mut work: impl FnMut() -> Result<()>) -> Result<usize> {
    let began = Instant::now();
    let mut done = 0;
    while began.elapsed() < TURN {
        work()?;
        done += 1;
    }
    Ok(done)
}

/// Milliseconds for each of `count`.
fn per(time: Duration, count: usize) -> f64 {
    1e3 * time.as_secs_f64() / count as f64
}

pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    at(&values, 0.5)
}

/// The value at the share `q` of sorted values.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an index within the values"
)]
pub(crate) fn at(sorted: &[f64], q: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * q).round() as usize).copied().unwrap_or(f64::NAN)
}

/// CPU time that this thread has spent.
fn own_cpu() -> Result<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let first = text.split_whitespace().next().context("schedstat is empty")?;
    Ok(Duration::from_nanos(first.parse()?))
}
