//! Locust's own statistics: the formulas of `StatsEntry`.

use std::ops::Range;

use locust_model::{Millis, Percentile};

use super::cells::Times;
use crate::book::second;
use crate::partition::Partition;
use crate::{EndpointTotals, Formulas, Second};

/// What Locust's rates are relative to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    /// When the statistics began to count.
    pub(super) start: f64,
    /// When the last of all requests was recorded.
    pub(super) last_request: Option<f64>,
}

/// Requests and failures a second.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Current {
    pub(super) requests: f64,
    pub(super) failures: f64,
}

/// Requests and failures in the seconds that the rates are of.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Recent {
    requests: u64,
    failures: u64,
}

impl Recent {
    pub(super) fn add(&mut self, more: Self) {
        self.requests += more.requests;
        self.failures += more.failures;
    }
}

impl Clock {
    /// The ten seconds that ended two seconds before the last request.
    fn window(&self) -> Range<u64> {
        let Some(last) = self.last_request else { return 0..0 };
        let begin = second(last).saturating_sub(12).max(second(self.start));
        begin..second(last).saturating_sub(2)
    }

    /// What happened in them.
    pub(super) fn recent(&self, seconds: &[Second]) -> Recent {
        let window = self.window();
        let mut recent = Recent::default();
        for at in seconds.iter().filter(|at| window.contains(&at.second)) {
            recent.add(Recent { requests: at.requests.into(), failures: at.failures.into() });
        }
        recent
    }

    /// The rates over them.
    pub(super) fn current(&self, recent: Recent) -> Current {
        let window = self.window();
        let length = window.end.saturating_sub(window.start).max(1) as f64;
        Current {
            requests: recent.requests as f64 / length,
            failures: recent.failures as f64 / length,
        }
    }
}

/// What a `StatsEntry` knows beside its times.
#[derive(Clone, Copy, Debug)]
pub(super) struct Statistics {
    pub(super) without_time: u64,
    pub(super) failures: u64,
    pub(super) sum: f64,
    pub(super) min: f64,
    pub(super) max: f64,
    pub(super) response_bytes: u64,
    pub(super) request_bytes: u64,
    pub(super) current: Current,
}

impl Default for Statistics {
    fn default() -> Self {
        Self {
            without_time: 0,
            failures: 0,
            sum: 0.0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            response_bytes: 0,
            request_bytes: 0,
            current: Current::default(),
        }
    }
}

impl Statistics {
    /// Those of an endpoint, without its rates.
    pub(super) fn of(row: &EndpointTotals) -> Self {
        let mut statistics = Self::default();
        statistics.add(row);
        Self { sum: row.sum, ..statistics }
    }

    /// Adds those of an endpoint, but not the sum of its times: in which order these came is only
    /// known of the endpoint and of the whole.
    pub(super) fn add(&mut self, row: &EndpointTotals) {
        self.without_time = self.without_time.saturating_add(row.without_time);
        self.failures = self.failures.saturating_add(row.failures);
        self.min = self.min.min(row.min);
        self.max = self.max.max(row.max);
        self.response_bytes = self.response_bytes.saturating_add(row.response_bytes);
        self.request_bytes = self.request_bytes.saturating_add(row.request_bytes);
    }

    pub(super) fn requests(&self, times: Times<'_>) -> u64 {
        times.count.saturating_add(self.without_time)
    }

    pub(super) fn fail_ratio(&self, times: Times<'_>) -> f64 {
        match (self.requests(times), self.failures) {
            (0, 0) => 0.0,
            (0, _) => 1.0,
            (requests, failures) => failures as f64 / requests as f64,
        }
    }

    pub(super) fn average(&self, times: Times<'_>) -> f64 {
        ratio(self.sum, times.count)
    }

    pub(super) fn average_length(&self, times: Times<'_>) -> f64 {
        ratio(self.response_bytes as f64, self.requests(times))
    }

    pub(super) fn min(&self, times: Times<'_>) -> f64 {
        if times.count == 0 { 0.0 } else { self.min }
    }

    /// Locust begins at 0.
    pub(super) fn max(&self) -> f64 {
        self.max.max(0.0)
    }

    /// The least and the greatest time that there was.
    pub(super) fn extremes(&self) -> (f64, f64) {
        (self.min, self.max)
    }

    /// The middle one of the rounded times is at most the greatest and at least the least, which
    /// are not rounded.
    pub(super) fn median(
        &self,
        times: Times<'_>,
        formulas: Formulas,
        partition: &Partition,
    ) -> f64 {
        if times.count == 0 {
            return 0.0;
        }
        let median = if formulas.lower_median {
            times.lower_median(self.extremes(), partition)
        } else {
            times.percentile(0.5, self.extremes(), partition)
        };
        if median > self.max() {
            self.max()
        } else if median < self.min {
            self.min
        } else {
            median
        }
    }
}

fn ratio(sum: f64, count: u64) -> f64 {
    if count == 0 { 0.0 } else { sum / count as f64 }
}

/// Percentiles of shares that ascend.
pub(super) fn percentiles(
    wanted: &[f64],
    times: Times<'_>,
    extremes: (f64, f64),
    partition: &Partition,
) -> Vec<Percentile> {
    let one = |&q: &f64| Percentile { q, value: Millis(times.percentile(q, extremes, partition)) };
    wanted.iter().map(one).collect()
}
