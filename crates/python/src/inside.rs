//! What is known inside Locust, beside what the recorder counts: all that a scrape shows, without
//! any of Python's objects.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use arc_swap::{ArcSwap, ArcSwapOption};
use locust_exporter::BUILD;
use locust_exporter::inside::Settings;
use locust_model::{Difference, Foreign, Run, Snapshot, State, TaskRatio, Text, Users, Worker};
use push::{Source, SourceFuture};
use recorder::{Buckets, Counts, LocustSettings, Process, Reader, WorkerTotals};
use schema::{Catalog, CatalogError, Exposition, Own, Sighting};
use web::{Ask, Gather, GatherFuture, Gathered, Served};

use crate::cardinality::{self, Names, Warned};
use crate::clock;
use crate::guard;
use crate::merge::{self, Merged, Merger};

/// Events of requests that could not be recorded.
const EVENT: &str = "event";
/// What a panic kept from being recorded or shown.
const PANIC: &str = "panic";
/// Values that workers report of themselves to Locust, and that cannot be.
const WORKER: &str = "worker";
/// Reports of workers that make no sense.
const REPORT: &str = "report";
/// Reports of workers that came faster than they could be merged.
const REPORT_DROPPED: &str = "report_dropped";

/// Catalogs that are kept beside the configured one. A test adds few endpoints.
const MOST_CATALOGS: usize = 32;

/// What this process is to its test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The only process.
    Local,
    /// The one that others report to.
    Master,
    /// One that reports.
    Worker,
}

/// A configuration, and its catalog.
type Other = (schema::Config, Arc<Catalog>);

/// What is decided in `init`.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) role: Role,
    /// Locust's version.
    pub(crate) version: Text,
    pub(crate) testplan: Option<Text>,
    pub(crate) schema: schema::Config,
    pub(crate) catalog: Arc<Catalog>,
    /// Catalogs of other schemas, and of a service, that were asked for.
    others: Arc<ArcSwap<Vec<Other>>>,
    pub(crate) web: web::Config,
    /// How the next test is recorded.
    pub(crate) recorder: recorder::Config,
    pub(crate) last_scrape_timeout: Duration,
}

/// What the runner knew when it was last asked.
#[derive(Clone, Default)]
pub(crate) struct Observed {
    pub(crate) state: Option<State>,
    pub(crate) users: Users,
    pub(crate) host: Option<Text>,
    pub(crate) workers: Option<Vec<Worker>>,
    pub(crate) tasks: Arc<[TaskRatio]>,
}

/// Everything that is shown; shared by Python's threads and ours.
pub(crate) struct Inside {
    reader: Reader,
    /// Where workers' reports are merged; on a master alone.
    pub(crate) merger: ArcSwapOption<Merger>,
    pub(crate) setup: ArcSwap<Setup>,
    pub(crate) observed: ArcSwap<Observed>,
    pub(crate) run: ArcSwap<Run>,
    own: ArcSwap<Own>,
    /// Of a process that is no master.
    difference: ArcSwapOption<Difference>,
    waiting: AtomicU64,
    spawned: AtomicU64,
    cpu_warnings: AtomicU64,
    refused_events: AtomicU64,
    refused_of_workers: AtomicU64,
    told_panics: AtomicU64,
    pub(crate) warned: Warned,
    finished: AtomicBool,
    final_served: AtomicBool,
}

impl Inside {
    pub(crate) fn new(reader: Reader, setup: Setup) -> Self {
        Self {
            reader,
            merger: ArcSwapOption::empty(),
            setup: ArcSwap::from_pointee(setup),
            observed: ArcSwap::from_pointee(Observed::default()),
            run: ArcSwap::from_pointee(Run::default()),
            own: ArcSwap::from_pointee(own()),
            difference: ArcSwapOption::empty(),
            waiting: AtomicU64::new(0),
            spawned: AtomicU64::new(0),
            cpu_warnings: AtomicU64::new(0),
            refused_events: AtomicU64::new(0),
            refused_of_workers: AtomicU64::new(0),
            told_panics: AtomicU64::new(0),
            warned: Warned::default(),
            finished: AtomicBool::new(false),
            final_served: AtomicBool::new(false),
        }
    }

