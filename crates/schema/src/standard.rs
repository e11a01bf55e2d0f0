//! The schema `standard`: Prometheus's conventions.
//!
//! Base units, `_total` on counters, and never a row of all requests together among those it sums.

use exposition::Unit::{Bytes, Ratio, Seconds};
use locust_model::{Endpoint, Responses, Snapshot, State, Worker};

use crate::common::{count_workers, endpoints, errors};
use crate::duration;
use crate::label;
use crate::out::{Measure, Out};
use crate::own::NOT_A_TIME;
use crate::row::Read::Snapshot as Seen;
use crate::row::Row;
use crate::row::Source::{Inside, Outside, WhereKnown};

/// The states that a worker can be in: those it reports, and the one that its master sees.
const WORKER_STATES: [State; 4] = [State::Ready, State::Spawning, State::Running, State::Missing];

/// The table.
pub(crate) static ROWS: &[Row] = &[
    Row::gauge("info", "What is tested by which Locust, in which run.", Seen(info))
        .labels(label::INFO),
    Row::gauge(
        "test_start_time_seconds",
        "When the test began, in seconds since 1970.",
        Seen(|snapshot, out| out.put(&[], snapshot.run.start)),
    )
    .unit(Seconds)
    .source(WhereKnown),
    Row::gauge(
        "test_end_time_seconds",
        "When the test ended, in seconds since 1970.",
        Seen(|snapshot, out| out.put(&[], snapshot.run.end)),
    )
    .unit(Seconds)
    .source(WhereKnown),
    Row::gauge("state", "Whether Locust is in this state: 1 if so, 0 if not.", Seen(state))
        .labels(label::STATE),
    Row::gauge(
        "users_running",
        "Users that exist now.",
        Seen(|snapshot, out| out.put(&[], snapshot.users.running)),
    ),
    Row::gauge(
        "users_waiting",
        "Users that wait between two tasks now.",
        Seen(|snapshot, out| out.put(&[], snapshot.users.waiting)),
    )
    .source(Inside),
    Row::gauge(
        "users_target",
        "Users that the test is to have.",
        Seen(|snapshot, out| out.put(&[], snapshot.users.target)),
    )
    .source(WhereKnown),
    Row::counter(
        "users_total",
        "Users started since the test began.",
        Seen(|snapshot, out| out.put_since(&[], snapshot.users.spawned, snapshot.run.start)),
    )
    .source(Inside),
    Row::gauge(
        "user_class_users",
        "Users of this class that exist now.",
        Seen(|snapshot, out| {
            for class in &snapshot.users.by_class {
                out.put(&[&class.class], class.users);
            }
        }),
    )
    .labels(label::USER_CLASS),
    Row::gauge(
        "spawn_rate",
        "Users started per second while spawning.",
        Seen(|snapshot, out| out.put(&[], snapshot.users.spawn_rate)),
    )
    .source(WhereKnown),
    Row::gauge("workers", "Workers in this state.", Seen(workers)).labels(label::STATE),
    Row::gauge(
        "worker_users",
        "Users of this worker.",
        Seen(|snapshot, out| each_worker(snapshot, out, |worker| worker.users)),
    )
    .labels(label::WORKER)
    .source(WhereKnown),
    Row::gauge(
        "worker_cpu_usage_ratio",
        "CPU usage of this worker, 1 being one core.",
        Seen(|snapshot, out| {
            each_worker(snapshot, out, |worker| worker.cpu_percent.map(|percent| percent / 100.0));
        }),
    )
    .unit(Ratio)
    .labels(label::WORKER)
    .source(WhereKnown),
    Row::gauge(
        "worker_memory_bytes",
        "Resident memory of this worker.",
        Seen(|snapshot, out| each_worker(snapshot, out, |worker| worker.memory_bytes)),
    )
    .unit(Bytes)
    .labels(label::WORKER)
    .source(WhereKnown),
    Row::gauge(
        "worker_last_heartbeat_timestamp_seconds",
        "When this worker was last heard of, in seconds since 1970.",
        Seen(|snapshot, out| each_worker(snapshot, out, |worker| worker.last_heartbeat)),
    )
    .unit(Seconds)
    .labels(label::WORKER)
    .source(Inside),
    Row::gauge(
        "worker_clock_offset_seconds",
        "Difference between this worker's clock and the master's; positive if the worker's is ahead.",
        Seen(|snapshot, out| each_worker(snapshot, out, |worker| worker.clock_offset)),
    )
    .unit(Seconds)
    .labels(label::WORKER)
    .source(Inside),
    Row::gauge(
        "requests_per_second",
        "Requests per second of the whole test over about the last ten seconds.",
        Seen(|snapshot, out| out.put(&[], current(snapshot, snapshot.rates.requests))),
    ),
    Row::gauge(
        "request_failures_per_second",
        "Failed requests per second of the whole test over about the last ten seconds.",
        Seen(|snapshot, out| out.put(&[], current(snapshot, snapshot.rates.failures))),
    ),
    Row::counter(
        "requests_total",
        "Requests made, failed ones included.",
        Seen(|snapshot, out| endpoints(snapshot, out, |endpoint| endpoint.requests)),
    )
    .labels(label::ENDPOINT)
    .source(Outside),
    Row::counter(
        "requests_total",
        "Requests made, failed ones included, by status and by the exception's class.",
        Seen(responses),
    )
    .labels(label::RESPONSE)
    .source(Inside),
    Row::counter(
        "request_failures_total",
        "Requests that failed.",
        Seen(|snapshot, out| endpoints(snapshot, out, |endpoint| endpoint.failures)),
    )
    .labels(label::ENDPOINT),
    Row::counter("request_errors_total", "Requests that failed with this error.", Seen(errors))
        .labels(label::ERROR),
    Row::summary(
        "request_duration_seconds",
        "Response times over the whole test.",
        Seen(duration::summaries),
    )
    .unit(Seconds)
    .labels(label::ENDPOINT)
    .source(Outside)
    .loses(NOT_A_TIME, duration::incomplete),
    Row::histogram(
        "request_duration_seconds",
        "Response times over the whole test.",
        Seen(duration::histograms),
    )
    .unit(Seconds)
    .labels(label::ENDPOINT)
    .source(Inside)
    .by_status(false),
    Row::histogram(
        "request_duration_seconds",
        "Response times over the whole test, by status.",
        Seen(duration::histograms_by_status),
    )
    .unit(Seconds)
    .labels(label::ENDPOINT_STATUS)
    .source(Inside)
    .by_status(true),
    Row::counter(
        "request_length_bytes_total",
        "Bytes of request bodies sent: of redirects those of the last request, and none of a body whose length is not known beforehand, such as a generator.",
        Seen(|snapshot, out| endpoints(snapshot, out, |endpoint| endpoint.request_bytes)),
    )
    .unit(Bytes)
    .labels(label::ENDPOINT)
    .source(Inside),
    Row::counter(
        "response_length_bytes_total",
        "Bytes of response bodies received.",
        Seen(|snapshot, out| {
            endpoints(snapshot, out, response_bytes);
        }),
    )
    .unit(Bytes)
    .labels(label::ENDPOINT),
    Row::counter(
        "user_exceptions_total",
        "Exceptions that user code raised outside of requests, by message.",
        Seen(|snapshot, out| {
            for exception in snapshot.exceptions.iter().flatten() {
                out.put_since(&[&exception.message], exception.count, snapshot.run.since);
            }
        }),
    )
    .labels(label::EXCEPTION),
    Row::gauge(
        "task_ratio",
        "How often a user of this class runs this task rather than those beside it, 0 to 1.",
        Seen(|snapshot, out| {
            for task in &snapshot.tasks {
                out.put(&[&task.class, &task.task], task.ratio);
            }
        }),
    )
    .unit(Ratio)
    .labels(label::TASK),
    Row::counter(
        "cpu_warnings_total",
        "Locust's warnings, since the test began, of a CPU usage so high that its measurements may be wrong.",
        Seen(|snapshot, out| out.put_since(&[], snapshot.cpu_warnings, snapshot.run.start)),
    )
    .source(Inside),
];

