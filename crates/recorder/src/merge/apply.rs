//! Taking a report that has been checked: from here on nothing can fail.

use locust_model::{Losses, Text};

use super::Master;
use super::custom::CustomChanges;
use super::failures::{Errors, Exceptions};
use super::incarnation::{Endpoint, Failure, Incarnation};
use super::recent::Times;
use super::rows::{Moment, Rows};
use super::stage::{Change, ErrorChange, ExceptionChange, Staged};
use super::sum::Sum;
use super::texts::Texts;
use crate::book::second;
use crate::report::{Envelope, Head};
use crate::{Config, Counts};

/// What a row of a worker takes beside its texts and an endpoint's numbers.
const ROW_BYTES: usize = 96;

/// A report that has been checked.
pub(super) struct Checked<'a> {
    pub(super) envelope: Envelope,
    pub(super) head: Head,
    pub(super) staged: Staged<'a>,
    /// `None` where a later report of the same process has been taken.
    pub(super) custom: Option<CustomChanges>,
    /// Whether it counts, or is only where counting begins.
    pub(super) counts: bool,
}

/// What the rows do not add up to.
#[derive(Debug, Default)]
pub(super) struct All {
    pub(super) counts: Counts,
    /// When Locust takes the statistics to have begun.
    pub(super) start: f64,
    pub(super) sum: Sum,
    pub(super) last_request: Option<f64>,
    pub(super) times: Times,
    /// Of the test, as the next one.
    pub(super) spawned: u64,
    pub(super) cpu_warnings: u64,
}

impl All {
    /// The statistics begin again.
    pub(super) fn reset(&mut self, now: f64) {
        self.start = now;
        self.times.begin(second(now));
        (self.sum, self.last_request) = (Sum::default(), None);
        self.counts = Counts::default();
    }

    /// Takes when the last request of a report ended, after what it counts has been added.
    pub(super) fn requested(&mut self, last: Option<f64>, window: u64) {
        let Some(last) = last else { return };
        let known = self.last_request.map_or(0, second);
        self.last_request = Some(self.last_request.map_or(last, |known| known.max(last)));
        // As Locust does where the last request is in a new second.
        if second(last) > known {
            self.times.keep(second(last), window);
        }
    }
}

/// Where changes are counted.
struct Counted<'m> {
    config: &'m Config,
    rows: &'m mut Rows,
    errors: &'m mut Errors,
    exceptions: &'m mut Exceptions,
    all: &'m mut All,
    losses: &'m mut Losses,
}

impl Master {
    pub(super) fn apply(&mut self, worker: &str, checked: Checked<'_>, now: f64) {
        let Checked { envelope, head, mut staged, custom, counts } = checked;
        self.taken += 1;
        let node = self.texts.keep(worker.into());
        let worker = self.workers.entry(Text::clone(&node)).or_default();
        worker.is_foreign = false;
        if let Some(custom) = custom
            && let Some(process) = worker.process_mut(envelope.boot, self.taken)
        {
            let is_known = process.sequence > 0;
            let more = process.lives(envelope.sequence, &head, now);
            if counts || is_known {
                add(&mut self.all.spawned, more.spawned);
                add(&mut self.all.cpu_warnings, more.cpu_warnings);
            }
            let lost = process.custom.apply(custom, &mut self.union, &node, &mut self.texts);
            add(&mut self.losses.custom_conflicts, lost.conflicts);
            add(&mut self.losses.custom_series, lost.series);
        }
        let id = (envelope.boot, envelope.incarnation);
        let Some(known) = worker.incarnation_mut(id) else { return };
        for method in staged.methods.drain(..) {
            known.bytes += ROW_BYTES;
            known.methods.push(self.texts.keep_label(method));
        }
        for (status, exception) in staged.outcomes.drain(..) {
            known.bytes += ROW_BYTES;
            known.outcomes.push((status, self.texts.keep_label(exception)));
        }
        take_endpoints(known, &mut staged, &mut self.texts);
        take_failures(known, &mut staged, &mut self.texts);
        let known_now = if head.now.is_finite() { head.now } else { now };
        if counts {
            let not_before = if known.is_whole() { f64::NEG_INFINITY } else { self.begun };
            if known.is_whole() && !staged.endpoints.is_empty() {
                self.since = self.since.min(head.since);
                self.all.start = self.all.start.min(head.since);
            }
            // As Locust does, with every report.
            self.all.start = self.all.start.min(known.counted_since);
            let mut counted = Counted {
                config: &self.config,
                rows: &mut self.rows,
                errors: &mut self.errors,
                exceptions: &mut self.exceptions,
                all: &mut self.all,
                losses: &mut self.losses,
            };
            // Its seconds are those of its own clock.
            let moment = Moment { now: second(known_now), not_before };
            counted.endpoints(known, &staged, moment);
            counted.failures(known, &staged);
            counted.head(&known.head, &head);
        }
        known.head = head;
        known.sequence = envelope.sequence;
        known.touched = self.taken;
        add(&mut self.losses.folded.cut_labels, std::mem::take(&mut self.texts.cut));
        if !counts {
            known.rebase();
        }
    }
}