    /// Begins anew in this process, which may be the child of one that had begun.
    pub(crate) fn begin_process(&self, setup: Setup) {
        self.setup.store(Arc::new(setup));
        self.observed.store(Arc::default());
        self.run.store(Arc::default());
        self.difference.store(None);
        self.begin_test();
        self.finished.store(false, Ordering::Relaxed);
        self.final_served.store(false, Ordering::Relaxed);
    }

    /// Takes what a worker's master wants recorded in another way, from the next test on.
    pub(crate) fn adopt(&self, settings: Settings) {
        let setup = self.setup.load();
        let mut fresh = Setup::new(settings, setup.role, &setup.version, "");
        fresh.testplan.clone_from(&setup.testplan);
        // All else is of the Locust at hand.
        let recorder::Config { buckets, by_status, bounds, .. } = fresh.recorder;
        fresh.recorder = recorder::Config { buckets, by_status, bounds, ..setup.recorder.clone() };
        self.setup.store(Arc::new(fresh));
    }

    /// What is counted of a test, beside what is recorded, begins again. A reset of the statistics
    /// leaves it.
    pub(crate) fn begin_test(&self) {
        self.spawned.store(0, Ordering::Relaxed);
        self.cpu_warnings.store(0, Ordering::Relaxed);
    }

    pub(crate) fn waiting(&self, users: u64) {
        self.waiting.store(users, Ordering::Relaxed);
    }

    pub(crate) fn spawned(&self, users: u64) {
        self.spawned.fetch_add(users, Ordering::Relaxed);
    }

