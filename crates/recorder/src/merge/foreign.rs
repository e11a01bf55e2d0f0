//! Locust's own reports of workers that carry none of ours: workers without the exporter, and
//! workers in other languages. The master adds what they say exactly as Locust does.

use locust_model::{Text, cut};

use super::Master;
use super::rows::Moment;
use super::stage::{Change, Distribution, Response, Staged};
use super::sum::Sum;
use crate::book::second;
use crate::locust_report::{LocustEntry, LocustError, LocustReport};
use crate::report::ReportError;

/// The outcome of requests of which neither status nor exception is known.
const UNKNOWN: (Option<i64>, &str) = (None, "");
/// Entries and errors that a report has at most.
const MOST_ENTRIES: usize = 1_000_000;
/// Bytes that one entry of Locust's report takes at most, beside its texts and times, about.
const ENTRY_BYTES: usize = 512;

impl Master {
    /// Takes what a worker reports in Locust's own words, where it sends no report of ours: counts,
    /// sums, extremes, bytes, errors, and response times as Locust rounds them.
    ///
    /// # Errors
    ///
    /// [`ReportError`] if it was not taken; then nothing has changed.
    pub fn merge_locust(
        &mut self,
        worker: &str,
        report: &LocustReport,
        now: f64,
    ) -> Result<(), ReportError> {
        self.check_locust(worker, report)?;
        // A worker reports also where it does nothing, and while its exporter has yet to start.
        if report.is_empty() {
            return Ok(());
        }
        let worker = self.texts.keep(worker.into());
        self.workers.entry(worker).or_default().is_foreign = true;
        self.count_locust(report, now);
        Ok(())
    }

    /// Adds what this master's Locust had counted before this began. What the workers that are known
    /// then report counts from there on.
    pub fn absorb(&mut self, report: &LocustReport, now: f64) {
        self.is_late = true;
        self.count_locust(report, now);
        self.all.times.restart(second(now));
    }

    fn check_locust(&mut self, worker: &str, report: &LocustReport) -> Result<(), ReportError> {
        if report.entries.len() > MOST_ENTRIES || report.errors.len() > MOST_ENTRIES {
            return Err(ReportError::NoRoom);
        }
        if self.workers.len() >= super::MOST_WORKERS && !self.workers.contains_key(worker) {
            return Err(ReportError::TooManyWorkers);
        }
        let sums = report.entries.iter().chain([&report.total]).map(|entry| entry.sum);
        if !sums.into_iter().all(f64::is_finite) {
            return Err(ReportError::Malformed("a sum of response times"));
        }
        self.make_room((report.entries.len() + report.errors.len()) * ENTRY_BYTES)?;
        Ok(())
    }

    /// Adds Locust's statistics to the rows of all workers.
    pub(super) fn count_locust(&mut self, report: &LocustReport, now: f64) {
        for entry in report.entries.iter().filter(|entry| !entry.is_empty()) {
            self.count_entry(entry, now);
        }
        for error in report.errors.iter().filter(|error| error.occurrences > 0) {
            self.count_error(error, now);
        }
        self.all.sum.add(Sum::change(0.0, report.total.sum));
        // As Locust's `StatsEntry.extend` does.
        if report.total.start_time > 0.0 {
            self.all.start = self.all.start.min(report.total.start_time);
        }
        self.all.requested(report.total.last_request, self.config.locust.current_window);
    }

    fn count_entry(&mut self, entry: &LocustEntry, now: f64) {
        let method = self.texts.keep(Text::clone(&entry.method));
        let name = self.texts.keep(Text::clone(&entry.name));
        let place = self.rows.place(&method, &name, self.config.bounds.names);
        let times = entry.times_in(&self.partition);
        let since = entry.start_time.clamp(self.begun.min(now), now);
        let (min, max) = if times.cells.is_empty() {
            (f64::INFINITY, f64::NEG_INFINITY)
        } else {
            (entry.min.unwrap_or(f64::INFINITY), entry.max)
        };
        let sum = Sum::change(0.0, times.sum);
        let distribution = Distribution { status: None, sum, cells: 0..times.cells.len() };
        let staged = Staged {
            responses: vec![Response { outcome: 0, requests: entry.requests, since }],
            distributions: vec![distribution],
            cells: times.cells,
            seconds: entry.seconds.clone(),
            ..Staged::default()
        };
        let change = Change {
            row: 0,
            label: None,
            numbers: &[],
            since,
            responses: 0..usize::from(entry.requests > 0),
            distributions: 0..usize::from(!staged.cells.is_empty()),
            seconds: 0..staged.seconds.len(),
            requests: entry.requests,
            without_time: times.untimed,
            failures: entry.failures,
            response_bytes: entry.response_bytes,
            request_bytes: 0,
            sum: Sum::change(0.0, entry.sum),
            min,
            max,
        };
        let outcomes = [(UNKNOWN.0, Text::from(UNKNOWN.1))];
        let moment = Moment { now: second(entry.last_request.unwrap_or(now)), not_before: since };
        let lost = self.rows.add(place.row, &change, &staged, &outcomes, moment);
        self.all.times.add(&staged.cells);
        self.all.counts.add(entry.requests, entry.failures);
        self.foreign_requests = self.foreign_requests.saturating_add(entry.requests);
        let folded = &mut self.losses.folded;
        folded.exceptions = folded.exceptions.saturating_add(lost);
        if place.is_lost {
            folded.names = folded.names.saturating_add(entry.requests);
        }
        self.losses.not_times = self.losses.not_times.saturating_add(times.negative);
    }

    fn count_error(&mut self, error: &LocustError, now: f64) {
        let text = cut(&error.error, self.config.bounds.text_chars);
        let key = (
            self.texts.keep(Text::clone(&error.method)),
            self.texts.keep(Text::clone(&error.name)),
            self.texts.keep(text.into()),
        );
        let place = self.errors.place(&key, self.config.bounds.errors);
        let first = error.first_seen.unwrap_or(now);
        let last = error.last_seen.unwrap_or(now);
        self.errors.add(place.row, error.occurrences, first, last);
        if place.is_lost {
            let folded = &mut self.losses.folded;
            folded.errors = folded.errors.saturating_add(error.occurrences);
        }
    }
}
