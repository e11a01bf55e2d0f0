//! The merge: what all workers recorded, put together on their master.
//!
//! The master keeps what each incarnation of a worker's statistics was when it was last reported,
//! as the bytes that came. A newer report says what it is now; the difference is added to the
//! rows of all workers. So a report that comes twice, late or in another order adds nothing
//! wrong, and a reset on the master has only to set the rows to zero: what comes later is again
//! a difference, just as it is in Locust, whose workers send differences.
//!
//! All that is added are whole numbers, floats among them ([`Sum`](sum::Sum)), minima and maxima:
//! the order in which workers' reports come does not matter.

mod apply;
mod custom;
mod failures;
mod foreign;
mod incarnation;
mod notice;
mod recent;
mod rows;
mod stage;
mod sum;
#[cfg(test)]
mod tests;
mod texts;
mod union;
mod worker;

use std::collections::BTreeMap;
use std::time::SystemTime;

use locust_model::{Losses, Snapshot, Text};

use self::apply::{All, Checked};
use self::failures::{Errors, Exceptions};
use self::incarnation::Incarnation;
pub use self::notice::Notice;
use self::rows::Rows;
use self::stage::{Basis, Stage};
use self::texts::Texts;
use self::union::Union;
use self::worker::Worker;
use crate::book::second;
use crate::partition::Partition;
use crate::report::{self, Acknowledgement, Envelope, Head, MetricPart, ReportError, Room};
use crate::snapshot::Maker;
use crate::{
    AllTotals, Buckets, Config, ConfigError, Counts, CustomTotals, LocustReport, LocustSettings,
    Process, Totals, WorkerTotals,
};

/// Bytes that are kept at most: of workers' statistics, and of the rows that they come to.
pub(crate) const MOST_KEPT: usize = 768 << 20;

/// Workers that are known at most; those long gone count.
pub(crate) const MOST_WORKERS: usize = 10_000;

/// Merges what workers report.
#[derive(Debug)]
pub struct Master {
    /// Tells this master from the one before, which the workers may have reported to.
    number: u64,
    config: Config,
    partition: Partition,
    /// When the statistics began or were reset, by the master's clock.
    begun: f64,
    /// The same, or earlier by a worker's clock.
    since: f64,
    rows: Rows,
    errors: Errors,
    exceptions: Exceptions,
    all: All,
    /// Of all workers, since this began; a reset changes nothing in it.
    losses: Losses,
    workers: BTreeMap<Text, Worker>,
    /// Their custom metrics together.
    union: Union,
    texts: Texts,
    stage: Stage,
    /// Reports taken.
    taken: u64,
    /// Bytes of workers' statistics, beside their texts.
    kept: usize,
    /// Whether this came to a test that ran already: what workers report first was counted before.
    is_late: bool,
    /// Requests that are known from Locust's own reports alone, since the statistics began.
    foreign_requests: u64,
}

/// What is to be done with a report.
enum Course {
    /// Nothing: answer that everything is known up to this report.
    Answer(u64),
    /// Take it; whether it counts, or is only where counting begins.
    Take { counts: bool },
}

/// What became of a report of ours, and what to answer.
enum Merged {
    /// It is counted, or was before.
    Counted(Vec<u8>),
    /// Only what comes later counts.
    Base(Vec<u8>),
    /// It goes on from reports that are not known.
    NotUnderstood(Vec<u8>),
}

impl Master {
    /// Knows of no worker yet. Time is in seconds since 1970.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if nothing can be recorded so.
    pub fn new(config: Config, now: f64) -> Result<Self, ConfigError> {
        config.check()?;
        let mut master = Self {
            number: report::number_of(now),
            partition: Partition::new(&config),
            texts: Texts::new(config.bounds.label_bytes),
            config,
            begun: now,
            since: now,
            rows: Rows::default(),
            errors: Errors::default(),
            exceptions: Exceptions::default(),
            all: All::default(),
            losses: Losses::default(),
            workers: BTreeMap::new(),
            union: Union::default(),
            stage: Stage::default(),
            taken: 0,
            kept: 0,
            is_late: false,
            foreign_requests: 0,
        };
        master.all.reset(now);
        Ok(master)
    }

