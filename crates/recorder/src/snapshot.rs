//! What has been recorded, as a snapshot.

mod cells;
mod histogram;
mod statistics;

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use locust_model::{
    CustomMetric, CustomSeries, CustomValue, Durations, Endpoint, Exception, Millis, Rates,
    RequestError, Responses, Snapshot, Text,
};

use crate::partition::Partition;
use crate::view::View;
use crate::{
    AllTotals, Config, CustomTotal, CustomTotals, EndpointTotals, ErrorTotals, ExceptionTotals,
    LocustSettings, Totals,
};
use cells::{Dense, Times};
use histogram::Histograms;
use statistics::{Clock, Recent, Statistics, percentiles};

/// Which buckets the response times of a snapshot are given in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Buckets {
    /// Classic ones alone, for who cannot show others.
    Classic,
    /// Native ones beside them.
    ClassicAndNative,
}

/// Makes a snapshot of what has been recorded with a configuration: what Locust's own statistics
/// would say after the same events, and what they cannot say.
///
/// Endpoints stand in Locust's order. The average, least and greatest response times, percentiles
/// and rates are those of `StatsEntry` to the last bit, zeros included that Locust gives where
/// nothing was measured; the least and greatest are not rounded to whole milliseconds. What only
/// the runner knows is left unknown.
pub fn snapshot(totals: &Totals, config: &Config, time: SystemTime, buckets: Buckets) -> Snapshot {
    let partition = Partition::new(config);
    let rows = totals.endpoints.len();
    let recorded = (config, &config.locust);
    let mut maker = Maker::new(recorded, (&partition, buckets), totals.since, &totals.all, rows);
    for row in &totals.endpoints {
        maker.put(&row.method, &row.name, row);
    }
    maker.finish(&totals.errors, &totals.exceptions, &totals.custom, time)
}

/// The same of what is recorded now, without a copy of it all between.
pub(crate) fn snapshot_of(view: &View, now: f64, time: SystemTime, buckets: Buckets) -> Snapshot {
    // Before the endpoints: what is read of them is then of the same requests or of later ones.
    let all = view.all(now);
    let (rows, kept_in) = (view.endpoints(), (view.partition(), buckets));
    let mut maker =
        Maker::new((&**view.config(), view.settings()), kept_in, view.since(), &all, rows);
    view.each_endpoint(|method, name, row| maker.put(method, name, row));
    maker.finish(&view.all_errors(), &view.all_exceptions(), &view.all_customs(), time)
}

/// Makes a snapshot from one endpoint after the other: in the order in which they lie in memory,
/// which is quicker than in that of their names.
pub(crate) struct Maker<'a> {
    config: &'a Config,
    settings: &'a LocustSettings,
    partition: &'a Partition,
    since: f64,
    all: &'a AllTotals,
    clock: Clock,
    endpoints: Vec<Endpoint>,
    responses: Vec<Responses>,
    /// Texts of status codes.
    statuses: HashMap<i64, Text>,
    /// The one that was asked for last: mostly it is the next one too.
    last_status: Option<(i64, Text)>,
    /// The shares of which percentiles are wanted, ascending.
    percentiles: Vec<f64>,
    histograms: Histograms<'a>,
    /// To put distributions of several statuses together.
    scratch: Dense,
    total: Total,
}

/// The Aggregated row as far as it is known.
struct Total {
    statistics: Statistics,
    cells: Dense,
    recent: Recent,
}

