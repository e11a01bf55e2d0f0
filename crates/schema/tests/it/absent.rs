//! What is not known gives no series, whatever else is known.

use locust_model::{Endpoint, Snapshot, State, Worker};
use proptest::prelude::*;
use schema::Schema;

use crate::collect::{collect, expose, schemas, schemas_inside};
use crate::invariants::snapshot;
use crate::snapshots::{empty, inside, sighting};

/// A way to know less, and the metrics that then have no series.
type Absence = (fn(&mut Snapshot), &'static [&'static str]);

const ABSENCES: &[Absence] = &[
    (|snapshot| snapshot.run.start = None, &["test_start_time_seconds"]),
    (|snapshot| snapshot.run.end = None, &["test_end_time_seconds"]),
    (|snapshot| snapshot.state = None, &["state", "running"]),
    (|snapshot| snapshot.users.running = None, &["users_running", "users", "user_count"]),
    (|snapshot| snapshot.users.waiting = None, &["users_waiting"]),
    (|snapshot| snapshot.users.target = None, &["users_target"]),
    (|snapshot| snapshot.users.spawned = None, &["users_total"]),
    (|snapshot| snapshot.users.spawn_rate = None, &["spawn_rate"]),
    (|snapshot| snapshot.users.by_class.clear(), &["user_class_users"]),
    (
        |snapshot| snapshot.workers = None,
        &["workers", "worker_users", "worker_memory_bytes", "worker_detail", "slave_count"],
    ),
    (|snapshot| workers(snapshot, |it| it.users = None), &["worker_users", "worker_detail"]),
    (|snapshot| workers(snapshot, |it| it.cpu_percent = None), &["worker_cpu_usage_ratio"]),
    (|snapshot| workers(snapshot, |it| it.memory_bytes = None), &["worker_memory_bytes"]),
    (
        |snapshot| workers(snapshot, |it| it.last_heartbeat = None),
        &["worker_last_heartbeat_timestamp_seconds"],
    ),
    (|snapshot| workers(snapshot, |it| it.clock_offset = None), &["worker_clock_offset_seconds"]),
    (
        |snapshot| snapshot.foreign = None,
        &["exporter_foreign_workers", "exporter_foreign_requests_ratio"],
    ),
    (
        |snapshot| snapshot.difference = None,
        &["exporter_total_requests_difference", "exporter_total_failures_difference"],
    ),
    (|snapshot| snapshot.rates.requests = None, &["requests_per_second"]),
    (|snapshot| snapshot.rates.failures = None, &["request_failures_per_second"]),
    (|snapshot| snapshot.fail_ratio = None, &["requests_fail_ratio", "fail_ratio"]),
    (
        |snapshot| snapshot.current_percentiles.clear(),
        &[
            "requests_current_response_time_percentile_95",
            "requests_current_response_time_percentile_50",
        ],
    ),
    (
        |snapshot| {
            rows(snapshot, |it| {
                it.requests = None;
                it.response_bytes = None;
                it.durations.clear();
            });
            snapshot.responses = None;
        },
        &[
            "requests_total",
            "request_duration_seconds",
            "response_length_bytes_total",
            "requests_num_requests",
            "stats_num_requests",
        ],
    ),
    (
        |snapshot| rows(snapshot, |it| it.failures = None),
        &["request_failures_total", "requests_num_failures", "stats_num_failures"],
    ),
    (
        |snapshot| rows(snapshot, |it| it.avg = None),
        &["requests_avg_response_time", "stats_avg_response_time"],
    ),
    (
        |snapshot| rows(snapshot, |it| it.min = None),
        &["requests_min_response_time", "stats_min_response_time"],
    ),
    (
        |snapshot| rows(snapshot, |it| it.max = None),
        &["requests_max_response_time", "stats_max_response_time"],
    ),
    (
        |snapshot| rows(snapshot, |it| it.median = None),
        &["requests_median_response_time", "stats_median_response_time"],
    ),
    (
        |snapshot| rows(snapshot, |it| it.percentiles.clear()),
        &[
            "requests_response_time_percentile_95",
            "requests_response_time_percentile_99",
            "stats_ninetieth_response_time",
        ],
    ),
    (
        |snapshot| rows(snapshot, |it| it.current_rps = None),
        &["requests_current_rps", "stats_current_rps"],
    ),
    (
        |snapshot| rows(snapshot, |it| it.current_fail_per_sec = None),
        &["requests_current_fail_per_sec", "stats_current_fail_per_sec"],
    ),
    (
        |snapshot| rows(snapshot, |it| it.avg_content_length = None),
        &["requests_avg_content_length", "stats_avg_content_length"],
    ),
    (|snapshot| rows(snapshot, |it| it.request_bytes = None), &["request_length_bytes_total"]),
    (|snapshot| snapshot.errors.clear(), &["request_errors_total", "errors"]),
    (|snapshot| snapshot.exceptions = None, &["user_exceptions_total"]),
    (|snapshot| snapshot.tasks.clear(), &["task_ratio"]),
    (|snapshot| snapshot.cpu_warnings = None, &["cpu_warnings_total"]),
];

