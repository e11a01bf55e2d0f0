//! The schema `classic`: the names of the Go exporters, and their milliseconds.
//!
//! Values are Locust's own, also after the test has stopped.

use exposition::Unit::Ratio;
use locust_model::{Endpoint, Millis, Snapshot, State};

use crate::Schema;
use crate::common::{
    AGGREGATED, apart_from_all, count_workers, endpoints, errors, named_like_all, percentile,
};
use crate::label;
use crate::out::Out;
use crate::own::NAMED_LIKE_ALL;
use crate::row::Read::{Own, Snapshot as Seen};
use crate::row::Row;

/// The kind of request under which all together stand.
const METHOD_OF_ALL: &str = "";

/// The table.
pub(crate) static ROWS: &[Row] = &[
    Row::gauge(
        "running",
        "State of the test: 0 not running, 1 spawning users, 2 running.",
        Seen(|snapshot, out| out.put(&[], snapshot.state.as_ref().map(running))),
    ),
    Row::gauge(
        "users",
        "Users that exist now.",
        Seen(|snapshot, out| out.put(&[], snapshot.users.running)),
    ),
    Row::gauge(
        "workers_count",
        "Workers that answer.",
        Seen(|snapshot, out| workers(snapshot, out, |state| *state != State::Missing)),
    ),
    Row::gauge(
        "workers_running_count",
        "Workers that run their users.",
        Seen(|snapshot, out| workers(snapshot, out, |state| *state == State::Running)),
    ),
    Row::gauge(
        "workers_hatching_count",
        "Workers that start users.",
        Seen(|snapshot, out| workers(snapshot, out, |state| *state == State::Spawning)),
    ),
    Row::gauge(
        "workers_missing_count",
        "Workers that no longer answer.",
        Seen(|snapshot, out| workers(snapshot, out, |state| *state == State::Missing)),
    ),
    Row::gauge("worker_detail", "Users of this worker.", Seen(worker_detail))
        .labels(label::WORKER_DETAIL),
    Row::gauge(
        "requests_fail_ratio",
        "Failed requests among all, 0 to 1.",
        Seen(|snapshot, out| out.put(&[], snapshot.fail_ratio)),
    )
    .unit(Ratio),
    Row::gauge(
        "requests_current_response_time_percentile_95",
        "95th percentile of response times over about the last ten seconds, in milliseconds.",
        Seen(|snapshot, out| out.put(&[], current_percentile(snapshot, 0.95))),
    ),
    Row::gauge(
        "requests_current_response_time_percentile_50",
        "Median of response times over about the last ten seconds, in milliseconds.",
        Seen(|snapshot, out| out.put(&[], current_percentile(snapshot, 0.5))),
    ),
    Row::gauge(
        "requests_num_requests",
        "Requests made, failed ones included; also of all together, as Aggregated.",
        Seen(|snapshot, out| with_all(snapshot, out, |endpoint| endpoint.requests)),
    )
    .labels(label::ENDPOINT)
    .loses(NAMED_LIKE_ALL, |snapshot| named_like_all(snapshot, METHOD_OF_ALL)),
    Row::gauge(
        "requests_num_failures",
        "Requests that failed; also of all together, as Aggregated.",
        Seen(|snapshot, out| with_all(snapshot, out, |endpoint| endpoint.failures)),
    )
    .labels(label::ENDPOINT),
    Row::gauge(
        "requests_avg_response_time",
        "Average response time in milliseconds.",
        Seen(|snapshot, out| times(snapshot, out, |endpoint| endpoint.avg)),
    )
    .labels(label::ENDPOINT),
    Row::gauge(
        "requests_min_response_time",
        "Least response time in milliseconds.",
        Seen(|snapshot, out| times(snapshot, out, |endpoint| endpoint.min)),
    )
    .labels(label::ENDPOINT),
    Row::gauge(
        "requests_max_response_time",
        "Greatest response time in milliseconds.",
        Seen(|snapshot, out| times(snapshot, out, |endpoint| endpoint.max)),
    )
    .labels(label::ENDPOINT),
    Row::gauge(
        "requests_median_response_time",
        "Median response time in milliseconds.",
        Seen(|snapshot, out| times(snapshot, out, |endpoint| endpoint.median)),
    )
    .labels(label::ENDPOINT),
    Row::gauge(
        "requests_current_rps",
        "Requests per second over about the last ten seconds.",
        Seen(|snapshot, out| endpoints(snapshot, out, |endpoint| endpoint.current_rps)),
    )
    .labels(label::ENDPOINT),
    Row::gauge(
        "requests_current_fail_per_sec",
        "Failed requests per second over about the last ten seconds.",
        Seen(|snapshot, out| endpoints(snapshot, out, |endpoint| endpoint.current_fail_per_sec)),
    )
    .labels(label::ENDPOINT),
    Row::gauge(
        "requests_avg_content_length",
        "Average size of a response's body in bytes.",
        Seen(|snapshot, out| endpoints(snapshot, out, |endpoint| endpoint.avg_content_length)),
    )
    .labels(label::ENDPOINT),
    Row::gauge(
        "requests_response_time_percentile_95",
        "95th percentile of response times in milliseconds.",
        Seen(|snapshot, out| times(snapshot, out, |row| percentile(&row.percentiles, 0.95))),
    )
    .labels(label::ENDPOINT),
    Row::gauge(
        "requests_response_time_percentile_99",
        "99th percentile of response times in milliseconds.",
        Seen(|snapshot, out| times(snapshot, out, |row| percentile(&row.percentiles, 0.99))),
    )
    .labels(label::ENDPOINT),
    // With boomer, the row there has the labels of both.
    Row::gauge("errors", "Requests that failed with this error.", Seen(errors))
        .labels(label::ERROR)
        .without(Schema::Boomer),
    Row::counter(
        "total_scrapes",
        "Scrapes of this exporter.",
        Own(|own, out| out.put_since(&[], own.scrapes(), own.since())),
    ),
];

fn running(state: &State) -> u64 {
    match state {
        State::Spawning => 1,
        State::Running => 2,
        _ => 0,
    }
}

fn workers(snapshot: &Snapshot, out: &mut Out<'_, '_>, test: impl Fn(&State) -> bool) {
    out.put(&[], count_workers(snapshot, test));
}

fn worker_detail(snapshot: &Snapshot, out: &mut Out<'_, '_>) {
    for worker in snapshot.workers.iter().flatten() {
        out.put(&[&worker.id, worker.state.as_str()], worker.users);
    }
}

fn current_percentile(snapshot: &Snapshot, q: f64) -> Option<f64> {
    percentile(&snapshot.current_percentiles, q).map(Millis::millis)
}

fn times(snapshot: &Snapshot, out: &mut Out<'_, '_>, time: impl Fn(&Endpoint) -> Option<Millis>) {
    endpoints(snapshot, out, |endpoint| time(endpoint).map(Millis::millis));
}

/// Every endpoint, and all together under the labels by which dashboards ask for them.
fn with_all(snapshot: &Snapshot, out: &mut Out<'_, '_>, value: impl Fn(&Endpoint) -> Option<u64>) {
    for endpoint in apart_from_all(snapshot, METHOD_OF_ALL) {
        out.put(&[&endpoint.method, &endpoint.name], value(endpoint));
    }
    out.put(&[METHOD_OF_ALL, AGGREGATED], snapshot.total.as_ref().and_then(value));
}
