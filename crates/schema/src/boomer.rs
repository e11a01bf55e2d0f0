//! The schema `boomer`: the names of the collector on Locust's web UI that comes with boomer.
//!
//! All requests together stand among the endpoints, as path and method `Aggregated`. Times are in
//! milliseconds.

use exposition::Unit::Ratio;
use locust_model::{Endpoint, Millis, RequestError, Snapshot, State};

use crate::Schema;
use crate::common::{AGGREGATED, apart_from_all, count_workers, named_like_all, percentile};
use crate::label;
use crate::out::{Measure, Out};
use crate::own::NAMED_LIKE_ALL;
use crate::row::Read::Snapshot as Seen;
use crate::row::Row;

/// The table.
pub(crate) static ROWS: &[Row] = &[
    // With standard, the row there tells of every state.
    Row::gauge(
        "state",
        "The state that Locust is in.",
        Seen(|snapshot, out| {
            if let Some(state) = &snapshot.state {
                out.put(&[state.as_str()], true);
            }
        }),
    )
    .labels(label::STATE)
    .without(Schema::Standard),
    Row::gauge(
        "user_count",
        "Users that exist now.",
        Seen(|snapshot, out| out.put(&[], snapshot.users.running)),
    ),
    Row::gauge("errors", "Requests that failed with this error.", Seen(errors))
        .labels(label::ERROR_PATH)
        .without(Schema::Classic),
    Row::gauge("errors", "Requests that failed with this error.", Seen(errors_of_both))
        .labels(label::ERROR_NAME_AND_PATH)
        .with(Schema::Classic),
    Row::gauge("slave_count", "Workers that answer.", Seen(slave_count)),
    Row::gauge(
        "fail_ratio",
        "Failed requests among all, 0 to 1.",
        Seen(|snapshot, out| out.put(&[], snapshot.fail_ratio)),
    )
    .unit(Ratio),
    Row::gauge(
        "stats_avg_content_length",
        "Average size of a response's body in bytes.",
        Seen(|snapshot, out| stats(snapshot, out, |row| row.avg_content_length)),
    )
    .labels(label::ENDPOINT_PATH),
    Row::gauge(
        "stats_avg_response_time",
        "Average response time in milliseconds.",
        Seen(|snapshot, out| stats(snapshot, out, |row| row.avg.map(Millis::millis))),
    )
    .labels(label::ENDPOINT_PATH),
    Row::gauge(
        "stats_current_rps",
        "Requests per second over about the last ten seconds.",
        Seen(|snapshot, out| stats(snapshot, out, |row| row.current_rps)),
    )
    .labels(label::ENDPOINT_PATH),
    Row::gauge(
        "stats_current_fail_per_sec",
        "Failed requests per second over about the last ten seconds.",
        Seen(|snapshot, out| stats(snapshot, out, |row| row.current_fail_per_sec)),
    )
    .labels(label::ENDPOINT_PATH),
    Row::gauge(
        "stats_max_response_time",
        "Greatest response time in milliseconds.",
        Seen(|snapshot, out| stats(snapshot, out, |row| row.max.map(Millis::millis))),
    )
    .labels(label::ENDPOINT_PATH),
    Row::gauge(
        "stats_ninetieth_response_time",
        "90th percentile of response times in milliseconds.",
        Seen(|snapshot, out| {
            stats(snapshot, out, |row| percentile(&row.percentiles, 0.9).map(Millis::millis));
        }),
    )
    .labels(label::ENDPOINT_PATH),
    Row::gauge(
        "stats_median_response_time",
        "Median response time in milliseconds.",
        Seen(|snapshot, out| stats(snapshot, out, |row| row.median.map(Millis::millis))),
    )
    .labels(label::ENDPOINT_PATH),
    Row::gauge(
        "stats_min_response_time",
        "Least response time in milliseconds.",
        Seen(|snapshot, out| stats(snapshot, out, |row| row.min.map(Millis::millis))),
    )
    .labels(label::ENDPOINT_PATH),
    Row::counter(
        "stats_num_failures",
        "Requests that failed.",
        Seen(|snapshot, out| stats(snapshot, out, |row| row.failures)),
    )
    .labels(label::ENDPOINT_PATH),
    Row::counter(
        "stats_num_requests",
        "Requests made, failed ones included.",
        Seen(|snapshot, out| stats(snapshot, out, |row| row.requests)),
    )
    .labels(label::ENDPOINT_PATH)
    .loses(NAMED_LIKE_ALL, |snapshot| named_like_all(snapshot, AGGREGATED)),
];

fn errors(snapshot: &Snapshot, out: &mut Out<'_, '_>) {
    for RequestError { method, name, error, occurrences, .. } in &snapshot.errors {
        out.put(&[name, method, error], *occurrences);
    }
}

fn errors_of_both(snapshot: &Snapshot, out: &mut Out<'_, '_>) {
    for RequestError { method, name, error, occurrences, .. } in &snapshot.errors {
        out.put(&[method, name, error, name], *occurrences);
    }
}

/// Only a master has workers to count.
fn slave_count(snapshot: &Snapshot, out: &mut Out<'_, '_>) {
    if snapshot.workers.is_some() {
        out.put(&[], count_workers(snapshot, |state| *state != State::Missing));
    }
}

/// A value of every endpoint, and of all together.
fn stats<M: Measure>(snapshot: &Snapshot, out: &mut Out<'_, '_>, value: impl Fn(&Endpoint) -> M) {
    for endpoint in apart_from_all(snapshot, AGGREGATED) {
        out.put_since(&[&endpoint.name, &endpoint.method], value(endpoint), endpoint.since);
    }
    if let Some(total) = &snapshot.total {
        out.put_since(&[AGGREGATED, AGGREGATED], value(total), total.since);
    }
}
