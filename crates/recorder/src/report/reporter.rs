//! The maker of reports: knows what the master has.

use std::collections::HashSet;

use locust_model::Text;

use super::Head;
use super::bytes::put_text;
use super::custom::TrackedCustom;
use super::envelope::{Acknowledgement, Envelope, number_of, seal};
use super::numbers;
use super::rows::{Extremes, RowWriter, put_outcome, put_table};
use super::tracked::{Mark, Marks, Table};
use crate::near;
use crate::view::View;
use crate::{EndpointTotals, Process, Writer};

impl Writer {
    /// On a worker: what the master may not have yet, or everything if `full`; every tenth report
    /// tells everything. Send each once; none needs to arrive.
    pub fn report(&mut self, process: &Process, now: f64, full: bool) -> Vec<u8> {
        let view = self.view();
        self.reporter.report(&view, process, now, full)
    }

    /// On a worker: takes what [`Master::merge`](crate::Master::merge) answered to a report, so that
    /// the next ones can be short. What is not such an answer, or is no longer of use, changes
    /// nothing.
    ///
    /// Answers whether the master has a report that was wanted `full`, as all since then were.
    pub fn acknowledged(&mut self, answer: &[u8]) -> bool {
        self.reporter.acknowledged(answer)
    }
}

/// Every report of this number is a full one.
const FULL_EVERY: u64 = 10;

const NO_EXTREMES: (f64, f64) = (f64::INFINITY, f64::NEG_INFINITY);

/// Makes the reports of one process.
#[derive(Debug, Default)]
pub(crate) struct Reporter {
    /// This process; set with its first report, so that a fork has its own.
    boot: Option<u64>,
    incarnation: u64,
    /// Number of the last report.
    sequence: u64,
    /// The last one that the master is known to have.
    acknowledged: u64,
    /// The master that has had some of the present statistics; 0 where none is known to.
    master: u64,
    /// Since which one all are wanted full, if the last one was.
    full_from: Option<u64>,
    extremes_from: u64,
    endpoints: Vec<Tracked>,
    methods: Table<Text>,
    outcomes: Table<(Option<i64>, Text)>,
    errors: Marks<u64>,
    /// Places of errors by their numbers.
    error_places: Vec<usize>,
    told_errors: HashSet<usize>,
    exceptions: Marks<u64>,
    custom: TrackedCustom,
    scratch: Scratch,
}

/// Of one endpoint.
#[derive(Debug)]
struct Tracked {
    /// How much had been recorded.
    mark: Mark<u64>,
    /// Its method's number, once it has been told.
    method: Option<u64>,
    /// Numbers of its responses' outcomes.
    outcomes: Vec<u64>,
    extremes: (f64, f64),
    extremes_from: u64,
}

/// Memory that is used again.
#[derive(Debug, Default)]
struct Scratch {
    endpoint: EndpointTotals,
    numbers: Vec<u8>,
    told: Vec<usize>,
    rows: Vec<u8>,
}

impl Reporter {
    /// A report of everything that the master may not have, or of everything.
    pub(crate) fn report(
        &mut self,
        view: &View,
        process: &Process,
        now: f64,
        full: bool,
    ) -> Vec<u8> {
        let boot = *self.boot.get_or_insert_with(|| number_of(now));
        let incarnation = view.generation();
        if incarnation != self.incarnation || self.sequence == 0 {
            self.begin(incarnation);
        }
        self.sequence += 1;
        self.full_from = full.then(|| self.full_from.unwrap_or(self.sequence));
        let is_full = full || self.sequence.is_multiple_of(FULL_EVERY);
        let envelope = Envelope {
            boot,
            incarnation,
            sequence: self.sequence,
            base: if is_full { 0 } else { self.acknowledged },
            extremes_from: self.extremes_from,
            master: self.master,
        };
        let mut rows = std::mem::take(&mut self.scratch.rows);
        rows.clear();
        self.put_endpoints(view, &envelope, &mut rows);
        self.put_errors(view, &envelope, &mut rows);
        self.put_exceptions(view, &envelope, &mut rows);
        self.custom.put(view, &envelope, &mut rows);

        let mut out = Vec::with_capacity(rows.len() + 4096);
        envelope.put(&mut out);
        Head::put(view, process, now, &mut out);
        put_table(self.methods.new_since(envelope.base), &mut out, |method, out| {
            put_text(out, method);
        });
        put_table(self.outcomes.new_since(envelope.base), &mut out, put_outcome);
        out.extend_from_slice(&rows);
        self.scratch.rows = rows;
        seal(&mut out);
        out
    }

    /// Takes the master's answer. One that is none, or that is not for this process and its
    /// present statistics, is of no use. Answers whether it is for one that was wanted full, as all
    /// since then.
    pub(crate) fn acknowledged(&mut self, bytes: &[u8]) -> bool {
        let Ok(answer) = Acknowledgement::from_bytes(bytes) else { return false };
        if Some(answer.boot) != self.boot
            || answer.incarnation != self.incarnation
            || answer.has > self.sequence
        {
            return false;
        }
        // It may be less than before: the master may have begun anew.
        self.acknowledged = answer.has;
        if answer.has > 0 {
            self.master = answer.master;
        }
        if answer.has == self.sequence {
            self.extremes_from = answer.has;
        }
        self.full_from.is_some_and(|full| answer.has >= full)
    }

