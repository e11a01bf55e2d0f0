//! Locust's own statistics, as its workers and its master keep them: workers send what has come
//! since the last time, and begin again at 0. Whatever is reset and begun where and when, our
//! master counts the same.

use std::collections::BTreeMap;
use std::time::SystemTime;

use proptest::prelude::*;
use recorder::{Buckets, Config, Master, snapshot};

use crate::world::{NOW, Worker, master};

const WORKERS: usize = 2;

/// Locust's `StatsEntry`, as far as it is compared.
#[derive(Clone, Debug, PartialEq)]
struct Entry {
    requests: u64,
    failures: u64,
    bytes: u64,
    min: Option<f64>,
    max: f64,
}

/// Locust's `RequestStats`.
#[derive(Clone, Debug, Default)]
struct Stats {
    entries: BTreeMap<String, Entry>,
    errors: BTreeMap<(String, String), u64>,
}

const NONE: Entry = Entry { requests: 0, failures: 0, bytes: 0, min: None, max: 0.0 };

impl Entry {
    fn extend(&mut self, other: &Self) {
        self.requests += other.requests;
        self.failures += other.failures;
        self.bytes += other.bytes;
        self.min = self.min.into_iter().chain(other.min).reduce(f64::min);
        self.max = self.max.max(other.max);
    }
}

impl Stats {
    fn log(&mut self, name: &str, time: f64, error: Option<&str>) {
        let failures = u64::from(error.is_some());
        let one = Entry { requests: 1, failures, bytes: 10, min: Some(time), max: time };
        self.entries.entry(name.to_owned()).or_insert(NONE).extend(&one);
        if let Some(error) = error {
            *self.errors.entry((name.to_owned(), error.to_owned())).or_default() += 1;
        }
    }

    /// `reset_all`
    fn reset(&mut self) {
        self.entries.values_mut().for_each(|entry| *entry = NONE);
        self.errors.clear();
    }

    /// What a worker's `report_to_master` does: it sends, and begins again.
    fn report(&mut self) -> Self {
        let sent = self.clone();
        self.reset();
        sent
    }

    /// What the master's `worker_report` does.
    fn extend(&mut self, other: &Self) {
        for (name, entry) in other.entries.iter().filter(|(_, entry)| **entry != NONE) {
            self.entries.entry(name.clone()).or_insert(NONE).extend(entry);
        }
        for (error, occurrences) in &other.errors {
            *self.errors.entry(error.clone()).or_default() += occurrences;
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Request {
        worker: usize,
        name: u8,
        time: f64,
        fails: bool,
    },
    /// A report that arrives; whether its answer does.
    Report {
        worker: usize,
        is_answered: bool,
    },
    /// `clear_all` on a worker, or a worker that was started anew.
    Begin(usize),
    Restart(usize),
    Reset(usize),
    BeginMaster,
    ResetMaster,
}

fn steps() -> impl Strategy<Value = Step> {
    let worker = 0..WORKERS;
    prop_oneof![
        20 => (worker.clone(), 0u8..3, 0.0..3_000.0_f64, prop::bool::weighted(0.2))
            .prop_map(|(worker, name, time, fails)| Step::Request { worker, name, time, fails }),
        8 => (worker.clone(), prop::bool::weighted(0.8))
            .prop_map(|(worker, is_answered)| Step::Report { worker, is_answered }),
        1 => worker.clone().prop_map(Step::Begin),
        1 => worker.clone().prop_map(Step::Restart),
        1 => worker.prop_map(Step::Reset),
        1 => Just(Step::BeginMaster),
        2 => Just(Step::ResetMaster),
    ]
}

struct World {
    workers: Vec<(Worker, Stats)>,
    master: (Master, Stats),
    now: f64,
    are_all_answered: bool,
}

impl World {
    fn take(&mut self, step: &Step) {
        self.now += 1.0;
        let (now, (master, stats)) = (self.now, &mut self.master);
        match *step {
            Step::Request { worker, name, time, fails } => {
                let (worker, stats) = &mut self.workers[worker];
                let name = format!("/{name}");
                if fails {
                    worker.failure(&name, "error", now);
                    stats.log(&name, 3.5, Some("error"));
                } else {
                    worker.request(&name, time, now);
                    stats.log(&name, time, None);
                }
            }
            Step::Report { worker: number, is_answered } => {
                let (worker, sent) = &mut self.workers[number];
                let report = worker.report(now);
                let answer = master.merge(&format!("{number}"), &report, now);
                let answer = answer.expect("a good report");
                self.are_all_answered &= is_answered;
                if is_answered {
                    worker.writer.acknowledged(&answer);
                }
                stats.extend(&sent.report());
            }
            Step::Begin(worker) => {
                let (worker, stats) = &mut self.workers[worker];
                worker.writer.begin(Config::default(), now).expect("a good configuration");
                *stats = Stats::default();
            }
            Step::Restart(worker) => {
                self.workers[worker] = (Worker::with(Config::default(), now), Stats::default());
            }
            Step::Reset(worker) => {
                let (worker, stats) = &mut self.workers[worker];
                worker.writer.reset(now);
                stats.reset();
            }
            Step::BeginMaster => {
                master.begin(Config::default(), now).expect("a good configuration");
                *stats = Stats::default();
            }
            Step::ResetMaster => {
                master.reset(now);
                stats.reset();
            }
        }
    }
}

/// What our master shows, in Locust's terms.
fn shown(master: &Master, now: f64) -> Stats {
    let totals = master.totals(now);
    let snapshot =
        snapshot(&totals, &Config::default(), SystemTime::UNIX_EPOCH, Buckets::ClassicAndNative);
    let entries = snapshot.endpoints.iter().map(|row| {
        let entry = Entry {
            requests: row.requests.expect("requests"),
            failures: row.failures.expect("failures"),
            bytes: row.response_bytes.expect("bytes"),
            min: row.min.map(|time| time.0),
            max: row.max.map_or(0.0, |time| time.0),
        };
        (row.name.to_string(), entry)
    });
    let errors = totals
        .errors
        .iter()
        .map(|row| ((row.name.to_string(), row.error.to_string()), row.occurrences));
    Stats { entries: entries.collect(), errors: errors.collect() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn the_master_counts_as_locusts_own_differences_do(
        steps in prop::collection::vec(steps(), 0..150),
    ) {
        let worker = || (Worker::new(), Stats::default());
        let mut world = World {
            workers: (0..WORKERS).map(|_| worker()).collect(),
            master: (master(), Stats::default()),
            now: NOW,
            are_all_answered: true,
        };
        for step in &steps {
            world.take(step);
            let shown = shown(&world.master.0, world.now);
            let stats = &world.master.1;
            prop_assert_eq!(&shown.errors, &stats.errors);
            prop_assert!(shown.entries.keys().eq(stats.entries.keys()), "{:?} {:?}", shown, stats);
            for (entry, expected) in shown.entries.values().zip(stats.entries.values()) {
                prop_assert_eq!(counts(entry), counts(expected));
                // Where an answer was lost, they are only known as well as cells tell.
                if world.are_all_answered && expected.requests > 0 {
                    prop_assert_eq!((entry.min, entry.max), (expected.min, expected.max));
                }
            }
        }
    }
}

fn counts(entry: &Entry) -> (u64, u64, u64) {
    (entry.requests, entry.failures, entry.bytes)
}
