//! Whatever becomes of reports on their way, the totals are those of the events.

use std::collections::BTreeMap;

use locust_model::{CustomKind, Losses};
use proptest::prelude::*;
use proptest::sample::Index;
use recorder::{Config, Definition, GaugeMerge, Key, Master, Process, Request, Totals};

use crate::world::{NOW, Worker, canonical, master};

const WORKERS: usize = 3;

/// What happens in a worker.
#[derive(Clone, Debug)]
enum Event {
    Request { name: u8, time: Option<f64>, status: Option<i64> },
    Failure { name: u8, error: u8 },
    UserError(u8),
    Count(u8),
    Gauge(u8),
}

/// What happens to the whole.
#[derive(Clone, Debug)]
enum Step {
    Event(usize, Event),
    Report {
        worker: usize,
        full: bool,
    },
    /// One of the reports under way arrives, and stays under way.
    Arrive(Index),
    /// One of them is lost.
    Lose(Index),
    /// The worker gets one of the answers, whichever.
    Answer(Index),
    Reset(usize),
    Restart(usize),
    RestartMaster,
}

fn events() -> impl Strategy<Value = Event> {
    let times = prop_oneof![
        8 => (0.0..20_000.0_f64).prop_map(Some),
        1 => Just(None),
        1 => Just(Some(-3.0)),
        1 => Just(Some(f64::NAN)),
    ];
    let statuses = prop_oneof![Just(Some(200)), Just(Some(500)), Just(None)];
    prop_oneof![
        8 => (0u8..4, times, statuses)
            .prop_map(|(name, time, status)| Event::Request { name, time, status }),
        2 => (0u8..4, 0u8..3).prop_map(|(name, error)| Event::Failure { name, error }),
        1 => (0u8..3).prop_map(Event::UserError),
        1 => any::<u8>().prop_map(Event::Count),
        1 => any::<u8>().prop_map(Event::Gauge),
    ]
}

fn steps() -> impl Strategy<Value = Step> {
    let worker = 0..WORKERS;
    prop_oneof![
        20 => (worker.clone(), events()).prop_map(|(worker, event)| Step::Event(worker, event)),
        8 => (worker.clone(), prop::bool::weighted(0.2))
            .prop_map(|(worker, full)| Step::Report { worker, full }),
        8 => any::<Index>().prop_map(Step::Arrive),
        2 => any::<Index>().prop_map(Step::Lose),
        5 => any::<Index>().prop_map(Step::Answer),
        1 => worker.clone().prop_map(Step::Reset),
        1 => worker.prop_map(Step::Restart),
        1 => Just(Step::RestartMaster),
    ]
}

impl Worker {
    fn happen(&mut self, event: &Event, now: f64) {
        match *event {
            Event::Request { name, time, status } => {
                let name = format!("/{name}");
                let key = Key { method: "GET", name: &name, status, exception: "" };
                let series = self.writer.series(&key, now);
                let request = Request { time, response_bytes: 10, request_bytes: 1, now };
                self.writer.request(series, &request);
            }
            Event::Failure { name, error } => {
                self.failure(&format!("/{name}"), &format!("error {error}"), now);
            }
            Event::UserError(message) => self.writer.user_error(&format!("{message}")),
            Event::Count(amount) => self.change(CustomKind::Counter, amount, now),
            Event::Gauge(value) => self.change(CustomKind::Gauge, value, now),
        }
    }

    fn change(&mut self, kind: CustomKind, value: u8, now: f64) {
        let name = if kind == CustomKind::Gauge { "gauge" } else { "counter" };
        let merge = GaugeMerge::Sum;
        let definition = Definition { kind, name, help: "", labels: &["l"], buckets: &[], merge };
        let metric = self.writer.define(&definition, now).expect("a definition");
        let label = format!("{}", value % 3);
        let child = self.writer.child(metric, &[&label], now).expect("one label");
        let value = f64::from(value);
        if kind == CustomKind::Gauge {
            self.writer.set(child, value, now).expect("a gauge");
        } else {
            self.writer.add(child, value, now).expect("a counter");
        }
    }
}