    pub(crate) fn cpu_warning(&self) {
        self.cpu_warnings.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn refused_event(&self) {
        self.refused_events.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn refused_of_workers(&self, values: u64) {
        self.refused_of_workers.fetch_add(values, Ordering::Relaxed);
    }

    /// What this process alone tells of itself.
    pub(crate) fn process(&self) -> Process {
        Process {
            waiting: self.waiting.load(Ordering::Relaxed),
            spawned: self.spawned.load(Ordering::Relaxed),
            cpu_warnings: self.cpu_warnings.load(Ordering::Relaxed),
        }
    }

    /// From now on the numbers are final.
    pub(crate) fn finish(&self) {
        self.finished.store(true, Ordering::Release);
    }

    pub(crate) fn final_served(&self) -> bool {
        self.final_served.load(Ordering::Acquire)
    }

    /// Begins to count the exporter's own numbers again: a forked process has its parent's.
    pub(crate) fn begin_own(&self) {
        self.own.store(Arc::new(own()));
    }

    /// From the next snapshot on Locust computes its statistics so.
    pub(crate) fn set_locust_settings(&self, settings: &LocustSettings) {
        let mut fresh = Setup::clone(&self.setup.load());
        fresh.recorder.locust = settings.clone();
        self.setup.store(Arc::new(fresh));
    }

    /// Compares what is recorded here with what Locust has counted.
    pub(crate) fn compare(&self, locusts: Counts) {
        let difference = merge::difference(self.reader.counts(), locusts);
        self.difference.store(Some(Arc::new(difference)));
    }

    /// All that is known now.
    pub(crate) fn snapshot(&self, buckets: Buckets) -> Snapshot {
        let Merged { mut snapshot, losses, process, workers, foreign_requests } =
            self.recorded(buckets);
        self.own.load().recorded(&losses);
        let (setup, observed) = (self.setup.load(), self.observed.load());
        snapshot.version = Some(Arc::clone(&setup.version));
        snapshot.host.clone_from(&observed.host);
        let since = snapshot.run.since;
        snapshot.run =
            Run { since, testplan: setup.testplan.clone(), ..Run::clone(&self.run.load()) };
        snapshot.state.clone_from(&observed.state);
        snapshot.workers.clone_from(&observed.workers);
        let waiting = match &mut snapshot.workers {
            Some(known) => complete(known, &workers),
            // Users may have gone since they were counted.
            None => process.waiting.min(observed.users.running.unwrap_or(u64::MAX)),
        };
        snapshot.users = Users {
            waiting: Some(waiting),
            spawned: Some(process.spawned),
            ..observed.users.clone()
        };
        if setup.role == Role::Master {
            let is_foreign = |worker: &&WorkerTotals| worker.is_foreign;
            let workers = workers.iter().filter(is_foreign).count() as u64;
            snapshot.foreign = Some(Foreign { workers, requests: foreign_requests });
        }
        snapshot.difference = self.difference();
        snapshot.tasks = observed.tasks.to_vec();
        snapshot.cpu_warnings = Some(process.cpu_warnings);
        snapshot
    }

    /// What has been recorded: on a master by all processes, else by this one.
    fn recorded(&self, buckets: Buckets) -> Merged {
        let (now, time) = (clock::now(), SystemTime::now());
        match self.own_merger() {
            Some(merger) => merger.snapshot(now, time, buckets),
            None => Merged {
                snapshot: self.reader.snapshot(now, time, buckets),
                losses: self.reader.losses(),
                process: self.process(),
                workers: Vec::new(),
                foreign_requests: 0,
            },
        }
    }

    /// The merger of this process, on a master.
    pub(crate) fn own_merger(&self) -> Option<Arc<Merger>> {
        self.merger.load_full().filter(|merger| merger.is_ours())
    }

    fn difference(&self) -> Option<Difference> {
        match self.own_merger() {
            Some(merger) => merger.difference(),
            None => self.difference.load().as_deref().copied(),
        }
    }

    /// What was rejected, by reason.
    pub(crate) fn rejected(&self) -> Vec<(&'static str, u64)> {
        let own = self.own.load();
        own.recorded(&self.reader.losses());
        self.count_losses(&own);
        own.rejected_counts()
    }

    /// How many names of requests there are, and what was folded; on a master `None` while it is
    /// busy, since Locust's own thread must not wait for it.
    pub(crate) fn names(&self) -> Option<Names> {
        match self.merger.load_full().filter(|merger| merger.is_ours()) {
            Some(merger) => merger.names(),
            None => Some((self.reader.names(), self.reader.losses().folded)),
        }
    }

    /// How many series a scrape has now. It is no scrape, and counts nothing.
    pub(crate) fn series(&self) -> usize {
        let catalog = Arc::clone(&self.setup.load().catalog);
        let sighting = Sighting {
            target: None,
            snapshot: Some(self.snapshot(Buckets::Classic)),
            took: Duration::ZERO,
            collectors: Vec::new(),
        };
        let families = Exposition::new(catalog, Arc::new(own()), vec![Arc::new(sighting)]);
        cardinality::count_series(&families)
    }

    /// Counts a scrape, which what is pushed is not.
    pub(crate) fn scraped(&self) {
        self.own.load().scraped();
    }

    /// The exporter's own numbers.
    pub(crate) fn own(&self) -> Arc<Own> {
        self.own.load_full()
    }

    /// All that is known now, as `catalog` names it; with native buckets where these are shown.
    pub(crate) fn exposition(&self, catalog: Arc<Catalog>, native: bool) -> Exposition {
        let began = Instant::now();
        let own = self.own.load_full();
        let buckets = if native { Buckets::ClassicAndNative } else { Buckets::Classic };
        let mut snapshot = self.snapshot(buckets);
        // What is recorded is within the bounds, and each row there once; not so what was observed.
        own.folded(snapshot.bound_observed(&self.setup.load().recorder.bounds));
        self.count_losses(&own);
        let sighting = Sighting {
            target: None,
            snapshot: Some(snapshot),
            took: began.elapsed(),
            collectors: Vec::new(),
        };
        Exposition::new(catalog, own, vec![Arc::new(sighting)])
    }

    fn count_losses(&self, own: &Own) {
        own.rejected(EVENT, self.refused_events.swap(0, Ordering::Relaxed));
        own.rejected(WORKER, self.refused_of_workers.swap(0, Ordering::Relaxed));
        let panics = guard::panics();
        // Of two scrapes at once, the one that looked first may come here last.
        let told = self.told_panics.fetch_max(panics, Ordering::Relaxed);
        own.rejected(PANIC, panics.saturating_sub(told));
        if let Some(merger) = self.merger.load_full() {
            let (refused, dropped) = merger.losses();
            own.rejected(REPORT, refused);
            own.rejected(REPORT_DROPPED, dropped);
        }
    }
}

/// Adds to the workers what their reports tell, and answers how many of their users wait. Users of
/// a worker are those that Locust knows of: its report may be of another moment.
fn complete(workers: &mut [Worker], reported: &[WorkerTotals]) -> u64 {
    let reported: HashMap<&str, &WorkerTotals> =
        reported.iter().map(|totals| (&*totals.id, totals)).collect();
    let mut waiting: u64 = 0;
    for worker in workers {
        if let Some(totals) = reported.get(&*worker.id) {
            worker.clock_offset = totals.clock_offset.filter(|_| worker.state != State::Missing);
            waiting = waiting.saturating_add(totals.waiting.min(worker.users.unwrap_or(0)));
        }
    }
    waiting
}

/// Counters at 0. Known from the start, so that the first loss is an increase.
fn own() -> Own {
    let own = Own::new(BUILD).beginning(SystemTime::now());
    for reason in [EVENT, PANIC, WORKER, REPORT, REPORT_DROPPED] {
        own.rejected(reason, 0);
    }
    own
}

/// What the server shows.
pub(crate) struct Metrics(pub(crate) Arc<Inside>);

impl Gather for Metrics {
    fn gather(&self, ask: Ask) -> GatherFuture<'_> {
        Box::pin(async move {
            let inside = &self.0;
            inside.scraped();
            let is_final = inside.finished.load(Ordering::Acquire);
            let catalog = Arc::clone(&inside.setup.load().catalog);
            let families = Arc::new(inside.exposition(catalog, ask.native));
            let served = is_final.then(|| {
                let inside = Arc::clone(inside);
                Box::new(move || inside.final_served.store(true, Ordering::Release)) as Served
            });
            Gathered { families, served }
        })
    }
}

/// What is pushed: the same.
impl Source for Metrics {
    fn gather(&self, _: Instant, native: bool) -> SourceFuture<'_> {
        Box::pin(async move {
            let setup = self.0.setup.load_full();
            let families = Arc::new(self.0.exposition(Arc::clone(&setup.catalog), native));
            let run = self.0.run.load();
            let attributes = [("run_id", &run.id), ("testplan", &setup.testplan)];
            let known = attributes
                .into_iter()
                .filter_map(|(key, value)| Some((key, value.as_deref()?.to_owned())));
            push::Gathered { families, resource: known.collect() }
        })
    }
}

impl Setup {
    pub(crate) fn new(settings: Settings, role: Role, version: &str, testplan: &str) -> Self {
        let Settings { schema, catalog, web, recorder, testplan: given, last_scrape_timeout } =
            settings;
        let testplan = given.as_deref().unwrap_or(testplan);
        Self {
            role,
            version: version.into(),
            testplan: (!testplan.is_empty()).then(|| testplan.into()),
            schema,
            catalog: Arc::new(catalog),
            others: Arc::default(),
            web,
            recorder,
            last_scrape_timeout,
        }
    }

    /// The catalog of this configuration, which is made once.
    pub(crate) fn catalog_of(&self, config: &schema::Config) -> Result<Arc<Catalog>, CatalogError> {
        let others = self.others.load();
        if let Some((_, catalog)) = others.iter().find(|(of, _)| of == config) {
            return Ok(Arc::clone(catalog));
        }
        let catalog = Arc::new(Catalog::new(config)?);
        if others.len() < MOST_CATALOGS {
            self.others.rcu(|others| {
                let kept = others.iter().cloned();
                kept.chain([(config.clone(), Arc::clone(&catalog))]).collect::<Vec<_>>()
            });
        }
        Ok(catalog)
    }
}