    /// Takes a worker's report. Anything may be in it. Answers what to send to the worker, for its
    /// [`Writer::acknowledged`](crate::Writer::acknowledged): what it need not send again, or that
    /// it has to send everything.
    ///
    /// # Errors
    ///
    /// [`ReportError`] if it was not taken; then nothing has changed.
    pub fn merge(&mut self, worker: &str, report: &[u8], now: f64) -> Result<Vec<u8>, ReportError> {
        self.merge_with(worker, report, None, now)
    }

    /// The same, with what the worker's Locust reports in the same message. That is counted where
    /// our report is refused, cannot be understood without those before it, or only says where
    /// counting begins: because another master, or Locust's own reports, have told what is in it.
    ///
    /// # Errors
    ///
    /// As [`merge`](Self::merge).
    pub fn merge_with(
        &mut self,
        worker: &str,
        report: &[u8],
        locust: Option<&LocustReport>,
        now: f64,
    ) -> Result<Vec<u8>, ReportError> {
        match self.merge_ours(worker, report, now) {
            Ok(Merged::Counted(answer)) => Ok(answer),
            Ok(Merged::Base(answer)) => {
                if let Some(locust) = locust {
                    self.count_locust(locust, now);
                }
                Ok(answer)
            }
            Ok(Merged::NotUnderstood(answer)) => {
                if let Some(locust) = locust {
                    self.merge_locust(worker, locust, now)?;
                }
                Ok(answer)
            }
            Err(error) => {
                if let Some(locust) = locust {
                    // Of two errors that of our report says more.
                    let _ = self.merge_locust(worker, locust, now);
                }
                Err(error)
            }
        }
    }

    fn merge_ours(&mut self, worker: &str, report: &[u8], now: f64) -> Result<Merged, ReportError> {
        let mut from = report::open(report)?;
        let envelope = Envelope::read(&mut from)?;
        let room = self.make_room(report.len())?;
        let id = (envelope.boot, envelope.incarnation);
        let none = Worker::default();
        let known = self.workers.get(worker).unwrap_or(&none);
        let counts = match self.course(known, &envelope) {
            Course::Answer(0) => return Ok(Merged::NotUnderstood(self.answer(id, 0))),
            Course::Answer(has) => return Ok(Merged::Counted(self.answer(id, has))),
            Course::Take { counts } => counts && !known.is_foreign,
        };
        if self.workers.len() >= MOST_WORKERS && !self.workers.contains_key(worker) {
            return Err(ReportError::TooManyWorkers);
        }
        let mut head = Head::read(&mut from)?;
        // As with the counts of such a second: nothing would be current any more. A worker is judged
        // by its own clock, which may differ from the master's.
        head.last_request =
            head.last_request.filter(|last| *last <= head.now + recent::AHEAD as f64);
        let new = Incarnation::new(id);
        let incarnation = known.find(id).unwrap_or(&new);
        let mut unused = Room(room);
        let rows = report::Rows::read(&mut from, incarnation.has(), &mut unused)?;
        let process = known.process(envelope.boot);
        let custom =
            MetricPart::read_all(&mut from, &mut unused, |row| process?.custom.shape(row))?;
        if !from.is_empty() {
            return Err(ReportError::Malformed("its length"));
        }
        if !rows.endpoints.is_empty() {
            self.check_config(&head)?;
        }
        let basis = Basis {
            known: incarnation,
            partition: &self.partition,
            text_chars: self.config.bounds.text_chars,
            room,
        };
        let staged = self.stage.work_out(&envelope, &head, rows, &basis)?;
        let custom = match process {
            Some(process) if process.sequence >= envelope.sequence => None,
            Some(process) => Some(process.custom.check(custom)?),
            None => Some(custom::Metrics::default().check(custom)?),
        };
        let before = self.bytes_of(worker);
        self.apply(worker, Checked { envelope, head, staged, custom, counts }, now);
        self.kept = (self.kept + self.bytes_of(worker)).saturating_sub(before);
        let answer = self.answer(id, envelope.sequence);
        Ok(if counts { Merged::Counted(answer) } else { Merged::Base(answer) })
    }

