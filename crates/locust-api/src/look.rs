//! One look at a Locust.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant, SystemTime};

use locust_model::{Folded, Snapshot, State};
use tokio::sync::SetOnce;

use crate::assemble::{Parts, assemble, percentiles_of_some};
use crate::memory::Facts;
use crate::route::{self, Route};
use crate::{Client, Error, Exceptions, Failures, Index, Rejected, Stats, StatsCsv, Tasks};

/// The runtime's timers are late by up to this; a look must not be.
const TIMER_GRAIN: Duration = Duration::from_millis(1);

/// What one look at a Locust gave.
#[derive(Debug)]
pub struct Look {
    /// What was seen. Only the statistics route decides whether there is a snapshot.
    pub snapshot: Result<Snapshot, Error>,
    /// The routes that were asked, and how each fared.
    pub collectors: Vec<Collected>,
    /// Rows, or values of rows, that were left out because they make no sense, by reason (see
    /// [`Rejected`]). What two answers hold alike is counted twice.
    pub rejected: Vec<(&'static str, u64)>,
    /// Rows that were put together under the name `other`, since there were more than are kept of
    /// one answer.
    pub folded: Folded,
    /// The shares of the percentiles that only the first 500 rows have, since Locust's CSV has no
    /// columns for them.
    pub percentiles_of_some: Vec<f64>,
    /// How long it took.
    pub took: Duration,
}

/// How one route fared.
#[derive(Debug)]
pub struct Collected {
    /// The route's name: `stats`, `stats_csv`, `failures_csv`, `exceptions`, `tasks`, `index`.
    pub name: &'static str,
    /// Why it failed, if it did. The statistics route's own failure stands in [`Look::snapshot`].
    pub error: Option<Error>,
    /// Whether it was had. A route that an old Locust does not have counts as had, and empty.
    pub success: bool,
    /// How long it took.
    pub took: Duration,
}

/// A route that was asked.
struct Asked<T> {
    route: Route,
    result: Result<T, Error>,
    took: Duration,
    at: Instant,
}

/// The routes of a look; those that were not asked are `None`.
struct Answers {
    stats: Asked<Stats>,
    /// When the statistics were there.
    time: SystemTime,
    stats_csv: Option<Asked<StatsCsv>>,
    failures_csv: Option<Asked<Failures>>,
    exceptions: Asked<Exceptions>,
    tasks: Asked<Tasks>,
    index: Option<Asked<Index>>,
}

impl Answers {
    fn percentiles_of_some(&self) -> Vec<f64> {
        let csv = self.stats_csv.as_ref().and_then(|asked| asked.result.as_ref().ok());
        let stats = self.stats.result.as_ref();
        stats.map_or_else(|_| Vec::new(), |stats| percentiles_of_some(stats, csv))
    }
}

impl Client {
    /// Looks at Locust: asks, all at once, what a snapshot needs. It ends at the deadline at the
    /// latest; then what has been had by then is served, and the rest counts as failed.
    ///
    /// The CSV routes are asked where the JSON leaves something out (or for
    /// [`Quantiles::All`](crate::Quantiles::All)); the page of the web UI only when what it said
    /// may have changed, since it grows with the length of the test.
    pub async fn look(&self, deadline: Instant) -> Look {
        let started = Instant::now();
        let answers = self.ask_all(deadline).await;
        let percentiles_of_some = answers.percentiles_of_some();
        let (mut snapshot, collectors, rejected) = self.put_together(answers);
        if let Ok(snapshot) = &mut snapshot {
            self.redact(snapshot).await;
        }
        let folded = rejected.folded();
        let rejected = rejected.into_vec();
        let took = started.elapsed();
        Look { snapshot, collectors, rejected, folded, percentiles_of_some, took }
    }

    /// Cuts secrets out of what is logged of a snapshot.
    async fn redact(&self, snapshot: &mut Snapshot) {
        let texts = [
            snapshot.version.as_mut(),
            snapshot.state.as_mut().and_then(|state| match state {
                State::Other(text) => Some(text),
                _ => None,
            }),
        ];
        for text in texts.into_iter().flatten() {
            *text = self.quote_text(text).await;
        }
    }

    /// Asks all routes of a look at once; those of which the statistics decide, as soon as these
    /// are there.
    async fn ask_all(&self, deadline: Instant) -> Answers {
        let plan = self.memory().plan(self.quantiles(), Instant::now());
        let facts = SetOnce::new();
        let stats = async {
            let asked = asked(self, route::STATS, self.stats(), deadline).await;
            // Set once here, and nowhere else: it cannot be set already.
            let _ = facts.set(asked.result.as_ref().ok().map(Facts::of));
            (asked, SystemTime::now())
        };
        let told = async || facts.wait().await.as_ref();
        let stats_csv = async {
            let due = plan.stats_csv || told().await.is_some_and(|facts| facts.rows_truncated);
            let told = facts.get().and_then(|facts| Some(&facts.as_ref()?.shares));
            let shares = told.filter(|shares| !shares.is_empty()).unwrap_or(&plan.shares);
            let answer = self.stats_csv_with(shares.clone());
            Some(due.then(|| asked(self, route::STATS_CSV, answer, deadline))?.await)
        };
        let failures_csv = async {
            let due = plan.failures_csv || told().await.is_some_and(|facts| facts.errors_truncated);
            let answer = self.raw_failures_csv();
            Some(due.then(|| asked(self, route::FAILURES_CSV, answer, deadline))?.await)
        };
        let index = async {
            let due = plan.index || told().await.is_some_and(|facts| plan.needs_index(facts));
            Some(due.then(|| asked(self, route::INDEX, self.index(), deadline))?.await)
        };
        let exceptions = asked(self, route::EXCEPTIONS, self.raw_exceptions(), deadline);
        let tasks = asked(self, route::TASKS, self.tasks(), deadline);
        let ((stats, time), stats_csv, failures_csv, exceptions, tasks, index) =
            tokio::join!(stats, stats_csv, failures_csv, exceptions, tasks, index);
        Answers { stats, time, stats_csv, failures_csv, exceptions, tasks, index }
    }

