//! Snapshots as a Locust would give them.

use std::time::{Duration, SystemTime};

use locust_model::{
    BucketSpan, ClassUsers, CustomKind, CustomMetric, CustomSeries, CustomValue, Difference,
    Distribution, Durations, Endpoint, Exception, Foreign, Millis, NativeBuckets, Percentile,
    Rates, RequestError, Responses, Run, Snapshot, State, TaskRatio, Users, Worker,
};
use schema::{Collector, Sighting};

/// Seconds after the first of January 2026.
pub(crate) fn at(seconds: f64) -> SystemTime {
    let year = SystemTime::UNIX_EPOCH + Duration::from_hours(490_896);
    year + Duration::from_secs_f64(seconds)
}

pub(crate) fn empty() -> Snapshot {
    Snapshot::empty(at(0.0))
}

/// A look that succeeded.
pub(crate) fn sighting(snapshot: Snapshot) -> Sighting {
    Sighting {
        target: None,
        snapshot: Some(snapshot),
        took: Duration::from_millis(12),
        collectors: vec![
            Collector { name: "stats", success: true, took: Duration::from_millis(8) },
            Collector { name: "tasks", success: true, took: Duration::from_millis(4) },
        ],
    }
}

/// A look from inside, which has no parts.
pub(crate) fn within(snapshot: Snapshot) -> Sighting {
    Sighting { collectors: Vec::new(), ..sighting(snapshot) }
}

/// A look at a Locust that does not answer.
pub(crate) fn down() -> Sighting {
    Sighting {
        target: None,
        snapshot: None,
        took: Duration::from_millis(1500),
        collectors: vec![Collector {
            name: "stats",
            success: false,
            took: Duration::from_millis(1500),
        }],
    }
}

pub(crate) fn percentiles(values: &[(f64, f64)]) -> Vec<Percentile> {
    values.iter().map(|&(q, millis)| Percentile { q, value: Millis(millis) }).collect()
}

/// An endpoint with typical numbers.
pub(crate) fn endpoint(method: &str, name: &str, requests: u64) -> Endpoint {
    Endpoint {
        method: method.into(),
        name: name.into(),
        requests: Some(requests),
        failures: Some(requests / 4),
        avg: Some(Millis(12.5)),
        min: Some(Millis(1.0)),
        max: Some(Millis(740.0)),
        median: Some(Millis(8.0)),
        percentiles: percentiles(&[(0.95, 40.0), (0.99, 320.0)]),
        current_rps: Some(2.5),
        current_fail_per_sec: Some(0.5),
        avg_content_length: Some(960.25),
        request_bytes: None,
        response_bytes: None,
        durations: Vec::new(),
        since: None,
    }
}

pub(crate) fn error(method: &str, name: &str, text: &str, occurrences: u64) -> RequestError {
    RequestError {
        method: method.into(),
        name: name.into(),
        error: text.into(),
        occurrences,
        first_seen: Some(at(1.0)),
        last_seen: Some(at(9.0)),
    }
}

pub(crate) fn worker(id: &str, state: State, users: u64) -> Worker {
    let is_known = state != State::Missing;
    Worker {
        id: id.into(),
        state,
        users: Some(users),
        cpu_percent: is_known.then_some(37.5),
        memory_bytes: is_known.then_some(57_282_560),
        last_heartbeat: None,
        clock_offset: None,
    }
}

fn task(class: &str, task: &str, ratio: f64) -> TaskRatio {
    TaskRatio { class: class.into(), task: task.into(), ratio }
}