    /// The statistics are reset on the master, and only there: rows stay and begin again at 0.
    /// Workers go on counting; what they had reported so far counts no more. Users started and
    /// warnings are of the test, and stay.
    pub fn reset(&mut self, now: f64) {
        self.reset_statistics(now);
        self.exceptions.clear();
        for incarnation in self.workers.values_mut().flat_map(|worker| &mut worker.incarnations) {
            incarnation.forget_exceptions();
        }
    }

    /// The same, but exceptions stay, which are no part of Locust's statistics.
    pub fn reset_statistics(&mut self, now: f64) {
        (self.begun, self.since) = (now, now);
        self.rows.reset(now);
        self.errors.clear();
        self.all.reset(now);
        self.foreign_requests = 0;
        for incarnation in self.workers.values_mut().flat_map(|worker| &mut worker.incarnations) {
            incarnation.rebase();
            incarnation.forget_errors();
        }
    }

    /// A new test: rows go. What workers had reported so far counts no more; a late report of what
    /// was the last to be reported still counts from there on.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if nothing can be recorded so; then nothing has changed.
    pub fn begin(&mut self, config: Config, now: f64) -> Result<(), ConfigError> {
        config.check()?;
        self.partition = Partition::new(&config);
        self.texts.label_bytes = config.bounds.label_bytes;
        self.config = config;
        self.is_late = false;
        self.reset(now);
        self.clear_statistics(now);
        (self.all.spawned, self.all.cpu_warnings) = (0, 0);
        Ok(())
    }

    /// From now on Locust computes its statistics so.
    pub fn set_locust_settings(&mut self, settings: LocustSettings) {
        self.config.locust = settings;
    }

    /// As [`reset_statistics`](Self::reset_statistics), but the rows go.
    pub fn clear_statistics(&mut self, now: f64) {
        self.drop_superseded(false);
        self.reset_statistics(now);
        self.rows.clear();
        for incarnation in self.workers.values_mut().flat_map(|worker| &mut worker.incarnations) {
            incarnation.forget_endpoints();
        }
        self.texts.forget();
    }

    /// The worker is missing or has left: its gauges go, its counts stay. If it reports again, it
    /// is back.
    pub fn gone(&mut self, worker: &str) {
        if let Some(worker) = self.workers.get_mut(worker) {
            worker.gone();
        }
    }

    /// What all workers recorded.
    pub fn totals(&self, now: f64) -> Totals {
        Totals {
            since: self.since,
            endpoints: self.rows.totals(),
            errors: self.errors.totals(),
            exceptions: self.exceptions.totals(),
            all: self.all_totals(now),
            custom: self.custom(),
            losses: self.losses,
        }
    }

    /// The same as a [`snapshot`](crate::snapshot()), without a copy of it all between.
    pub fn snapshot(&self, now: f64, time: SystemTime, buckets: Buckets) -> Snapshot {
        let (all, kept_in) = (self.all_totals(now), (&self.partition, buckets));
        let mut maker = Maker::new(
            (&self.config, &self.config.locust),
            kept_in,
            self.since,
            &all,
            self.rows.len(),
        );
        self.rows.each(|method, name, row| maker.put(method, name, row));
        maker.finish(&self.errors.totals(), &self.exceptions.totals(), &self.custom(), time)
    }

    /// Endpoints that there are now.
    pub fn names(&self) -> usize {
        self.rows.len()
    }

    /// What a snapshot does not tell.
    pub fn losses(&self) -> Losses {
        self.losses
    }

    fn all_totals(&self, now: f64) -> AllTotals {
        AllTotals {
            start: self.all.start,
            sum: self.all.sum.get(),
            last_request: self.all.last_request,
            current: self.all.times.current(second(now), self.config.locust.current_window),
        }
    }

    fn custom(&self) -> Vec<CustomTotals> {
        let mut sums = self.union.sums();
        for worker in self.workers.values() {
            worker.add_custom(&mut sums);
        }
        sums.into_totals()
    }

