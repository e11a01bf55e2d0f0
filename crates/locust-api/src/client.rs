//! The client, and its routes one by one.

use std::sync::{Mutex, MutexGuard, PoisonError};

use locust_model::Text;
use outgoing::{ConfigError, Raw};

use crate::config::{Config, Quantiles};
use crate::memory::Memory;
use crate::route::{self, Kind, Route};
use crate::transport::{Body, Transport};
use crate::wire::{self, Malformed};
use crate::{Error, Exceptions, Failures, Index, Logs, Stats, StatsCsv, Tasks};

/// A body from this size on is parsed beside the runtime's own threads, which other scrapes and
/// timers need meanwhile. A smaller one takes some tens of milliseconds at most.
const LARGE_BODY: usize = 4 << 20;

/// A client of one Locust.
///
/// It remembers what saves requests: whether the last look was truncated, what the page of the web
/// UI said, and the session of a login. Its futures may be dropped at any time.
///
/// So a snapshot's version, host, target of users and spawn rate may be up to 30 seconds old,
/// while nothing in the statistics shows that they may have changed: another state, fewer requests
/// than at the last look, or, in a running test, users that left their target. Where the page
/// cannot be had, the target and the spawn rate are left out, and the last version and host given
/// until it can, or until Locust itself cannot be reached. All else in a snapshot is of its look.
///
/// The methods for single routes wait without end; only [`Client::look`] has a deadline.
pub struct Client {
    transport: Transport,
    quantiles: Quantiles,
    memory: Mutex<Memory>,
}