/// A master in the middle of a test, with odd names, one worker lost, and more rows than it tells.
pub(crate) fn running() -> Snapshot {
    let odd = "odd \"name\" {a=\"b\"}\\n,é\nsecond line";
    Snapshot {
        version: Some("2.47.0".into()),
        host: Some("https://shop.example:8443".into()),
        run: Run { start: Some(at(0.5)), ..Run::default() },
        state: Some(State::Running),
        users: Users {
            running: Some(15),
            target: Some(20),
            spawn_rate: Some(2.5),
            by_class: vec![
                ClassUsers { class: "FastU".into(), users: 5 },
                ClassUsers { class: "WebUser".into(), users: 10 },
            ],
            ..Users::default()
        },
        workers: Some(vec![
            worker("loadgen_a", State::Running, 9),
            worker("loadgen_b", State::Spawning, 6),
            worker("loadgen_c", State::Missing, 0),
        ]),
        total: Some(Endpoint {
            percentiles: percentiles(&[(0.95, 700.0), (0.99, 1200.0)]),
            current_rps: Some(38.5),
            current_fail_per_sec: Some(16.25),
            ..endpoint("", "Aggregated", 104)
        }),
        rates: Rates { requests: Some(38.5), failures: Some(16.25) },
        fail_ratio: Some(0.25),
        current_percentiles: percentiles(&[(0.5, 1.0), (0.95, 740.0)]),
        endpoints: vec![
            endpoint("GET", "/cart", 40),
            // A client of the test's own gave no method, and no times either.
            Endpoint {
                avg: None,
                min: None,
                max: None,
                median: None,
                percentiles: Vec::new(),
                ..endpoint("", "nomethod", 12)
            },
            endpoint("POST", odd, 36),
            // After a reset a row stays, without requests.
            Endpoint {
                avg: Some(Millis(0.0)),
                min: None,
                max: Some(Millis(0.0)),
                median: Some(Millis(0.0)),
                percentiles: Vec::new(),
                current_rps: Some(0.0),
                current_fail_per_sec: Some(0.0),
                avg_content_length: Some(0.0),
                ..endpoint("RPC", "call", 0)
            },
            endpoint("GET", "/slow", 16),
        ],
        errors: vec![
            error("GET", "/cart", "ConnectionRefusedError(111, 'Connection refused')", 10),
            error("POST", odd, "HTTPError('404 Client Error: \"odd\\n\"')", 9),
            error("", "nomethod", "boom", 3),
        ],
        exceptions: Some(vec![Exception {
            message: "name 'x' is not defined".into(),
            count: 7,
            traceback: "Traceback …".into(),
            nodes: vec!["loadgen_a".into()],
        }]),
        tasks: vec![
            task("FastU", "Nested", 1.0),
            task("FastU", "Nested/inner_a", 0.75),
            task("FastU", "Nested/inner_b", 0.25),
            task("WebUser", "ok", 0.5),
        ],
        truncated_rows: 4,
        ..empty()
    }
}

/// A Locust in one process, while its users start.
pub(crate) fn local() -> Snapshot {
    Snapshot {
        version: Some("2.47.0".into()),
        state: Some(State::Spawning),
        users: Users { running: Some(2), ..Users::default() },
        total: Some(endpoint("", "Aggregated", 24)),
        rates: Rates { requests: Some(4.0), failures: Some(0.0) },
        fail_ratio: Some(0.25),
        endpoints: vec![endpoint("GET", "norm", 24)],
        exceptions: Some(Vec::new()),
        ..empty()
    }
}

/// The row of all requests together before there were any: Locust shows zeros.
fn nothing_yet() -> Endpoint {
    let zero = Some(Millis(0.0));
    Endpoint {
        method: "".into(),
        name: "Aggregated".into(),
        requests: Some(0),
        failures: Some(0),
        avg: zero,
        min: zero,
        max: zero,
        median: zero,
        percentiles: percentiles(&[(0.95, 0.0), (0.99, 0.0)]),
        current_rps: Some(0.0),
        current_fail_per_sec: Some(0.0),
        avg_content_length: Some(0.0),
        request_bytes: None,
        response_bytes: None,
        durations: Vec::new(),
        since: None,
    }
}

/// A master before its first test.
pub(crate) fn ready() -> Snapshot {
    Snapshot {
        version: Some("2.47.0".into()),
        state: Some(State::Ready),
        users: Users { running: Some(0), ..Users::default() },
        workers: Some(vec![
            worker("loadgen_a", State::Ready, 0),
            worker("loadgen_b", State::Ready, 0),
        ]),
        total: Some(nothing_yet()),
        rates: Rates { requests: Some(0.0), failures: Some(0.0) },
        fail_ratio: Some(0.0),
        exceptions: Some(Vec::new()),
        ..empty()
    }
}

/// A master after a test: its rates are those of the test's last seconds.
pub(crate) fn stopped() -> Snapshot {
    let mut snapshot = running();
    snapshot.state = Some(State::Stopped);
    snapshot.run.end = Some(at(60.25));
    snapshot.users = Users { running: Some(0), ..Users::default() };
    snapshot.workers =
        Some(vec![worker("loadgen_a", State::Ready, 0), worker("loadgen_b", State::Ready, 0)]);
    snapshot.tasks.clear();
    snapshot.truncated_rows = 0;
    snapshot
}

/// A web UI without a runner.
pub(crate) fn missing() -> Snapshot {
    Snapshot {
        state: Some(State::Missing),
        total: Some(nothing_yet()),
        rates: Rates { requests: Some(0.0), failures: Some(0.0) },
        fail_ratio: Some(0.0),
        ..empty()
    }
}

