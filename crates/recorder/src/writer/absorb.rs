//! Taking over what Locust's own statistics have counted and the recorder has not.

use super::{ERROR_SHIFT, SERIES_SHIFT, Writer};
use crate::index::Series;
use crate::locust_report::{EntryTimes, LocustEntry, LocustError, LocustReport};
use crate::{Key, SeriesId};

impl Writer {
    /// Adds Locust's own statistics to what is recorded, as requests without a status and an
    /// exception. For a recorder that comes to a test that runs already, or whose statistics were
    /// reset unnoticed; `now` is in seconds since 1970.
    ///
    /// The response times of before are not among the current ones.
    pub fn absorb(&mut self, report: &LocustReport, now: f64) {
        for entry in report.entries.iter().filter(|entry| !entry.is_empty()) {
            self.absorb_entry(entry, now);
        }
        for error in &report.errors {
            self.absorb_error(error, now);
        }
        let all = &self.book.all;
        all.sum.add(report.total.sum);
        if let Some(last) = report.total.last_request
            && all.last_request.get().max(last) <= last
        {
            all.last_request.set(last);
        }
        all.recent.restart(crate::book::second(now));
    }

    fn absorb_entry(&mut self, entry: &LocustEntry, now: f64) {
        let series = self.series_of(&entry.method, &entry.name, now);
        let book = &*self.book;
        let Some(to) = self.index.series((series.0 >> SERIES_SHIFT) as usize) else { return };
        let times = entry.times_in(&book.partition);
        to.add(entry, &times);
        book.all.requests.add(entry.requests);
        book.all.failures.add(entry.failures);
        book.not_times.add(times.negative);
        for &(cell, count) in &times.cells {
            book.all.recent.add(cell, count);
        }
        if series.0 & super::NAME_FOLDED != 0 {
            book.folds.names.add(entry.requests);
        }
    }

    fn absorb_error(&mut self, error: &LocustError, now: f64) {
        if error.occurrences == 0 {
            return;
        }
        let series = self.series_of(&error.method, &error.name, now);
        let id = self.error(series, &error.error, error.first_seen.unwrap_or(now));
        if let Some(failure) = self.index.failure((id.0 >> ERROR_SHIFT) as usize) {
            failure.occurred_often(error.occurrences, error.last_seen.unwrap_or(now));
        }
        if id.0 & super::TEXT_FOLDED != 0 {
            self.book.folds.errors.add(error.occurrences);
        }
    }

    /// The series of requests of which neither status nor exception is known.
    fn series_of(&mut self, method: &str, name: &str, now: f64) -> SeriesId {
        self.series(&Key { method, name, status: None, exception: "" }, now)
    }
}

impl Series {
    fn add(&self, entry: &LocustEntry, times: &EntryTimes) {
        let (hot, outcome) = (&self.endpoint.hot, &*self.outcome);
        hot.events.begin();
        outcome.requests.add(entry.requests);
        outcome.sum.add(times.sum);
        for &(cell, count) in &times.cells {
            self.times.cells.add(cell, count);
        }
        if !times.cells.is_empty() {
            let (least, greatest) = (entry.min.unwrap_or(0.0), entry.max);
            hot.min.set(hot.min.get().min(least));
            hot.max.set(hot.max.get().max(greatest));
            outcome.least.set(outcome.least.get().min(least));
            outcome.greatest.set(outcome.greatest.get().max(greatest));
        }
        hot.sum.add(entry.sum);
        hot.without_time.add(times.untimed);
        hot.failures.add(entry.failures);
        hot.response_bytes.add(entry.response_bytes);
        for second in &entry.seconds {
            self.endpoint.seconds.add(*second);
        }
        hot.events.end();
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::{Buckets, Config, Counts, Request, Second, recorder};

    fn entry(name: &str, requests: u64) -> LocustEntry {
        LocustEntry {
            method: "GET".into(),
            name: name.into(),
            start_time: 1_000.0,
            last_request: Some(1_004.5),
            requests,
            failures: 1,
            sum: 123.5 * requests as f64,
            min: Some(100.25),
            max: 147.0,
            response_bytes: 10 * requests,
            times: vec![(120.0, requests)],
            seconds: vec![Second { second: 1_002, requests: 3, failures: 1 }],
        }
    }

    /// Requests that were made before the exporter came were missing for good.
    #[test]
    fn what_locust_counted_before_is_added_to_what_is_recorded() {
        let (mut writer, reader) = recorder(Config::default(), 1_010.0).unwrap();
        let error = LocustError {
            method: "GET".into(),
            name: "/a".into(),
            error: "timeout".into(),
            occurrences: 2,
            first_seen: None,
            last_seen: Some(1_004.0),
        };
        let total = LocustEntry { sum: 370.5, last_request: Some(1_004.5), ..entry("", 3) };
        let report = LocustReport { entries: vec![entry("/a", 3)], total, errors: vec![error] };
        let key = Key { method: "GET", name: "/a", status: Some(200), exception: "" };
        let series = writer.series(&key, 1_010.0);
        let request =
            Request { time: Some(90.0), response_bytes: 7, request_bytes: 0, now: 1_010.0 };
        writer.request(series, &request);
        writer.absorb(&report, 1_011.0);
        let snapshot = reader.snapshot(1_012.0, SystemTime::UNIX_EPOCH, Buckets::Classic);
        let row = &snapshot.endpoints[0];
        assert_eq!((row.requests, row.failures), (Some(4), Some(1)));
        assert_eq!(row.avg.map(locust_model::Millis::millis), Some((370.5 + 90.0) / 4.0));
        assert_eq!(row.min.map(locust_model::Millis::millis), Some(90.0));
        assert_eq!(row.max.map(locust_model::Millis::millis), Some(147.0));
        assert_eq!(row.response_bytes, Some(37));
        assert_eq!(snapshot.errors[0].occurrences, 2);
        assert_eq!(snapshot.total.unwrap().requests, Some(4));
        assert_eq!(reader.counts(), Counts { requests: 4, failures: 1 });
        let unknown = snapshot.responses.unwrap();
        assert_eq!(unknown.iter().map(|row| row.requests).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(reader.totals(1_012.0).all.last_request, Some(1_010.0));
    }
}