impl Client {
    /// Makes a client; nothing is asked yet. Files of certificates are read now.
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] that names the value or the file that cannot be used.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        let quantiles = config.quantiles;
        let transport = Transport::new(config)?;
        Ok(Self { transport, quantiles, memory: Mutex::default() })
    }

    /// Asks `/stats/requests`: the state, users, workers, and the first 500 rows and errors.
    ///
    /// # Errors
    ///
    /// An [`Error`] that says why the route could not be had.
    pub async fn stats(&self) -> Result<Stats, Error> {
        self.ask(route::STATS, Stats::parse).await.map_err(|error| match error {
            Error::NoRoute { url } => {
                Error::NotLocust { url, cause: "it answers 404 Not Found".to_owned() }
            }
            error => error,
        })
    }

    /// Asks `/stats/requests/csv`: every row. It costs Locust twice as much as the JSON does. The
    /// percentiles are those that the JSON's rows had at the last look.
    ///
    /// # Errors
    ///
    /// An [`Error`] that says why the route could not be had.
    pub async fn stats_csv(&self) -> Result<StatsCsv, Error> {
        let known = self.memory().shares.clone();
        self.stats_csv_with(known).await
    }

    /// Asks `/stats/failures/csv`: every error. Locust up to 2.27 writes those of workers with one
    /// more pair of quotes; they are taken away once a look has shown that it is that old.
    ///
    /// # Errors
    ///
    /// An [`Error`] that says why the route could not be had.
    pub async fn failures_csv(&self) -> Result<Failures, Error> {
        let mut failures = self.raw_failures_csv().await?;
        if self.memory().dialect.escapes_errors {
            failures.unquote();
        }
        Ok(failures)
    }

    /// Asks `/exceptions`. Locust up to 2.37.12 escapes them as HTML; that is undone once a look
    /// has shown that it is that old.
    ///
    /// # Errors
    ///
    /// An [`Error`] that says why the route could not be had.
    pub async fn exceptions(&self) -> Result<Exceptions, Error> {
        let mut exceptions = self.raw_exceptions().await?;
        if self.memory().dialect.escapes_exceptions {
            exceptions.unescape();
        }
        Ok(exceptions)
    }

    /// Asks `/exceptions/csv`.
    ///
    /// # Errors
    ///
    /// An [`Error`] that says why the route could not be had.
    pub async fn exceptions_csv(&self) -> Result<Exceptions, Error> {
        self.ask(route::EXCEPTIONS_CSV, |body| Exceptions::parse_csv(&body)).await
    }

    /// Asks `/tasks`. Locust before 2.6 has no such route.
    ///
    /// # Errors
    ///
    /// An [`Error`] that says why the route could not be had.
    pub async fn tasks(&self) -> Result<Tasks, Error> {
        self.ask(route::TASKS, Tasks::parse).await
    }

    /// Asks `/logs`. Locust before 2.18 has no such route.
    ///
    /// # Errors
    ///
    /// An [`Error`] that says why the route could not be had.
    pub async fn logs(&self) -> Result<Logs, Error> {
        self.ask(route::LOGS, Logs::parse).await
    }

    /// Asks `/worker-count`: workers that are not missing; 0 where Locust runs in one process.
    /// Locust before 2.37.2 has no such route.
    ///
    /// # Errors
    ///
    /// An [`Error`] that says why the route could not be had.
    pub async fn worker_count(&self) -> Result<u64, Error> {
        self.ask(route::WORKER_COUNT, wire::worker_count).await
    }

    /// Asks `/`, the page of the web UI. It grows with the length of the test.
    ///
    /// # Errors
    ///
    /// An [`Error`] that says why the route could not be had.
    pub async fn index(&self) -> Result<Index, Error> {
        self.ask(route::INDEX, Index::parse).await
    }

    /// Asks `/stats/requests/csv`, where these shares are known from the JSON.
    pub(crate) async fn stats_csv_with(&self, known: Vec<f64>) -> Result<StatsCsv, Error> {
        let quantiles = self.quantiles;
        self.ask(route::STATS_CSV, move |body| StatsCsv::parse(&body, quantiles, &known)).await
    }

    /// Asks `/exceptions` and leaves the texts as they came.
    pub(crate) async fn raw_exceptions(&self) -> Result<Exceptions, Error> {
        self.ask(route::EXCEPTIONS, Exceptions::parse).await
    }

    /// Asks `/stats/failures/csv` and leaves the texts as they came.
    pub(crate) async fn raw_failures_csv(&self) -> Result<Failures, Error> {
        self.ask(route::FAILURES_CSV, |body| Failures::parse(&body)).await
    }

    pub(crate) fn quantiles(&self) -> Quantiles {
        self.quantiles
    }

    pub(crate) fn shown(&self, route: Route) -> String {
        self.transport.shown(route)
    }

    /// The memory. A panic elsewhere cannot leave it half written.
    pub(crate) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A text of Locust's as it may be logged.
    pub(crate) async fn quote_text(&self, text: &str) -> Text {
        self.transport.secrets().await.quote(&Raw::new(text)).as_str().into()
    }

    async fn ask<T>(
        &self,
        route: Route,
        parse: impl FnOnce(Vec<u8>) -> Result<T, Malformed> + Send + 'static,
    ) -> Result<T, Error>
    where
        T: Send + 'static,
    {
        let body = self.transport.get(route).await?;
        let url = || self.shown(route);
        let parsed = if body.bytes.len() < LARGE_BODY {
            parse(body.bytes)
        } else {
            // It keeps its share of the limit even where nobody waits for it any longer.
            let parsing = tokio::task::spawn_blocking(move || {
                let Body { bytes, held } = body;
                let parsed = parse(bytes);
                drop(held);
                parsed
            });
            parsing
                .await
                .map_err(|error| Error::NotUnderstood { url: url(), cause: error.to_string() })?
        };
        parsed.map_err(|malformed| {
            let url = url();
            let cause = self.transport.quote(malformed.to_string()).to_string();
            match malformed {
                Malformed::Shape(_) if route.kind != Kind::Csv => Error::NotLocust { url, cause },
                _ => Error::NotUnderstood { url, cause },
            }
        })
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("url", &self.shown(route::INDEX)).finish_non_exhaustive()
    }
}