fn take_endpoints(known: &mut Incarnation, staged: &mut Staged<'_>, texts: &mut Texts) {
    for change in &mut staged.endpoints {
        let numbers: Box<[u8]> = change.numbers.into();
        known.bytes += numbers.len();
        if let Some(endpoint) = known.endpoints.get_mut(change.row) {
            known.bytes -= endpoint.numbers.len();
            endpoint.numbers = numbers;
        } else if let Some(label) = change.label.take() {
            let (method, name) = (label.method, texts.keep_label(label.name));
            known.bytes += ROW_BYTES;
            known.endpoints.push(Endpoint { method, name, place: None, numbers });
        }
    }
}

fn take_failures(known: &mut Incarnation, staged: &mut Staged<'_>, texts: &mut Texts) {
    for change in &mut staged.errors {
        let key = change.label.take().map(|(method, name, error)| {
            known.bytes += ROW_BYTES;
            (texts.keep_label(method), texts.keep_label(name), texts.keep_label(error))
        });
        take_failure(&mut known.errors, change.row, key, change.occurrences);
    }
    for change in &mut staged.exceptions {
        let message = change.message.take().map(|message| {
            known.bytes += ROW_BYTES;
            texts.keep_label(message)
        });
        take_failure(&mut known.exceptions, change.row, message, change.count);
    }
}

fn take_failure<K>(known: &mut Vec<Failure<K>>, row: usize, key: Option<K>, count: u64) {
    if let Some(failure) = known.get_mut(row) {
        failure.count = count;
    } else if let Some(key) = key {
        known.push(Failure { key, count, place: None });
    }
}

impl Counted<'_> {
    fn endpoints(&mut self, known: &mut Incarnation, staged: &Staged<'_>, moment: Moment) {
        for change in staged.endpoints.iter().filter(|change| !change.is_empty()) {
            let Some(endpoint) = known.endpoints.get_mut(change.row) else { continue };
            let place = match (endpoint.place, known.methods.get(endpoint.method)) {
                (Some(place), _) => place,
                (None, Some(method)) => {
                    self.rows.place(method, &endpoint.name, self.config.bounds.names)
                }
                (None, None) => continue,
            };
            endpoint.place = Some(place);
            let lost = self.rows.add(place.row, change, staged, &known.outcomes, moment);
            let folded = &mut self.losses.folded;
            add(&mut folded.names, if place.is_lost { change.requests } else { 0 });
            add(&mut folded.exceptions, lost);
            self.all.counts.add(change.requests, change.failures);
            for distribution in &staged.distributions[change.distributions.clone()] {
                self.all.times.add(&staged.cells[distribution.cells.clone()]);
            }
        }
    }

    fn failures(&mut self, known: &mut Incarnation, staged: &Staged<'_>) {
        let most = self.config.bounds.errors;
        let is_whole = known.is_whole();
        for change in staged.errors.iter().filter(|change| change.more > 0) {
            let Some(error) = known.errors.get_mut(change.row) else { continue };
            let place = *error.place.get_or_insert_with(|| self.errors.place(&error.key, most));
            let first = first_counted(change, is_whole);
            self.errors.add(place.row, change.more, first, change.last_seen);
            add(&mut self.losses.folded.errors, if place.is_lost { change.more } else { 0 });
        }
        for ExceptionChange { row, more, .. } in &staged.exceptions {
            let Some(exception) = known.exceptions.get_mut(*row).filter(|_| *more > 0) else {
                continue;
            };
            let place =
                *exception.place.get_or_insert_with(|| self.exceptions.place(&exception.key, most));
            self.exceptions.add(place.row, *more);
            add(&mut self.losses.folded.exceptions, if place.is_lost { *more } else { 0 });
        }
    }

    fn head(&mut self, old: &Head, new: &Head) {
        let all = &mut *self.all;
        all.sum.add(Sum::change(old.sum, new.sum));
        *self.losses = self.losses.plus(&new.losses.since(&old.losses));
        let last = new.last_request.filter(|last| Some(*last) > old.last_request);
        all.requested(last, self.config.locust.current_window);
    }
}

/// When an error was first seen, of those that are counted. After a reset on the master it is only
/// known that it was after the last report before.
fn first_counted(change: &ErrorChange, is_whole: bool) -> f64 {
    if is_whole || change.more == change.occurrences { change.first_seen } else { change.last_seen }
}

impl Change<'_> {
    fn is_empty(&self) -> bool {
        (self.requests, self.failures, self.without_time) == (0, 0, 0)
            && self.distributions.is_empty()
    }
}

fn add(count: &mut u64, more: u64) {
    *count = count.saturating_add(more);
}
