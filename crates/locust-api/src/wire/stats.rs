//! `/stats/requests`.

use locust_model::{Endpoint, Percentile, Rates, RequestError, State, Worker};
use serde::de::MapAccess;

use super::Malformed;
use super::endpoint_row::{EndpointRow, share};
use super::error_row::ErrorRow;
use super::json::{self, As, Shape, key};
use super::kept::JSON_ROOM;
use super::row::{Context, LIMIT, Rows, in_order, take_total};
use super::text::{Dialect, unescaped, unquoted};
use super::value::{self, count, number, skip};
use super::worker::WorkerRow;
use crate::Rejected;

/// What `/stats/requests` says.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Stats {
    /// The runner's state; `missing` where there is no runner.
    pub state: Option<State>,
    /// Users that exist now.
    pub user_count: Option<u64>,
    /// The workers; `None` where Locust runs in one process.
    pub workers: Option<Vec<Worker>>,
    /// The Aggregated row.
    pub total: Option<Endpoint>,
    /// The other rows: at most 500.
    pub endpoints: Vec<Endpoint>,
    /// Errors: at most 500, in the words of today's Locust, whatever version wrote them.
    pub errors: Vec<RequestError>,
    /// The current rates.
    pub rates: Rates,
    /// Failed requests among all, 0 to 1.
    pub fail_ratio: Option<f64>,
    /// Percentiles over about the last ten seconds.
    pub current_percentiles: Vec<Percentile>,
    /// What was left out.
    pub rejected: Rejected,
    pub(crate) dialect: Dialect,
}

impl Stats {
    pub(crate) fn parse(body: Vec<u8>) -> Result<Self, Malformed> {
        let page = json::read(body, Page::default)?
            .ok_or(Malformed::Shape("it is JSON, but not an object"))?;
        if !page.has_stats {
            return Err(Malformed::Shape("it is JSON, but without a list of statistics"));
        }
        Ok(page.finish())
    }

    /// The shares of the rows' percentiles, as Locust's `PERCENTILES_TO_STATISTICS` sets them.
    pub(crate) fn shares(&self) -> Vec<f64> {
        // A row without requests has none.
        let rows = self.total.iter().chain(&self.endpoints).map(|row| &row.percentiles);
        let fullest = rows.max_by_key(|percentiles| percentiles.len());
        fullest.into_iter().flatten().map(|percentile| percentile.q).collect()
    }

    /// Whether Locust has more rows than it gives: the row limit is reached, and the requests of
    /// the rows do not add up to the total.
    pub fn rows_are_truncated(&self) -> bool {
        let sum = sum(self.endpoints.iter().filter_map(|row| row.requests));
        let total = self.total.as_ref().and_then(|total| total.requests);
        self.endpoints.len() >= LIMIT && total.is_none_or(|total| sum < total)
    }

    /// Whether Locust has more errors than it gives: the limit is reached, and the errors do not
    /// add up to the total of failures.
    pub fn errors_are_truncated(&self) -> bool {
        let sum = sum(self.errors.iter().map(|error| error.occurrences));
        let total = self.total.as_ref().and_then(|total| total.failures);
        self.errors.len() >= LIMIT && total.is_none_or(|total| sum < total)
    }
}

fn sum(counts: impl Iterator<Item = u64>) -> u64 {
    counts.fold(0, u64::saturating_add)
}

#[derive(Default)]
struct Page {
    stats: Stats,
    context: Context,
    has_stats: bool,
    has_nested_percentiles: bool,
}

impl Page {
    fn finish(self) -> Stats {
        let Self { mut stats, context, has_nested_percentiles, .. } = self;
        stats.dialect = Dialect {
            // From 2.28 on the percentiles are always nested, and the old key is gone.
            escapes_errors: context.has_ninetieth
                || (context.has_safe_name && !has_nested_percentiles),
            escapes_exceptions: context.has_safe_name,
        };
        stats.rejected = context.rejected;
        stats.total = take_total(&mut stats.endpoints);
        if let Some(total) = &stats.total {
            stats.rates.requests = stats.rates.requests.or(total.current_rps);
            stats.rates.failures = stats.rates.failures.or(total.current_fail_per_sec);
        }
        in_order(&mut stats.current_percentiles);
        if stats.dialect.escapes_errors {
            for error in &mut stats.errors {
                error.name = unescaped(&error.name).into();
                error.error = unquoted(&unescaped(&error.error)).into();
            }
        }
        stats
    }
}

impl<'de> Shape<'de> for Page {
    type Value = Option<Self>;

    fn otherwise(self) -> Self::Value {
        None
    }

    fn object<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self::Value, A::Error> {
        while let Some(key) = key(&mut map)? {
            let context = &mut self.context;
            match &*key {
                "stats" => {
                    let rows = map.next_value_seed(As(Rows {
                        context,
                        row: EndpointRow::default(),
                        room: JSON_ROOM,
                    }))?;
                    self.has_stats = rows.is_some();
                    self.stats.endpoints = rows.unwrap_or_default();
                }
                "errors" => {
                    let rows = map.next_value_seed(As(Rows {
                        context,
                        row: ErrorRow::default(),
                        room: JSON_ROOM,
                    }))?;
                    self.stats.errors = rows.unwrap_or_default();
                }
                "workers" => {
                    let rows = map.next_value_seed(As(Rows {
                        context,
                        row: WorkerRow::default(),
                        room: JSON_ROOM,
                    }))?;
                    self.stats.workers = rows;
                }
                "current_response_time_percentiles" => {
                    let rejected = &mut context.rejected;
                    let nested = map.next_value_seed(As(Percentiles(rejected)))?;
                    self.has_nested_percentiles = nested.is_some();
                    self.stats.current_percentiles = nested.unwrap_or_default();
                }
                key => self.scalar(key, &mut map)?,
            }
        }
        Ok(Some(self))
    }
}

impl Page {
    fn scalar<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        let rejected = &mut self.context.rejected;
        let stats = &mut self.stats;
        match key {
            "state" => stats.state = value::text(map, rejected, State::from_word)?,
            "user_count" => stats.user_count = count(map, rejected)?,
            "current_rps" => stats.rates.requests = number(map, rejected)?,
            "current_fail_per_sec" => stats.rates.failures = number(map, rejected)?,
            "fail_ratio" => stats.fail_ratio = number(map, rejected)?,
            "current_response_time_percentile_1" | "current_response_time_percentile_50" => {
                stats.current_percentiles.extend(percentile(0.5, number(map, rejected)?));
            }
            "current_response_time_percentile_2" | "current_response_time_percentile_95" => {
                stats.current_percentiles.extend(percentile(0.95, number(map, rejected)?));
            }
            _ => skip(map)?,
        }
        Ok(())
    }
}

fn percentile(q: f64, value: Option<f64>) -> Option<Percentile> {
    value.map(|value| Percentile { q, value: locust_model::Millis(value) })
}

/// The object of the current percentiles.
struct Percentiles<'r>(&'r mut Rejected);

impl<'de> Shape<'de> for Percentiles<'_> {
    type Value = Option<Vec<Percentile>>;

    fn otherwise(self) -> Self::Value {
        None
    }

    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut percentiles = Vec::new();
        while let Some(key) = key(&mut map)? {
            match share(&key) {
                Some(q) => percentiles.extend(percentile(q, number(&mut map, self.0)?)),
                None => skip(&mut map)?,
            }
        }
        Ok(Some(percentiles))
    }
}