/// Workers that tell two masters: one through a bad network, the other everything at once. The
/// other one hears it from twins of the workers, to which the same happens.
struct World {
    workers: Vec<Worker>,
    twins: Vec<Worker>,
    master: Master,
    reference: Master,
    under_way: Vec<(usize, Vec<u8>)>,
    /// Those that a worker has sent of its present statistics.
    present: [Vec<Vec<u8>>; WORKERS],
    answers: Vec<(usize, Vec<u8>)>,
    /// Beginnings of a worker's statistics that the master knows.
    beginnings: BTreeMap<usize, usize>,
    /// What the reference had lost before the last restart of the master, if there was one.
    lost_before: Option<Losses>,
    now: f64,
}

impl World {
    fn new() -> Self {
        Self {
            workers: (0..WORKERS).map(|_| Worker::new()).collect(),
            twins: (0..WORKERS).map(|_| Worker::new()).collect(),
            master: master(),
            reference: master(),
            under_way: Vec::new(),
            present: Default::default(),
            answers: Vec::new(),
            beginnings: BTreeMap::new(),
            lost_before: None,
            now: NOW,
        }
    }

    fn take(&mut self, step: &Step) {
        // All of it lies within the seconds that are told.
        self.now += 0.02;
        match step {
            Step::Event(worker, event) => {
                self.workers[*worker].happen(event, self.now);
                self.twins[*worker].happen(event, self.now);
            }
            Step::Report { worker, full } => {
                let process = Process { waiting: 1, spawned: 2, cpu_warnings: 0 };
                let report = self.workers[*worker].writer.report(&process, self.now, *full);
                self.present[*worker].push(report.clone());
                self.under_way.push((*worker, report));
            }
            Step::Arrive(index) if !self.under_way.is_empty() => {
                let (worker, report) = &self.under_way[index.index(self.under_way.len())];
                let answer = self.master.merge(&name(*worker), report, self.now);
                self.answers.push((*worker, answer.expect("a good report")));
            }
            Step::Lose(index) if !self.under_way.is_empty() => {
                self.under_way.swap_remove(index.index(self.under_way.len()));
            }
            Step::Answer(index) if !self.answers.is_empty() => {
                let (worker, answer) = &self.answers[index.index(self.answers.len())];
                self.workers[*worker].writer.acknowledged(answer);
            }
            Step::Reset(worker) if self.begins(*worker) => {
                self.workers[*worker].writer.reset(NOW);
                self.twins[*worker].writer.reset(NOW);
            }
            Step::Restart(worker) if self.begins(*worker) => {
                self.workers[*worker] = Worker::new();
                self.twins[*worker] = Worker::new();
            }
            Step::RestartMaster => {
                // What earlier statistics told is lost with it, and must not come late.
                (0..WORKERS).for_each(|worker| self.flush(worker));
                let present = &self.present;
                self.under_way.retain(|(worker, report)| present[*worker].contains(report));
                // The new one counts from what it hears first of each, as if a test began.
                self.now += 1.0;
                let (config, now) = (Config::default(), self.now);
                self.master = Master::new(config.clone(), now).expect("a good configuration");
                self.reference.begin(config, now).expect("a good configuration");
                self.lost_before = Some(self.reference.totals(NOW).losses);
                (0..WORKERS).for_each(|worker| self.flush(worker));
                self.beginnings.clear();
            }
            _ => {}
        }
    }

    /// Tells everything before a worker's statistics begin again; not too often, since only so
    /// many are kept.
    fn begins(&mut self, worker: usize) -> bool {
        let beginnings = self.beginnings.entry(worker).or_default();
        *beginnings += 1;
        let begins = *beginnings <= 3;
        if begins {
            self.flush(worker);
            self.present[worker].clear();
        }
        begins
    }

    /// A report that arrives.
    fn flush(&mut self, worker: usize) {
        self.now += 0.02;
        let (number, name, worker) = (worker, name(worker), &mut self.workers[worker]);
        let process = Process { waiting: 1, spawned: 2, cpu_warnings: 0 };
        // The master may ask for everything first.
        for _ in 0..2 {
            let report = worker.writer.report(&process, self.now, false);
            let answer = self.master.merge(&name, &report, self.now).expect("a good report");
            worker.writer.acknowledged(&answer);
        }
        let all = self.twins[number].writer.report(&process, self.now, true);
        let answer = self.reference.merge(&name, &all, self.now).expect("a good report");
        self.twins[number].writer.acknowledged(&answer);
    }

