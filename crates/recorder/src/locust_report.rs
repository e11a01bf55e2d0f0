//! Locust's own statistics, as it serializes them (`StatsEntry.serialize`, `StatsError.serialize`):
//! what every worker sends its master, and what a runner's statistics say at any time.
//!
//! They know neither statuses nor exceptions, and response times only as Locust rounds them.

use locust_model::Text;

use crate::Second;
use crate::partition::{NEGATIVE, Partition};

/// Statistics as Locust serializes them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LocustReport {
    /// One for each (method, name).
    pub entries: Vec<LocustEntry>,
    /// The row of all requests together.
    pub total: LocustEntry,
    /// Failed requests by (method, name, error).
    pub errors: Vec<LocustError>,
}

/// A `StatsEntry`. Response times are in milliseconds, times of day in seconds since 1970.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LocustEntry {
    /// Its method; empty where there is none.
    pub method: Text,
    /// Its name.
    pub name: Text,
    /// When it began to count.
    pub start_time: f64,
    /// When its last request ended.
    pub last_request: Option<f64>,
    /// Requests, with and without a response time.
    pub requests: u64,
    /// Failed requests.
    pub failures: u64,
    /// Sum of the response times.
    pub sum: f64,
    /// The least response time.
    pub min: Option<f64>,
    /// The greatest response time; Locust starts from 0.
    pub max: f64,
    /// Bytes of response bodies.
    pub response_bytes: u64,
    /// Counts by rounded response time.
    pub times: Vec<(f64, u64)>,
    /// Requests and failures by second.
    pub seconds: Vec<Second>,
}

/// A `StatsError`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LocustError {
    /// The endpoint's method.
    pub method: Text,
    /// The endpoint's name.
    pub name: Text,
    /// The error's text.
    pub error: Text,
    /// How often it occurred.
    pub occurrences: u64,
    /// When it was first seen; Locust before 2.44 does not know.
    pub first_seen: Option<f64>,
    /// When it was last seen.
    pub last_seen: Option<f64>,
}

/// Response times of an entry, by cell of a partition.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct EntryTimes {
    /// Ascending cells; no count is 0.
    pub(crate) cells: Vec<(u16, u64)>,
    /// Sum of the times that a histogram holds: negative ones are in none.
    pub(crate) sum: f64,
    /// Requests without a time.
    pub(crate) untimed: u64,
    /// Times that are negative.
    pub(crate) negative: u64,
}

impl LocustReport {
    /// Bytes that it takes, about.
    pub fn bytes(&self) -> usize {
        let entry = |entry: &LocustEntry| {
            size_of::<LocustEntry>()
                + entry.name.len()
                + size_of_val(&*entry.times)
                + size_of_val(&*entry.seconds)
        };
        let error = |error: &LocustError| size_of::<LocustError>() + error.error.len();
        self.entries.iter().map(entry).sum::<usize>() + self.errors.iter().map(error).sum::<usize>()
    }

    /// Whether it has neither requests nor failures.
    pub fn is_empty(&self) -> bool {
        self.total.is_empty()
            && self.errors.is_empty()
            && self.entries.iter().all(LocustEntry::is_empty)
    }
}

impl LocustEntry {
    /// Whether it has neither requests nor failures.
    pub(crate) fn is_empty(&self) -> bool {
        self.requests == 0 && self.failures == 0
    }

    /// Its response times by cell. Requests that are in no time are those without one, so that the
    /// number of requests is Locust's whatever the times add up to.
    pub(crate) fn times_in(&self, partition: &Partition) -> EntryTimes {
        let mut times = EntryTimes { sum: self.sum, ..EntryTimes::default() };
        let mut counted: u64 = 0;
        for &(millis, count) in
            self.times.iter().filter(|(millis, count)| millis.is_finite() && *count > 0)
        {
            let count = count.min(self.requests.saturating_sub(counted));
            counted += count;
            let cell = partition.cell(millis);
            if cell == NEGATIVE {
                times.negative += count;
                times.sum -= millis * count as f64;
            }
            times.cells.push((cell, count));
        }
        times.untimed = self.requests - counted;
        times.cells.sort_unstable_by_key(|&(cell, _)| cell);
        times.cells.dedup_by(|next, kept| {
            let is_same = next.0 == kept.0;
            kept.1 += if is_same { next.1 } else { 0 };
            is_same
        });
        times.cells.retain(|&(_, count)| count > 0);
        times
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    #[test]
    fn requests_stay_locusts_whatever_the_times_add_up_to() {
        let partition = Partition::new(&Config::default());
        let entry = |requests, times: &[(f64, u64)]| {
            let entry = LocustEntry { requests, times: times.to_vec(), ..LocustEntry::default() };
            let times = entry.times_in(&partition);
            let with_a_time: u64 = times.cells.iter().map(|&(_, count)| count).sum();
            (with_a_time, times.untimed)
        };
        assert_eq!(entry(5, &[(10.0, 3)]), (3, 2));
        assert_eq!(entry(5, &[(10.0, 3), (20.0, 2)]), (5, 0));
        assert_eq!(entry(5, &[(10.0, 3), (20.0, 9)]), (5, 0), "too many times");
        assert_eq!(entry(5, &[(f64::NAN, 3), (f64::INFINITY, 1)]), (0, 5));
    }

    #[test]
    fn times_of_one_cell_are_added_and_negative_ones_are_in_no_sum() {
        let partition = Partition::new(&Config::default());
        let times = vec![(20_000_000.0, 2), (-3.0, 1), (20_000_100.0, 4), (10.0, 1)];
        let entry = LocustEntry { requests: 8, sum: 1_007.0, times, ..LocustEntry::default() };
        let times = entry.times_in(&partition);
        assert_eq!(times.cells.first(), Some(&(NEGATIVE, 1)));
        assert_eq!(times.cells.iter().map(|&(_, count)| count).collect::<Vec<_>>(), [1, 1, 6]);
        assert_eq!((times.sum, times.negative), (1_010.0, 1));
    }
}