impl<'a> Maker<'a> {
    pub(crate) fn new(
        (config, settings): (&'a Config, &'a LocustSettings),
        (partition, buckets): (&'a Partition, Buckets),
        since: f64,
        all: &'a AllTotals,
        rows: usize,
    ) -> Self {
        Self {
            config,
            settings,
            partition,
            since,
            all,
            clock: Clock { start: all.start, last_request: all.last_request },
            endpoints: Vec::with_capacity(rows),
            responses: Vec::with_capacity(rows),
            statuses: HashMap::new(),
            last_status: None,
            percentiles: ascending(&settings.percentiles),
            histograms: Histograms::new(partition, buckets),
            scratch: Dense::new(partition.len()),
            total: Total {
                statistics: Statistics { sum: all.sum, ..Statistics::default() },
                cells: Dense::new(partition.len()),
                recent: Recent::default(),
            },
        }
    }

    /// Takes an endpoint.
    pub(crate) fn put(&mut self, method: &Text, name: &Text, row: &EndpointTotals) {
        self.put_responses(method, name, row);
        let durations = self.durations(row);
        let recent = self.clock.recent(&row.seconds);
        self.total.recent.add(recent);
        let statistics = Statistics { current: self.clock.current(recent), ..Statistics::of(row) };
        let endpoint = if let [only] = &*row.distributions {
            self.endpoint(&statistics, Times::new(&only.cells.0))
        } else {
            for distribution in &row.distributions {
                self.scratch.add(&distribution.cells);
            }
            let cells = self.scratch.take();
            self.endpoint(&statistics, Times::new(&cells.0))
        };
        self.endpoints.push(Endpoint {
            method: Text::clone(method),
            name: Text::clone(name),
            since: day(row.since),
            durations,
            ..endpoint
        });
        self.total.add(row);
    }

    fn put_responses(&mut self, method: &Text, name: &Text, row: &EndpointTotals) {
        for response in &row.responses {
            let status = self.status(response.status);
            self.responses.push(Responses {
                method: Text::clone(method),
                name: Text::clone(name),
                status,
                exception: Text::clone(&response.exception),
                requests: response.requests,
                since: day(response.since),
            });
        }
    }

    fn durations(&mut self, row: &EndpointTotals) -> Vec<Durations> {
        let mut durations = Vec::with_capacity(row.distributions.len());
        for times in &row.distributions {
            let status = self.config.by_status.then(|| self.status(times.status));
            durations.push(Durations { status, distribution: self.histograms.of(times) });
        }
        durations
    }

    /// The status code as a text; empty where there is none.
    fn status(&mut self, status: Option<i64>) -> Text {
        let Some(status) = status else { return Text::default() };
        if let Some((last, text)) = &self.last_status
            && *last == status
        {
            return Text::clone(text);
        }
        let text = self.statuses.entry(status).or_insert_with(|| status.to_string().into());
        self.last_status = Some((status, Text::clone(text)));
        Text::clone(text)
    }

    /// A row without a name, in which everything is that Locust computes.
    fn endpoint(&self, statistics: &Statistics, times: Times<'_>) -> Endpoint {
        let formulas = self.settings.formulas;
        let untimed = if formulas.percentiles_of_all { statistics.without_time } else { 0 };
        Endpoint {
            method: Text::default(),
            name: Text::default(),
            requests: Some(statistics.requests(times)),
            failures: Some(statistics.failures),
            avg: Some(Millis(statistics.average(times))),
            min: Some(Millis(statistics.min(times))),
            max: Some(Millis(statistics.max())),
            median: Some(Millis(statistics.median(times, formulas, self.partition))),
            percentiles: percentiles(
                &self.percentiles,
                times.and_others(untimed),
                statistics.extremes(),
                self.partition,
            ),
            current_rps: Some(statistics.current.requests),
            current_fail_per_sec: Some(statistics.current.failures),
            avg_content_length: Some(statistics.average_length(times)),
            request_bytes: Some(statistics.request_bytes),
            response_bytes: Some(statistics.response_bytes),
            durations: Vec::new(),
            since: None,
        }
    }

    /// What it all comes to.
    pub(crate) fn finish(
        mut self,
        errors: &[ErrorTotals],
        exceptions: &[ExceptionTotals],
        custom: &[CustomTotals],
        time: SystemTime,
    ) -> Snapshot {
        let cells = self.total.cells.take();
        let times = Times::new(&cells.0);
        let current = self.clock.current(self.total.recent);
        let statistics = Statistics { current, ..self.total.statistics };
        let mut snapshot = Snapshot::empty(time);
        snapshot.run.since = day(self.since);
        snapshot.fail_ratio = Some(statistics.fail_ratio(times));
        snapshot.rates =
            Rates { requests: Some(current.requests), failures: Some(current.failures) };
        if let Some(recent) = &self.all.current {
            let wanted = ascending(&self.settings.current_percentiles);
            snapshot.current_percentiles =
                percentiles(&wanted, Times::new(&recent.0), statistics.extremes(), self.partition);
        }
        snapshot.total = Some(Endpoint {
            name: "Aggregated".into(),
            since: day(self.since),
            ..self.endpoint(&statistics, times)
        });
        let mut endpoints = self.endpoints;
        endpoints.sort_unstable_by(|a, b| (&*a.name, &*a.method).cmp(&(&*b.name, &*b.method)));
        snapshot.endpoints = endpoints;
        snapshot.responses = Some(self.responses);
        snapshot.errors = errors.iter().map(error).collect();
        snapshot.exceptions = Some(exceptions.iter().map(exception).collect());
        snapshot.custom = custom.iter().map(metric).collect();
        snapshot
    }
}

impl Total {
    fn add(&mut self, row: &EndpointTotals) {
        self.statistics.add(row);
        for distribution in &row.distributions {
            self.cells.add(&distribution.cells);
        }
    }
}

fn exception(exception: &ExceptionTotals) -> Exception {
    Exception {
        message: Text::clone(&exception.message),
        count: exception.count,
        traceback: Text::default(),
        nodes: Vec::new(),
    }
}

fn error(error: &ErrorTotals) -> RequestError {
    RequestError {
        method: Text::clone(&error.method),
        name: Text::clone(&error.name),
        error: Text::clone(&error.error),
        occurrences: error.occurrences,
        first_seen: day(error.first_seen),
        last_seen: day(error.last_seen),
    }
}

fn metric(metric: &CustomTotals) -> CustomMetric {
    let series = metric.series.iter().map(|series| CustomSeries {
        values: series.values.clone(),
        value: match &series.value {
            CustomTotal::Number(number) => CustomValue::Number(*number),
            CustomTotal::Distribution(distribution) => {
                CustomValue::Distribution(distribution.clone())
            }
        },
        since: day(series.since),
    });
    CustomMetric {
        name: Text::clone(&metric.name),
        help: Text::clone(&metric.help),
        kind: metric.kind,
        labels: metric.labels.clone(),
        series: series.collect(),
    }
}

fn ascending(shares: &[f64]) -> Vec<f64> {
    let mut shares = shares.to_vec();
    shares.sort_by(f64::total_cmp);
    shares
}

/// A time of day; `None` for one that no clock shows.
fn day(seconds: f64) -> Option<SystemTime> {
    let since = Duration::try_from_secs_f64(seconds).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(since)
}