fn info(snapshot: &Snapshot, out: &mut Out<'_, '_>) {
    let run = &snapshot.run;
    let labels = [&snapshot.version, &snapshot.host, &run.id, &run.testplan];
    out.put(&labels.map(|text| text.as_deref().unwrap_or_default()), 1.0);
}

fn responses(snapshot: &Snapshot, out: &mut Out<'_, '_>) {
    for response in snapshot.responses.iter().flatten() {
        let Responses { method, name, status, exception, requests, since } = response;
        out.put_since(&[method, name, status, exception], *requests, *since);
    }
}

/// Bytes of response bodies: to the byte where they were counted, else from their average.
fn response_bytes(endpoint: &Endpoint) -> Option<f64> {
    let counted = endpoint.response_bytes.map(|bytes| bytes as f64);
    counted
        .or_else(|| duration::whole(endpoint.avg_content_length, endpoint.requests).map(f64::round))
}

/// Every state that is known, and the one that Locust is in if it is none of these.
fn state(snapshot: &Snapshot, out: &mut Out<'_, '_>) {
    let Some(state) = &snapshot.state else { return };
    for known in &State::KNOWN {
        out.put(&[known.as_str()], known.as_str() == state.as_str());
    }
    if !State::KNOWN.iter().any(|known| known.as_str() == state.as_str()) {
        out.put(&[state.as_str()], true);
    }
}

/// Every state that a worker can be in, and others that workers are in.
fn workers(snapshot: &Snapshot, out: &mut Out<'_, '_>) {
    let Some(workers) = &snapshot.workers else { return };
    let mut words: Vec<&str> = WORKER_STATES.iter().map(State::as_str).collect();
    for word in workers.iter().map(|worker| worker.state.as_str()) {
        if !words.contains(&word) {
            words.push(word);
        }
    }
    for word in words {
        out.put(&[word], count_workers(snapshot, |state| state.as_str() == word));
    }
}

fn each_worker<M: Measure>(
    snapshot: &Snapshot,
    out: &mut Out<'_, '_>,
    value: impl Fn(&Worker) -> M,
) {
    for worker in snapshot.workers.iter().flatten() {
        out.put(&[&worker.id], value(worker));
    }
}

/// Locust's rate freezes at its last value when load stops. Without users there is no load; while
/// a test is being stopped its users still end their tasks, and the rate still moves.
fn current(snapshot: &Snapshot, rate: Option<f64>) -> Option<f64> {
    let is_idle = matches!(snapshot.state, Some(State::Ready | State::Stopped | State::Missing));
    rate.map(|rate| if is_idle { 0.0 } else { rate })
}