fn workers(snapshot: &mut Snapshot, forget: fn(&mut Worker)) {
    snapshot.workers.iter_mut().flatten().for_each(forget);
}

fn rows(snapshot: &mut Snapshot, forget: fn(&mut Endpoint)) {
    snapshot.endpoints.iter_mut().chain(&mut snapshot.total).for_each(forget);
}

/// The metrics that have a series, without the namespace, from outside or inside.
fn given(snapshot: &Snapshot) -> Vec<String> {
    let mut names = Vec::new();
    for config in [schemas(&Schema::ALL), schemas_inside(&Schema::ALL)] {
        let families = collect(&expose(&config, vec![sighting(snapshot.clone())]));
        for family in families.iter().filter(|family| !family.samples.is_empty()) {
            // The test's own metrics are apart from what is known of Locust.
            let name = family.meta.name.as_str().strip_prefix("locust_").map(str::to_owned);
            names.extend(name.filter(|name| !names.contains(name)));
        }
    }
    names
}

proptest! {
    #[test]
    fn absent_input_never_gives_a_value(mut snapshot in snapshot()) {
        for (forget, metrics) in ABSENCES {
            let mut snapshot = snapshot.clone();
            forget(&mut snapshot);
            let given = given(&snapshot);
            for metric in *metrics {
                prop_assert!(!given.iter().any(|name| name == metric), "{metric}");
            }
        }
        for (forget, _) in ABSENCES {
            forget(&mut snapshot);
        }
        for name in given(&snapshot) {
            prop_assert!(always().contains(&name), "{name}");
        }
    }
}

/// The metrics that there are even when nothing but the time of the snapshot is known.
fn always() -> Vec<String> {
    let names = [
        "up",
        "scrape_duration_seconds",
        "scrape_collector_success",
        "scrape_collector_duration_seconds",
        "stats_truncated_rows",
        "info",
        // A snapshot without workers is one of a local run: it has none.
        "workers_count",
        "workers_running_count",
        "workers_hatching_count",
        "workers_missing_count",
        "exporter_build_info",
        "exporter_folded_series_total",
        "exporter_cut_label_values_total",
        "exporter_rejected_rows_total",
        "total_scrapes",
    ];
    names.map(str::to_owned).to_vec()
}

#[test]
fn of_an_empty_snapshot_only_the_exporters_own_metrics_and_zero_workers_are_known() {
    assert_eq!(given(&empty()), always());
}

#[test]
fn what_is_known_is_given() {
    let mut snapshot = inside();
    snapshot.run.end = Some(snapshot.time);
    let given = given(&snapshot);
    for metric in ABSENCES.iter().flat_map(|(_, metrics)| *metrics) {
        assert!(given.iter().any(|name| name == metric), "{metric}");
    }
}

#[test]
fn a_worker_of_which_nothing_is_known_gives_only_its_state() {
    let mut snapshot = empty();
    snapshot.workers = Some(vec![Worker {
        id: "a".into(),
        state: State::Missing,
        users: None,
        cpu_percent: None,
        memory_bytes: None,
        last_heartbeat: None,
        clock_offset: None,
    }]);
    let mut now = given(&snapshot);
    now.retain(|name| !always().contains(name));
    assert_eq!(now, ["workers", "slave_count"]);
}