    /// What both masters know, as far as they can be equal.
    fn totals(&self) -> [Totals; 2] {
        let mut both = [&self.master, &self.reference].map(|master| canonical(master.totals(NOW)));
        let Some(lost_before) = &self.lost_before else { return both };
        both[1].losses = both[1].losses.since(lost_before);
        for totals in &mut both {
            // What processes told that have ended is lost with the master.
            totals.custom.clear();
            // The reference has heard of the workers before.
            totals.all.start = 0.0;
            // Of what is counted in part, these are known as well as the reports that came tell.
            for endpoint in &mut totals.endpoints {
                (endpoint.min, endpoint.max) = (0.0, 0.0);
            }
            for error in &mut totals.errors {
                error.first_seen = 0.0;
            }
        }
        both
    }
}

fn name(worker: usize) -> String {
    format!("worker-{worker}")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn totals_are_right_again_with_the_next_report_that_comes(
        steps in prop::collection::vec(steps(), 0..120),
    ) {
        let mut world = World::new();
        for step in &steps {
            world.take(step);
        }
        (0..WORKERS).for_each(|worker| world.flush(worker));
        let [known, expected] = world.totals();
        prop_assert_eq!(known, expected);
        prop_assert_eq!(world.master.process(), world.reference.process());
    }

    #[test]
    fn order_and_repetition_of_reports_do_not_matter(
        steps in prop::collection::vec(steps(), 0..120),
        order in prop::collection::vec(any::<Index>(), 0..200),
    ) {
        let mut world = World::new();
        let mut reports = Vec::new();
        for step in &steps {
            match step {
                Step::Report { worker, .. } => {
                    world.take(&Step::Report { worker: *worker, full: true });
                    reports.extend(world.under_way.pop());
                }
                Step::Event(..) | Step::Reset(_) | Step::Restart(_) => world.take(step),
                _ => {}
            }
        }
        let (mut one, mut other) = (master(), master());
        let mut rest = reports.clone();
        for (worker, report) in &reports {
            one.merge(&name(*worker), report, NOW).expect("a good report");
        }
        // In any order, many twice, and at last those that have not come yet, backwards.
        for index in order.iter().filter(|_| !reports.is_empty()) {
            let (worker, report) = index.get(&reports);
            other.merge(&name(*worker), report, NOW).expect("a good report");
        }
        while let Some((worker, report)) = rest.pop() {
            other.merge(&name(worker), &report, NOW).expect("a good report");
        }
        prop_assert_eq!(canonical(one.totals(NOW)), canonical(other.totals(NOW)));
        prop_assert_eq!(one.process(), other.process());
    }

    #[test]
    fn totals_are_those_of_the_events(
        events in prop::collection::vec(events(), 0..60),
        by_status in any::<bool>(),
    ) {
        let config = Config { by_status, ..Config::default() };
        let mut master = Master::new(config.clone(), NOW).expect("a good configuration");
        let mut worker = Worker::with(config, NOW);
        for (number, event) in events.iter().enumerate() {
            worker.happen(event, NOW + number as f64 * 0.1);
            if number % 7 == 0 {
                worker.tell(&mut master, "local", NOW);
            }
        }
        worker.tell(&mut master, "local", NOW);
        prop_assert_eq!(canonical(master.totals(NOW)), canonical(worker.reader.totals(NOW)));
        let requests: u64 = responses(&master.totals(NOW));
        let fed = |event: &&Event| matches!(event, Event::Request { .. } | Event::Failure { .. });
        prop_assert_eq!(requests, events.iter().filter(fed).count() as u64);
    }
}

fn responses(totals: &Totals) -> u64 {
    let responses = totals.endpoints.iter().flat_map(|endpoint| &endpoint.responses);
    responses.map(|response| response.requests).sum()
}
