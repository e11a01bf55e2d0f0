//! On the master: the thread that merges what workers report. Python hands over bytes, and waits
//! for no report to be merged: for no more than the moment in which the thread takes another one,
//! though that is a longer one where the system gives its processor to another thread just then.

mod log;

use std::collections::{HashSet, VecDeque};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::SystemTime;

use arc_swap::ArcSwapOption;
use locust_model::{Difference, Losses, Snapshot};
use recorder::{
    Buckets, Config, ConfigError, Counts, LocustReport, LocustSettings, Master, Process,
    ReportError, WorkerTotals,
};
use schema::Catalog;

use self::log::Log;
use crate::cardinality::Names;
use crate::thread::spawn_giving_way;
use crate::{clock, guard};

/// The id under which the master reports what it recorded itself: a locustfile may make requests
/// on the master, too. A worker that says it has this id is refused.
const OWN: &str = "master";

/// Bytes of reports that wait at most. Those beyond are dropped: a later one says the same.
const MOST_BYTES: usize = 256 << 20;

/// Reports, and answers to them, that wait at most.
const MOST: usize = 10_000;

/// Merges in a thread of its own, which ends when this is dropped.
pub(crate) struct Merger {
    process: u32,
    line: Arc<Line>,
}

/// What Python's threads, the server's and the merging one have in common. Of its locks no thread
/// ever holds two.
struct Line {
    inbox: Mutex<Inbox>,
    news: Condvar,
    master: Mutex<Master>,
    outbox: Mutex<Outbox>,
    /// Workers whose reports of ours are understood, so that Locust's own need not be read.
    understood: Mutex<HashSet<String>>,
    /// Workers whose last message had no report of ours.
    foreign: Mutex<HashSet<String>>,
    difference: ArcSwapOption<Difference>,
    refused: AtomicU64,
    dropped: AtomicU64,
}

#[derive(Default)]
struct Inbox {
    orders: VecDeque<Order>,
    bytes: usize,
    is_closed: bool,
}

#[derive(Default)]
struct Outbox {
    workers: Vec<(String, Vec<u8>)>,
    own: Vec<Vec<u8>>,
}

/// What all have reported.
pub(crate) struct Merged {
    pub(crate) snapshot: Snapshot,
    pub(crate) losses: Losses,
    pub(crate) process: Process,
    pub(crate) workers: Vec<WorkerTotals>,
    /// Requests that are known from Locust's own reports alone.
    pub(crate) foreign_requests: u64,
}

/// Who reports.
enum Who {
    /// The master itself.
    Own,
    /// The worker that says it has this id.
    Worker(String),
}

/// What to do, in the order in which it happened.
enum Order {
    Report { from: Who, data: Vec<u8>, locust: Option<Box<LocustReport>> },
    Locust { worker: String, report: Box<LocustReport> },
    Absorb { report: Box<LocustReport>, now: f64 },
    Begin { config: Box<Config>, now: f64 },
    Reset { now: f64, keeps_exceptions: bool },
    Clear { now: f64 },
    Settings(Box<LocustSettings>),
    Compare(Counts),
    Gone { worker: String },
    Tell(Sender<()>),
}