/// All that can be known, from inside Locust.
pub(crate) fn inside() -> Snapshot {
    let mut snapshot = running();
    snapshot.run = Run {
        id: Some("0badcafe".into()),
        testplan: Some("checkout".into()),
        start: Some(at(0.5)),
        end: None,
        since: Some(at(0.25)),
    };
    snapshot.users.waiting = Some(11);
    snapshot.users.spawned = Some(23);
    snapshot.cpu_warnings = Some(2);
    snapshot.foreign = Some(Foreign { workers: 1, requests: 26 });
    snapshot.difference = Some(Difference { requests: -3, failures: 0 });
    snapshot.truncated_rows = 0;
    for (seconds, worker) in (7..).zip(snapshot.workers.iter_mut().flatten()) {
        worker.last_heartbeat = Some(at(f64::from(seconds)));
        worker.clock_offset = Some(f64::from(seconds) / 4.0);
    }
    let all = [(0.5, 8.0), (0.75, 9.5), (0.9, 20.0), (0.95, 40.0), (0.99, 320.0), (1.0, 740.0)];
    for (row, seconds) in snapshot.endpoints.iter_mut().chain(&mut snapshot.total).zip(1_u8..) {
        row.request_bytes = Some(1024);
        row.response_bytes = Some(40_321);
        row.since = Some(at(f64::from(seconds)));
        if row.median.is_some() {
            row.percentiles = percentiles(&all);
        }
    }
    for row in &mut snapshot.endpoints {
        let times = row.requests.filter(|_| row.avg.is_some()).unwrap_or_default();
        row.durations = vec![Durations { status: None, distribution: distribution(times) }];
    }
    snapshot.responses = Some(snapshot.endpoints.iter().flat_map(responses).collect());
    snapshot.custom = customs();
    snapshot
}

/// Metrics of the test's own.
fn customs() -> Vec<CustomMetric> {
    let series = |values: &[&str], value| CustomSeries {
        values: values.iter().map(|value| (*value).into()).collect(),
        value,
        since: Some(at(0.75)),
    };
    let number = |number| series(&[], CustomValue::Number(number));
    let times = Distribution { native: None, ..distribution(8) };
    vec![
        CustomMetric {
            series: vec![
                series(&["north", "a \"b\""], CustomValue::Number(3.0)),
                series(&["south", ""], CustomValue::Number(4.5)),
            ],
            ..custom("orders_total", CustomKind::Counter, &["region", "kind"])
        },
        CustomMetric { series: vec![number(7.0)], ..custom("carts", CustomKind::Counter, &[]) },
        CustomMetric { series: vec![number(-2.0)], ..custom("queue", CustomKind::Gauge, &[]) },
        CustomMetric {
            series: vec![series(&["card"], CustomValue::Distribution(times))],
            ..custom("checkout_seconds", CustomKind::Histogram, &["payment"])
        },
        custom("unused", CustomKind::Gauge, &[]),
    ]
}

/// A metric of the test's own without series.
pub(crate) fn custom(name: &str, kind: CustomKind, labels: &[&str]) -> CustomMetric {
    CustomMetric {
        name: name.into(),
        help: "Of the test.".into(),
        kind,
        labels: labels.iter().map(|label| (*label).into()).collect(),
        series: Vec::new(),
    }
}

/// The same, where response times are kept apart by status.
pub(crate) fn inside_by_status() -> Snapshot {
    let mut snapshot = inside();
    for row in &mut snapshot.endpoints {
        let of = |status: &str, times| Durations {
            status: Some(status.into()),
            distribution: distribution(times),
        };
        let times = row.durations[0].distribution.count();
        row.durations = vec![of("", 0), of("200", times - times / 4), of("503", times / 4)];
    }
    snapshot
}

/// So many response times: a quarter is less than can be measured, the rest is spread.
pub(crate) fn distribution(times: u64) -> Distribution {
    let [first, second] = [times / 4, times / 4];
    let rest = times - first - second;
    let native = NativeBuckets {
        schema: 5,
        zero_threshold: 2_f64.powi(-20),
        zero_count: first,
        spans: vec![BucketSpan { offset: -150, length: 2 }, BucketSpan { offset: 70, length: 1 }],
        counts: vec![second, 0, rest],
    };
    Distribution {
        bounds: [0.005, 0.05, 0.5].into(),
        counts: vec![first, second, rest, 0],
        sum: times as f64 * 0.125,
        native: Some(native),
    }
}

/// A quarter of an endpoint's requests failed, without a response if there are none.
fn responses(endpoint: &Endpoint) -> Vec<Responses> {
    let outcome = |status: &str, exception: &str, requests| Responses {
        method: endpoint.method.clone(),
        name: endpoint.name.clone(),
        status: status.into(),
        exception: exception.into(),
        requests,
        since: endpoint.since,
    };
    match endpoint.requests.unwrap_or_default() {
        0 => vec![outcome("", "ConnectionError", 0)],
        all => vec![outcome("200", "", all - all / 4), outcome("503", "HTTPError", all / 4)],
    }
}