    fn begin(&mut self, incarnation: u64) {
        self.incarnation = incarnation;
        self.acknowledged = 0;
        self.master = 0;
        self.full_from = None;
        self.extremes_from = self.sequence;
        self.endpoints.clear();
        self.methods.clear();
        self.outcomes.clear();
        self.errors.clear();
        self.error_places.clear();
        self.told_errors.clear();
        self.exceptions.clear();
    }

    fn put_endpoints(&mut self, view: &View, envelope: &Envelope, out: &mut Vec<u8>) {
        let mut rows = RowWriter::new(out);
        let mut before = Text::default();
        let mut told = std::mem::take(&mut self.scratch.told);
        let count = view.endpoints();
        for first in (0..count).step_by(near::ROWS) {
            told.clear();
            for row in first..count.min(first + near::ROWS) {
                if self.has_to_tell(row, view, envelope) {
                    told.push(row);
                }
            }
            view.bring_near(told.iter().copied());
            for &row in &told {
                self.put_endpoint(row, view, envelope, &mut before, &mut rows);
            }
        }
        self.scratch.told = told;
        rows.end();
    }

    /// Takes note of an endpoint; those before it have been looked at. Answers whether the master
    /// may not have it as it is.
    fn has_to_tell(&mut self, row: usize, view: &View, envelope: &Envelope) -> bool {
        let events = view.endpoint_events(row);
        if row < self.endpoints.len() {
            self.endpoints[row].mark.see(events, envelope.sequence);
        } else {
            self.endpoints.push(Tracked::new(Mark::new(events, envelope.sequence)));
        }
        self.endpoints[row].mark.has_changed_since(envelope.base)
    }

    fn put_endpoint(
        &mut self,
        row: usize,
        view: &View,
        envelope: &Envelope,
        before: &mut Text,
        rows: &mut RowWriter<'_>,
    ) {
        let Scratch { endpoint, numbers, .. } = &mut self.scratch;
        let tracked = &mut self.endpoints[row];
        let Some((method, name)) = view.endpoint_texts(row) else { return };
        if tracked.mark.has_changed_in(envelope.sequence) {
            tracked.fold(view.take_extremes(row), envelope.extremes_from);
        }
        view.endpoint_into(row, endpoint);
        for response in endpoint.responses.iter().skip(tracked.outcomes.len()) {
            let outcome = (response.status, Text::clone(&response.exception));
            tracked.outcomes.push(self.outcomes.number(&outcome, envelope.sequence));
        }
        numbers.clear();
        numbers::encode(endpoint, &tracked.outcomes, view.since(), numbers);
        let is_new = tracked.mark.is_new_since(envelope.base);
        let label = is_new.then(|| {
            let number = || self.methods.number(method, envelope.sequence);
            let method = *tracked.method.get_or_insert_with(number);
            (method, &**name, &**before)
        });
        let extremes = tracked.extremes(endpoint, envelope.extremes_from);
        rows.endpoint(row, label, extremes, numbers);
        if is_new {
            before.clone_from(name);
        }
    }

    fn put_errors(&mut self, view: &View, envelope: &Envelope, out: &mut Vec<u8>) {
        let mut rows = RowWriter::new(out);
        // One that has not occurred yet gets its number later.
        for place in 0..view.errors() {
            if view.error_events(place) > 0 && self.told_errors.insert(place) {
                self.error_places.push(place);
            }
        }
        for (row, &place) in self.error_places.iter().enumerate() {
            let mark = self.errors.see(row, view.error_events(place), envelope.sequence);
            if !mark.has_changed_since(envelope.base) {
                continue;
            }
            let Some(error) = view.error(place) else { continue };
            let is_new = mark.is_new_since(envelope.base);
            rows.row(row, is_new);
            if is_new {
                let method = self.methods.number(&error.method, envelope.sequence);
                rows.error_label(method, &error);
            }
            rows.error(&error);
        }
        rows.end();
    }

    fn put_exceptions(&mut self, view: &View, envelope: &Envelope, out: &mut Vec<u8>) {
        let mut rows = RowWriter::new(out);
        for row in 0..view.exceptions() {
            let mark = self.exceptions.see(row, view.exception_events(row), envelope.sequence);
            if mark.has_changed_since(envelope.base)
                && let Some(exception) = view.exception(row)
            {
                let message = mark.is_new_since(envelope.base).then_some(&*exception.message);
                rows.exception(row, message, exception.count);
            }
        }
        rows.end();
    }
}

impl Tracked {
    fn new(mark: Mark<u64>) -> Self {
        let outcomes = Vec::new();
        Self { mark, method: None, outcomes, extremes: NO_EXTREMES, extremes_from: 0 }
    }

    /// Takes extremes that are later than those it has.
    fn fold(&mut self, (min, max): (f64, f64), from: u64) {
        if self.extremes_from != from {
            self.extremes = NO_EXTREMES;
            self.extremes_from = from;
        }
        self.extremes = (self.extremes.0.min(min), self.extremes.1.max(max));
    }

    fn extremes(&self, endpoint: &EndpointTotals, from: u64) -> Extremes {
        let (min, max) = self.extremes;
        if self.extremes_from != from || (min, max) == NO_EXTREMES {
            Extremes::None
        } else if (min, max) == (endpoint.min, endpoint.max) {
            Extremes::Same
        } else {
            Extremes::Own(min, max)
        }
    }
}
