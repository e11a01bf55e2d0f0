//! One look at a Locust.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant, SystemTime};

use locust_model::Snapshot;
use tokio::sync::SetOnce;

use crate::assemble::{Parts, assemble};
use crate::memory::Facts;
use crate::route::{self, Route};
use crate::{Client, Error, Rejected, Stats};

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

impl Client {
    /// Looks at Locust: asks, all at once, what a snapshot needs. It ends at the deadline at the
    /// latest; then what has been had by then is served, and the rest counts as failed.
    ///
    /// The CSV routes are asked where the JSON leaves something out (or for
    /// [`Quantiles::All`](crate::Quantiles::All)); the page of the web UI only when what it said
    /// may have changed, since it grows with the length of the test.
    pub async fn look(&self, deadline: Instant) -> Look {
        let started = Instant::now();
        let plan = self.memory().plan(self.quantiles(), started);
        let facts = SetOnce::new();
        let stats = async {
            let asked = asked(self, route::STATS, self.stats(), deadline).await;
            // Set once here, and nowhere else: it cannot be set already.
            let _ = facts.set(asked.result.as_ref().ok().map(Facts::of));
            asked
        };
        let later = |at_once: bool, wish: fn(&Facts) -> bool| {
            let facts = &facts;
            async move { at_once || facts.wait().await.as_ref().is_some_and(wish) }
        };
        let stats_csv = async {
            if !later(plan.stats_csv, |facts| facts.rows_truncated).await {
                return None;
            }
            Some(asked(self, route::STATS_CSV, self.stats_csv(), deadline).await)
        };
        let failures_csv = async {
            if !later(plan.failures_csv, |facts| facts.errors_truncated).await {
                return None;
            }
            Some(asked(self, route::FAILURES_CSV, self.raw_failures_csv(), deadline).await)
        };
        let index = async {
            let is_due = plan.index
                || facts.wait().await.as_ref().is_some_and(|facts| plan.needs_index(facts));
            if !is_due {
                return None;
            }
            Some(asked(self, route::INDEX, self.index(), deadline).await)
        };
        let exceptions = asked(self, route::EXCEPTIONS, self.raw_exceptions(), deadline);
        let tasks = asked(self, route::TASKS, self.tasks(), deadline);
        let (stats, stats_csv, failures_csv, exceptions, tasks, index) =
            tokio::join!(stats, stats_csv, failures_csv, exceptions, tasks, index);

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
            let tasks = tasks.flatten();
            let parts = Parts { stats, stats_csv, failures_csv, exceptions, tasks, index };
            assemble(parts, SystemTime::now(), &mut rejected)
        });
        if matches!(snapshot, Err(Error::Unreachable { .. } | Error::NotLocust { .. })) {
            self.memory().forget();
        }
        let rejected = rejected.into_vec();
        Look { snapshot, collectors: told.0, rejected, took: started.elapsed() }
    }

    /// Remembers what was told, and answers what is known of the page of the web UI.
    fn remember(
        &self,
        stats: &Stats,
        index: Option<(Instant, Option<crate::Index>)>,
    ) -> Option<crate::Index> {
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
        let result = match tokio::time::timeout_at(deadline.into(), answer).await {
            Ok(result) => result,
            Err(_) => Err(Error::TimedOut { url: client.shown(route), after: at.elapsed() }),
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