    /// What the workers tell of themselves: users that wait in those that live; users started and
    /// warnings since the test began, in all of them.
    pub fn process(&self) -> Process {
        let living = self.workers.values().filter_map(Worker::living);
        Process {
            waiting: living.fold(0, |sum, process| sum.saturating_add(process.waiting())),
            spawned: self.all.spawned,
            cpu_warnings: self.all.cpu_warnings,
        }
    }

    /// What each living worker tells of itself.
    pub fn workers(&self) -> Vec<WorkerTotals> {
        let totals = |(id, worker): (&Text, &Worker)| {
            let process = worker.living();
            WorkerTotals {
                id: Text::clone(id),
                waiting: process.map_or(0, worker::Process::waiting),
                clock_offset: process.and_then(worker::Process::clock_offset),
                is_foreign: worker.is_foreign,
            }
        };
        self.workers.iter().map(totals).collect()
    }

    /// Requests and failures of all endpoints together.
    pub fn counts(&self) -> Counts {
        self.all.counts
    }

    /// Requests that are known from Locust's own reports alone, since the statistics began.
    pub fn foreign_requests(&self) -> u64 {
        self.foreign_requests
    }

    /// What there is to say of the workers' custom metrics since this was asked last.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        self.union.take_notices()
    }

    fn check_config(&self, head: &Head) -> Result<(), ReportError> {
        if head.buckets != self.config.buckets {
            let ours = self.config.buckets.clone();
            return Err(ReportError::Buckets { theirs: head.buckets.clone(), ours });
        }
        if head.by_status != self.config.by_status {
            return Err(ReportError::ByStatus);
        }
        Ok(())
    }

    /// Bytes that are kept of a worker, and of what all have in common.
    fn bytes_of(&self, worker: &str) -> usize {
        self.union.bytes + self.workers.get(worker).map_or(0, Worker::bytes)
    }

    /// Gives up what workers' later statistics have taken the place of, and if `also_last` those of
    /// workers that are gone.
    fn drop_superseded(&mut self, also_last: bool) {
        for worker in self.workers.values_mut() {
            let before = worker.bytes();
            worker.drop_superseded(also_last);
            self.kept = self.kept.saturating_sub(before - worker.bytes());
        }
    }

    /// Bytes that are kept altogether, about.
    fn bytes(&self) -> usize {
        let rows = self.rows.bytes() + self.errors.bytes() + self.exceptions.bytes();
        self.kept + self.texts.bytes + rows
    }

    /// Gives up what can no longer be needed, if there would be too much with so many bytes more.
    /// Answers how many there may be.
    fn make_room(&mut self, bytes: usize) -> Result<usize, ReportError> {
        if self.bytes().saturating_add(bytes) > MOST_KEPT {
            self.drop_superseded(true);
            self.texts.forget();
        }
        let room = MOST_KEPT.checked_sub(self.bytes()).filter(|room| bytes <= *room);
        room.ok_or(ReportError::NoRoom)
    }

    /// What is to be done with a report of this worker.
    fn course(&self, worker: &Worker, envelope: &Envelope) -> Course {
        let id = (envelope.boot, envelope.incarnation);
        if let Some(known) = worker.find(id) {
            let is_next = known.sequence < envelope.sequence && envelope.base <= known.sequence;
            return if is_next {
                Course::Take { counts: true }
            } else {
                Course::Answer(known.sequence)
            };
        }
        match worker.remembered(id) {
            // Locust had counted it before this came.
            None if self.is_late && worker.is_new() && envelope.base == 0 => {
                Course::Take { counts: false }
            }
            // What it goes on from is not known.
            _ if envelope.base > 0 => Course::Answer(0),
            Some(sequence) if envelope.sequence <= sequence => Course::Answer(0),
            Some(_) => Course::Take { counts: false },
            // What a master before this one had is not shown by this one, nor by its Locust.
            None => Course::Take { counts: [0, self.number].contains(&envelope.master) },
        }
    }

    fn answer(&self, (boot, incarnation): (u64, u64), has: u64) -> Vec<u8> {
        Acknowledgement { boot, incarnation, has, master: self.number }.to_bytes()
    }
}
