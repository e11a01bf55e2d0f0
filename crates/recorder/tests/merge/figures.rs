//! How large reports are, and how long they and their merge take. Run in release:
//! `cargo test --release -p recorder --test merge -- --ignored --nocapture --test-threads 1`

#![expect(clippy::print_stdout, reason = "the figures are for people")]

use std::time::{Duration, Instant, SystemTime};

use recorder::{Buckets, Config, Process, snapshot};

use crate::world::{NOW, Worker, master};

const SERIES: usize = 5_000;
/// Seconds of load, enough for all that is kept by second.
const SECONDS: u32 = 20;
/// So far times are spread that a series has about 60 native buckets.
const SPREAD: f64 = 0.28;

/// Numbers that are the same every time.
struct Chance(u64);

impl Chance {
    fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Log-normal, as response times mostly are.
    fn time(&mut self, median: f64) -> f64 {
        let (a, b) = (self.uniform(), self.uniform());
        let normal = (-2.0 * (1.0 - a).ln()).sqrt() * (std::f64::consts::TAU * b).cos();
        median * (SPREAD * normal).exp()
    }
}

fn name(series: usize) -> String {
    format!("/api/v1/{}/{series:04}/details", ["users", "orders", "products"][series % 3])
}

/// A worker with so many requests of every series.
fn loaded(requests: u32, seed: u64) -> Worker {
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15 ^ seed);
    let mut worker = Worker::with(Config::default(), NOW);
    let series: Vec<_> =
        (0..SERIES).map(|series| (name(series), 20.0 + 400.0 * chance.uniform())).collect();
    for request in 0..requests {
        let now = NOW + f64::from(SECONDS * request / requests);
        for (name, median) in &series {
            worker.request(name, chance.time(*median), now);
            if request % 100 == 99 {
                worker.failure(name, "HTTPError('404 Client Error')", now);
            }
        }
    }
    worker
}

/// The least, of an undisturbed round, and the median.
fn spread(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    format!("{:.1?} ({:.1?})", times[0], times[times.len() / 2])
}

fn cells(worker: &Worker) -> usize {
    let totals = worker.reader.totals(NOW);
    let cells = totals.endpoints.iter().flat_map(|endpoint| &endpoint.distributions);
    cells.map(|distribution| distribution.cells.0.len()).sum::<usize>() / totals.endpoints.len()
}

#[test]
#[ignore = "measures: run it in release"]
fn figures_of_reports() {
    for requests in [300, 1_000, 3_000] {
        let mut worker = loaded(requests, 1);
        let process = Process::default();
        let mut master = master();
        let full = worker.writer.report(&process, NOW, true);
        let per_series = full.len() as f64 / SERIES as f64;
        let answer = master.merge("worker", &full, NOW).expect("a good report");
        worker.writer.acknowledged(&answer);
        let (mut making, mut merging, mut totalling) = (Vec::new(), Vec::new(), Vec::new());
        let (mut showing, mut copying) = (Vec::new(), Vec::new());
        for round in 0..31 {
            for series in 0..SERIES {
                worker.request(&name(series), 50.0 + f64::from(round), NOW + 30.0);
            }
            let start = Instant::now();
            let full = worker.writer.report(&process, NOW, true);
            making.push(start.elapsed());
            let start = Instant::now();
            let answer = master.merge("worker", &full, NOW).expect("a good report");
            merging.push(start.elapsed());
            worker.writer.acknowledged(&answer);
            let start = Instant::now();
            std::hint::black_box(master.totals(NOW));
            totalling.push(start.elapsed());
            let start = Instant::now();
            std::hint::black_box(master.snapshot(NOW, SystemTime::UNIX_EPOCH, Buckets::Classic));
            showing.push(start.elapsed());
            let start = Instant::now();
            let (totals, time) = (master.totals(NOW), SystemTime::UNIX_EPOCH);
            std::hint::black_box(snapshot(&totals, &Config::default(), time, Buckets::Classic));
            copying.push(start.elapsed());
        }
        for series in 0..SERIES / 100 {
            worker.request(&name(series * 100), 50.0, NOW + 30.0);
        }
        let few = worker.writer.report(&process, NOW, false);
        let share = few.len() as f64 / full.len() as f64;
        println!(
            "{requests} requests, {} cells a series: full {per_series:.1} bytes a series, \
             made in {}, merged in {}, totals in {}, a snapshot in {}, from totals in {}; 1 % changed: {} bytes, {:.2} %",
            cells(&worker),
            spread(making),
            spread(merging),
            spread(totalling),
            spread(showing),
            spread(copying),
            few.len(),
            100.0 * share,
        );
        assert!(per_series <= 270.0);
        assert!(share <= 0.015);
    }
}

#[test]
#[ignore = "measures: run it in release"]
fn figures_of_a_master_with_100_workers() {
    let mut master = master();
    let process = Process::default();
    let before = resident();
    for (test, when) in [(1, NOW), (2, NOW + 60.0)] {
        let mut worker = loaded(1_000, test);
        let full = worker.writer.report(&process, when, true);
        for number in 0..100 {
            master.merge(&format!("worker-{number:03}"), &full, when).expect("a good report");
        }
        drop(worker);
        println!("100 workers, test {test}: {} MB more", (resident() - before) >> 20);
        let start = Instant::now();
        let totals = master.totals(when);
        println!("totals of {} endpoints in {:?}", totals.endpoints.len(), start.elapsed());
        // What was reported in this test is kept until the one after the next begins.
        master.begin(Config::default(), when).expect("a good configuration");
    }
    println!("peak {} MB", peak() >> 20);
    assert!(peak() < 1 << 30);
}

fn resident() -> usize {
    status("VmRSS:")
}

fn peak() -> usize {
    status("VmHWM:")
}

/// A line of the kernel's account of this process, in bytes.
fn status(field: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("procfs");
    let line = status.lines().find_map(|line| line.strip_prefix(field)).expect(field);
    let kilobytes: usize = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kilobytes << 10
}
