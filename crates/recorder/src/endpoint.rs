//! One (method, name): what the hot path writes, on as few cache lines as it can be.

use std::sync::{Arc, OnceLock};

use locust_model::Text;

use crate::atomic::{Count, Events, Number};
use crate::distribution::Distribution;
use crate::seconds::Seconds;
use crate::{DistributionTotals, EndpointTotals, ResponseTotals};

/// One (method, name).
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) hot: Hot,
    pub(crate) seconds: Seconds,
    pub(crate) method: Text,
    pub(crate) name: Text,
    pub(crate) since: f64,
    /// Whether it stands for those that were too many.
    pub(crate) folded: bool,
    /// Their heads; each knows the next one.
    pub(crate) outcomes: OnceLock<Arc<Outcome>>,
    pub(crate) times: OnceLock<Arc<Times>>,
}

/// What every request changes: one cache line.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Hot {
    pub(crate) events: Events,
    pub(crate) sum: Number,
    pub(crate) min: Number,
    pub(crate) max: Number,
    pub(crate) response_bytes: Count,
    pub(crate) request_bytes: Count,
    pub(crate) without_time: Count,
    pub(crate) failures: Count,
}

/// Requests of an endpoint that ended in the same way.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) requests: Count,
    /// Sum of their times that are in a distribution. It is kept here, since this line is written
    /// anyway.
    pub(crate) sum: Number,
    /// The least and the greatest of their times since the last report, kept here for the same
    /// reason.
    pub(crate) least: Number,
    pub(crate) greatest: Number,
    pub(crate) status: Option<i64>,
    pub(crate) exception: Text,
    pub(crate) since: f64,
    /// Whether it stands for those that were too many.
    pub(crate) folded: bool,
    pub(crate) next: OnceLock<Arc<Outcome>>,
}

/// Response times of an endpoint, of one status where they are kept apart.
#[derive(Debug)]
pub(crate) struct Times {
    pub(crate) cells: Distribution,
    pub(crate) status: Option<i64>,
    pub(crate) next: OnceLock<Arc<Times>>,
}

impl Endpoint {
    pub(crate) fn new(method: Text, name: Text, since: f64, folded: bool) -> Self {
        let hot = Hot {
            events: Events::default(),
            sum: Number::new(0.0),
            min: Number::new(f64::INFINITY),
            max: Number::new(f64::NEG_INFINITY),
            response_bytes: Count::default(),
            request_bytes: Count::default(),
            without_time: Count::default(),
            failures: Count::default(),
        };
        Self {
            hot,
            seconds: Seconds::default(),
            method,
            name,
            since,
            folded,
            outcomes: OnceLock::new(),
            times: OnceLock::new(),
        }
    }

    pub(crate) fn outcomes(&self) -> impl Iterator<Item = &Arc<Outcome>> {
        std::iter::successors(self.outcomes.get(), |outcome| outcome.next.get())
    }

    pub(crate) fn times(&self) -> impl Iterator<Item = &Arc<Times>> {
        std::iter::successors(self.times.get(), |times| times.next.get())
    }

    /// Adds an outcome at the end. One thread adds.
    pub(crate) fn add_outcome(&self, outcome: Outcome) -> Arc<Outcome> {
        let end = self.outcomes().last().map_or(&self.outcomes, |last| &last.next);
        Arc::clone(end.get_or_init(|| Arc::new(outcome)))
    }

    /// Where times are counted: all together, or those of a status.
    pub(crate) fn times_of(&self, status: Option<i64>) -> Arc<Times> {
        if let Some(known) = self.times().find(|times| times.status == status) {
            return Arc::clone(known);
        }
        let end = self.times().last().map_or(&self.times, |last| &last.next);
        let cells = Distribution::default();
        Arc::clone(end.get_or_init(|| Arc::new(Times { cells, status, next: OnceLock::new() })))
    }

    /// The least and the greatest time since this was asked last; infinite where there is none.
    /// Only the writer may ask.
    pub(crate) fn take_extremes(&self) -> (f64, f64) {
        self.outcomes().fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), outcome| {
            let extremes = (outcome.least.get().min(min), outcome.greatest.get().max(max));
            outcome.least.set(f64::INFINITY);
            outcome.greatest.set(f64::NEG_INFINITY);
            extremes
        })
    }

    /// Looks at the lines that all of it hangs on.
    pub(crate) fn look(&self) -> u64 {
        self.hot.events.get().wrapping_add(self.seconds.look())
    }

    /// Looks at what those lead to, but the times.
    pub(crate) fn look_further(&self) -> u64 {
        let outcome = self.outcomes.get().map_or(0, |outcome| outcome.requests.get());
        outcome.wrapping_add(self.name.as_bytes().first().map_or(0, |&byte| u64::from(byte)))
    }

    /// Reads its numbers as of one moment, into what may have been used before. Its texts are left
    /// to who needs them.
    pub(crate) fn read_into(&self, by_status: bool, into: &mut EndpointTotals) {
        into.since = self.since;
        self.hot.events.read(|| {
            into.without_time = self.hot.without_time.get();
            into.failures = self.hot.failures.get();
            into.sum = self.hot.sum.get();
            into.min = self.hot.min.get();
            into.max = self.hot.max.get();
            into.response_bytes = self.hot.response_bytes.get();
            into.request_bytes = self.hot.request_bytes.get();
            self.seconds.read_into(&mut into.seconds);
            self.read_times(&mut into.distributions);
            self.read_outcomes(by_status, into);
        });
    }

    fn read_times(&self, into: &mut Vec<DistributionTotals>) {
        let mut known = 0;
        for times in self.times() {
            if into.len() == known {
                into.push(DistributionTotals::default());
            }
            let distribution = &mut into[known];
            known += 1;
            distribution.status = times.status;
            distribution.sum = 0.0;
            let cells = &mut distribution.cells.0;
            cells.clear();
            times.cells.read_into(cells);
        }
        into.truncate(known);
    }

    fn read_outcomes(&self, by_status: bool, into: &mut EndpointTotals) {
        let mut known = 0;
        for outcome in self.outcomes() {
            if into.responses.len() == known {
                into.responses.push(ResponseTotals {
                    status: None,
                    exception: Text::clone(&outcome.exception),
                    requests: 0,
                    since: 0.0,
                });
            }
            let response = &mut into.responses[known];
            known += 1;
            response.status = outcome.status;
            take(&mut response.exception, &outcome.exception);
            response.requests = outcome.requests.get();
            response.since = outcome.since;
            let status = if by_status { outcome.status } else { None };
            let times = into.distributions.iter_mut().find(|times| times.status == status);
            if let Some(times) = times {
                times.sum += outcome.sum.get();
            }
        }
        into.responses.truncate(known);
    }
}

/// Takes over a text; mostly it is the one that is there.
fn take(into: &mut Text, text: &Text) {
    if !Arc::ptr_eq(into, text) {
        into.clone_from(text);
    }
}