    fn put_together(
        &self,
        answers: Answers,
    ) -> (Result<Snapshot, Error>, Vec<Collected>, Rejected) {
        let Answers { stats, time, stats_csv, failures_csv, exceptions, tasks, index } = answers;
        let mut told = Told::default();
        let stats = told.stats(stats);
        let stats_csv = stats_csv.and_then(|asked| told.part(asked));
        let failures_csv = failures_csv.and_then(|asked| told.part(asked));
        let exceptions = told.part(exceptions);
        let is_old = stats.as_ref().is_ok_and(|stats| stats.dialect.escapes_errors);
        let tasks = told.part(if is_old { without_route(tasks) } else { tasks.map(Some) });
        let index = index.map(|asked| (asked.at, told.part(asked)));
        let mut rejected = Rejected::default();
        if let Some((_, Some(index))) = &index {
            rejected.merge(&index.rejected);
        }
        let snapshot = stats.map(|stats| {
            let index = self.remember(&stats, index);
            let full = self.memory().learn_full(
                stats_csv.as_ref().map(StatsCsv::rows),
                failures_csv.as_ref().map(|csv| csv.errors.len()),
            );
            let tasks = tasks.flatten();
            let parts = Parts { stats, stats_csv, failures_csv, exceptions, tasks, index, full };
            assemble(parts, time, &mut rejected)
        });
        if matches!(snapshot, Err(Error::Unreachable { .. } | Error::NotLocust { .. })) {
            self.memory().forget();
        }
        (snapshot, told.0, rejected)
    }

    /// Remembers what was told, and answers what is known of the page of the web UI.
    fn remember(&self, stats: &Stats, index: Option<(Instant, Option<Index>)>) -> Option<Index> {
        let facts = Facts::of(stats);
        let mut memory = self.memory();
        memory.learn(&facts, stats.dialect);
        if let Some((asked, index)) = index {
            memory.learn_index(index, &facts, asked);
        }
        memory.index()
    }
}

/// Asks a route until the deadline. The asking is boxed: six of them side by side would be too
/// large for a caller's stack.
fn asked<'a, T: 'a>(
    client: &'a Client,
    route: Route,
    answer: impl Future<Output = Result<T, Error>> + Send + 'a,
    deadline: Instant,
) -> Pin<Box<dyn Future<Output = Asked<T>> + Send + 'a>> {
    Box::pin(async move {
        let at = Instant::now();
        let timed_out = || Error::TimedOut { url: client.shown(route), after: at.elapsed() };
        let until = deadline.checked_sub(TIMER_GRAIN).unwrap_or(deadline);
        let result = if at >= until {
            Err(timed_out())
        } else {
            let answer = tokio::time::timeout_at(until.into(), answer).await;
            answer.unwrap_or_else(|_| Err(timed_out()))
        };
        Asked { route, result, took: at.elapsed(), at }
    })
}

impl<T> Asked<T> {
    fn map<U>(self, f: impl FnOnce(T) -> U) -> Asked<U> {
        let Self { route, result, took, at } = self;
        Asked { route, result: result.map(f), took, at }
    }
}

/// Forgives that a route is not there.
fn without_route<T>(asked: Asked<T>) -> Asked<Option<T>> {
    let mut asked = asked.map(Some);
    if matches!(asked.result, Err(Error::NoRoute { .. })) {
        asked.result = Ok(None);
    }
    asked
}

/// How the routes fared.
#[derive(Default)]
struct Told(Vec<Collected>);

impl Told {
    /// The statistics, whose failure is the look's.
    fn stats(&mut self, asked: Asked<Stats>) -> Result<Stats, Error> {
        let Asked { route, result, took, .. } = asked;
        self.0.push(Collected { name: route.name, error: None, success: result.is_ok(), took });
        result
    }

    /// Another part, without which there still is a snapshot.
    fn part<T>(&mut self, asked: Asked<T>) -> Option<T> {
        let Asked { route, result, took, .. } = asked;
        let success = result.is_ok();
        let (part, error) = match result {
            Ok(part) => (Some(part), None),
            Err(error) => (None, Some(error)),
        };
        self.0.push(Collected { name: route.name, error, success, took });
        part
    }
}