impl Merger {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// If nothing can be recorded so, or the system gives no thread.
    pub(crate) fn start(config: Config, catalog: Arc<Catalog>) -> io::Result<Self> {
        let master = Master::new(config, clock::now())
            .map_err(|error: ConfigError| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let line = Arc::new(Line::new(master));
        let works = Arc::clone(&line);
        spawn_giving_way("locust-exporter-merge", move || works.work(catalog))?;
        Ok(Self { process: std::process::id(), line })
    }

    /// Whether this is the merger of this process, and not one that its parent has.
    pub(crate) fn is_ours(&self) -> bool {
        self.process == std::process::id()
    }

    /// Takes a worker's report, and what its Locust reports in the same message.
    pub(crate) fn report(&self, worker: &str, data: &[u8], locust: Option<LocustReport>) {
        lock(&self.line.foreign).remove(worker);
        let (from, data) = (Who::Worker(worker.to_owned()), data.to_owned());
        self.put(Order::Report { from, data, locust: locust.map(Box::new) });
    }

    /// Takes what a worker's Locust reports where the worker sends no report of ours.
    pub(crate) fn locust_report(&self, worker: &str, report: LocustReport) {
        lock(&self.line.foreign).insert(worker.to_owned());
        self.put(Order::Locust { worker: worker.to_owned(), report: Box::new(report) });
    }

    /// Whether Locust's own report may be needed beside the next one of this worker.
    pub(crate) fn wants_locusts(&self, worker: &str) -> bool {
        // The last message may still wait to be merged.
        lock(&self.line.foreign).contains(worker) || !lock(&self.line.understood).contains(worker)
    }

    /// Takes over what this master's Locust has counted already.
    pub(crate) fn absorb(&self, report: Box<LocustReport>, now: f64) {
        lock(&self.line.understood).clear();
        self.put(Order::Absorb { report, now });
    }

    /// Counts a report of Locust's that makes no sense.
    pub(crate) fn refuse(&self) {
        self.line.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes a report of the master itself.
    pub(crate) fn own_report(&self, data: Vec<u8>) {
        self.put(Order::Report { from: Who::Own, data, locust: None });
    }

    /// A test begins.
    pub(crate) fn begin(&self, config: Config, now: f64) {
        self.put(Order::Begin { config: Box::new(config), now });
    }

    /// The statistics are reset.
    pub(crate) fn reset(&self, now: f64, keeps_exceptions: bool) {
        self.put(Order::Reset { now, keeps_exceptions });
    }

    /// The statistics are reset, and their rows go.
    pub(crate) fn clear(&self, now: f64) {
        self.put(Order::Clear { now });
    }

    /// From now on Locust computes its statistics so.
    pub(crate) fn set_locust_settings(&self, settings: LocustSettings) {
        self.put(Order::Settings(Box::new(settings)));
    }

    /// Compares with what Locust has counted now, once all that was put before has been done.
    pub(crate) fn compare(&self, locusts: Counts) {
        self.put(Order::Compare(locusts));
    }

    /// What the last comparison has found.
    pub(crate) fn difference(&self) -> Option<Difference> {
        self.line.difference.load().as_deref().copied()
    }

    /// A worker is missing, or has left.
    pub(crate) fn gone(&self, worker: &str) {
        self.put(Order::Gone { worker: worker.to_owned() });
    }

    /// Hears once all that was put before has been done.
    pub(crate) fn done(&self) -> Receiver<()> {
        let (tell, hear) = channel();
        self.put(Order::Tell(tell));
        hear
    }

    /// What to send to which worker; each is given once.
    pub(crate) fn answers(&self) -> Vec<(String, Vec<u8>)> {
        self.line.take_out(|outbox| &mut outbox.workers)
    }

    /// The answers to the master's own reports; each is given once.
    pub(crate) fn own_answers(&self) -> Vec<Vec<u8>> {
        self.line.take_out(|outbox| &mut outbox.own)
    }

    /// What all have reported.
    pub(crate) fn snapshot(&self, now: f64, time: SystemTime, buckets: Buckets) -> Merged {
        let master = lock(&self.line.master);
        Merged {
            snapshot: master.snapshot(now, time, buckets),
            losses: master.losses(),
            process: master.process(),
            workers: master.workers(),
            foreign_requests: master.foreign_requests(),
        }
    }

    /// Names of requests that all have reported, and what was folded; `None` while reports are
    /// merged.
    pub(crate) fn names(&self) -> Option<Names> {
        let master = match self.line.master.try_lock() {
            Ok(master) => master,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        Some((master.names(), master.losses().folded))
    }

    /// Reports that were refused, and that were dropped, since the last call.
    pub(crate) fn losses(&self) -> (u64, u64) {
        let take = |count: &AtomicU64| count.swap(0, Ordering::Relaxed);
        (take(&self.line.refused), take(&self.line.dropped))
    }

    fn put(&self, order: Order) {
        let mut inbox = lock(&self.line.inbox);
        if let Some(bytes) = order.bytes() {
            if inbox.bytes + bytes > MOST_BYTES || inbox.orders.len() >= MOST {
                self.line.dropped.fetch_add(1, Ordering::Relaxed);
                return;
            }
            inbox.bytes += bytes;
        }
        inbox.orders.push_back(order);
        drop(inbox);
        self.line.news.notify_one();
    }
}

impl Order {
    /// Bytes that it takes while it waits, about; `None` for what is never dropped.
    fn bytes(&self) -> Option<usize> {
        match self {
            Self::Report { data, locust, .. } => {
                Some(data.len() + locust.as_deref().map_or(0, LocustReport::bytes))
            }
            Self::Locust { report, .. } => Some(report.bytes()),
            _ => None,
        }
    }
}

impl Who {
    fn into_id(self) -> String {
        match self {
            Self::Own => OWN.to_owned(),
            Self::Worker(id) => id,
        }
    }
}

impl Drop for Merger {
    fn drop(&mut self) {
        // The lock of a parent's may be held for ever.
        if self.is_ours() {
            lock(&self.line.inbox).is_closed = true;
            self.line.news.notify_one();
        }
    }
}

impl Line {
    fn new(master: Master) -> Self {
        Self {
            inbox: Mutex::default(),
            news: Condvar::new(),
            master: Mutex::new(master),
            outbox: Mutex::default(),
            understood: Mutex::default(),
            foreign: Mutex::default(),
            difference: ArcSwapOption::empty(),
            refused: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        }
    }

    fn work(&self, catalog: Arc<Catalog>) {
        let mut log = Log::new(catalog);
        self.each(|order| self.obey(order, &mut log));
    }

    /// Calls `obey` with every order until all is over. A panic is counted, and costs what it was
    /// called with, but none of those behind it.
    fn each(&self, mut obey: impl FnMut(Order)) {
        while let Some(order) = self.next() {
            guard::quietly(|| obey(order));
        }
    }

    fn obey(&self, order: Order, log: &mut Log) {
        match order {
            Order::Report { from, data, locust } => {
                self.merge(from, &data, locust.as_deref(), log);
            }
            Order::Locust { worker, report } => self.merge_locust(worker, &report, log),
            Order::Absorb { report, now } => lock(&self.master).absorb(&report, now),
            Order::Clear { now } => lock(&self.master).clear_statistics(now),
            Order::Settings(settings) => lock(&self.master).set_locust_settings(*settings),
            Order::Compare(locusts) => self.compare(locusts),
            Order::Begin { config, now } => {
                // The configuration has been checked, by Master::new if not before.
                if let Err(error) = lock(&self.master).begin(*config, now) {
                    tracing::error!(%error, "the merged statistics did not begin again");
                }
            }
            Order::Reset { now, keeps_exceptions } => {
                let mut master = lock(&self.master);
                if keeps_exceptions {
                    master.reset_statistics(now);
                } else {
                    master.reset(now);
                }
            }
            Order::Gone { worker } if worker == OWN => {}
            Order::Gone { worker } => lock(&self.master).gone(&worker),
            // Who asked may no longer wait.
            Order::Tell(tell) => drop(tell.send(())),
        }
    }

    /// The next order; none when all is over.
    fn next(&self) -> Option<Order> {
        let mut inbox = lock(&self.inbox);
        loop {
            if let Some(order) = inbox.orders.pop_front() {
                inbox.bytes -= order.bytes().unwrap_or(0);
                return Some(order);
            }
            if inbox.is_closed {
                return None;
            }
            inbox = self.news.wait(inbox).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes answers of a kind. Where others are put there just now, they are had the next time.
    fn take_out<T>(&self, of_kind: impl FnOnce(&mut Outbox) -> &mut Vec<T>) -> Vec<T> {
        let mut outbox = match self.outbox.try_lock() {
            Ok(outbox) => outbox,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Vec::new(),
        };
        std::mem::take(of_kind(&mut outbox))
    }

    fn merge(&self, from: Who, data: &[u8], locust: Option<&LocustReport>, log: &mut Log) {
        let (merged, notices) = {
            let mut master = lock(&self.master);
            let merged = match &from {
                Who::Own => master.merge(OWN, data, clock::now()),
                Who::Worker(id) if id == OWN => Err(ReportError::Malformed("the worker's id")),
                Who::Worker(id) => master.merge_with(id, data, locust, clock::now()),
            };
            (merged, master.take_notices())
        };
        for notice in notices {
            log.notice(notice);
        }
        match merged {
            Ok(answer) => {
                if let Who::Worker(id) = &from {
                    lock(&self.understood).insert(id.clone());
                }
                let mut outbox = lock(&self.outbox);
                match from {
                    Who::Own => outbox.own.push(answer),
                    Who::Worker(id) if outbox.workers.len() < MOST => {
                        outbox.workers.push((id, answer));
                    }
                    Who::Worker(_) => {}
                }
            }
            Err(error) => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                let id = from.into_id();
                lock(&self.understood).remove(&id);
                log.refusal(id, &error);
            }
        }
    }

    fn merge_locust(&self, worker: String, report: &LocustReport, log: &mut Log) {
        let merged = if worker == OWN {
            Err(ReportError::Malformed("the worker's id"))
        } else {
            lock(&self.master).merge_locust(&worker, report, clock::now())
        };
        if let Err(error) = merged {
            self.refused.fetch_add(1, Ordering::Relaxed);
            log.refusal(worker, &error);
        }
    }

    fn compare(&self, locusts: Counts) {
        let difference = difference(lock(&self.master).counts(), locusts);
        self.difference.store(Some(Arc::new(difference)));
    }
}

/// Exported totals less Locust's own.
pub(crate) fn difference(exported: Counts, locusts: Counts) -> Difference {
    Difference {
        requests: exported.requests.wrapping_sub(locusts.requests).cast_signed(),
        failures: exported.failures.wrapping_sub(locusts.failures).cast_signed(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What a panic leaves behind are counts: none of them can be unsound.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// It took the place of what the master recorded itself.
    #[test]
    fn a_worker_that_calls_itself_master_is_refused() {
        let line = Line::new(Master::new(Config::default(), 0.0).unwrap());
        let catalog = Catalog::new(&schema::Config::default()).unwrap();
        let mut log = Log::new(Arc::new(catalog));
        let (mut own, _) = recorder::recorder(Config::default(), 1.0).unwrap();
        let (mut worker, _) = recorder::recorder(Config::default(), 1.0).unwrap();
        let mut tell = |from, writer: &mut recorder::Writer, spawned| {
            let process = Process { spawned, ..Process::default() };
            let data = writer.report(&process, 1.0, true);
            line.obey(Order::Report { from, data, locust: None }, &mut log);
        };
        tell(Who::Own, &mut own, 1);
        tell(Who::Worker(OWN.to_owned()), &mut worker, 2);
        tell(Who::Worker("worker".to_owned()), &mut worker, 4);
        let outbox = lock(&line.outbox);
        assert_eq!((outbox.own.len(), outbox.workers.len()), (1, 1));
        assert_eq!(line.refused.load(Ordering::Relaxed), 1);
        assert_eq!(lock(&line.master).process().spawned, 5);
    }

    /// Where the merge lagged behind, what was in its next message was lost.
    #[test]
    fn a_report_behind_one_of_locusts_alone_is_taken_with_locusts_whatever_is_merged_by_then() {
        let line = Arc::new(Line::new(Master::new(Config::default(), 0.0).unwrap()));
        let merger = Merger { process: std::process::id(), line: Arc::clone(&line) };
        let catalog = Catalog::new(&schema::Config::default()).unwrap();
        let mut log = Log::new(Arc::new(catalog));
        let (mut worker, _) = recorder::recorder(Config::default(), 1.0).unwrap();
        let mut report = || worker.report(&Process::default(), 1.0, true);
        assert!(merger.wants_locusts("w"), "it is new");
        merger.report("w", &report(), None);
        merger.locust_report("w", LocustReport::default());
        let order = line.next().unwrap();
        line.obey(order, &mut log);
        assert!(merger.wants_locusts("w"), "the second message waits");
        merger.report("w", &report(), Some(LocustReport::default()));
        assert!(!merger.wants_locusts("w"), "the first one was understood");
    }

    #[test]
    fn a_panic_costs_one_order_and_not_those_behind_it() {
        let line = Line::new(Master::new(Config::default(), 0.0).unwrap());
        let worker = |name: &str| Order::Gone { worker: name.to_owned() };
        lock(&line.inbox).orders.extend([worker("bad"), worker("good")]);
        lock(&line.inbox).is_closed = true;
        let before = guard::panics();
        guard::install();
        let mut obeyed = Vec::new();
        line.each(|order| {
            let Order::Gone { worker } = order else { return };
            assert_ne!(worker, "bad", "on purpose");
            obeyed.push(worker);
        });
        assert_eq!(obeyed, ["good"]);
        assert!(guard::panics() > before);
    }
}
