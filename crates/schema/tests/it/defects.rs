//! The defects of the Go exporters on today's Locust, each of which imported dashboards would show.

use locust_model::{Percentile, Snapshot, State};
use schema::Schema::{Boomer, Classic, Standard};

use crate::collect::{collect, expose, lines, schemas, schemas_inside};
use crate::snapshots::{empty, endpoint, inside, percentiles, running, sighting, within, worker};

fn classic(snapshot: Snapshot, names: &[&str]) -> Vec<String> {
    lines(&[Classic], snapshot, names)
}

#[test]
fn defect_1_spawning_was_not_known_as_running() {
    let running = |state| {
        let mut snapshot = empty();
        snapshot.state = Some(state);
        classic(snapshot, &["running"]).concat()
    };
    assert_eq!(running(State::Spawning), "running 1");
    assert_eq!(running(State::from_word("hatching")), "running 1");
    assert_eq!(running(State::Running), "running 2");
    for state in [State::Ready, State::Cleanup, State::Stopping, State::Stopped, State::Missing] {
        assert_eq!(running(state), "running 0");
    }
    assert!(classic(empty(), &["running"]).is_empty(), "an unknown state is not 0");
}

#[test]
fn defect_2_current_percentiles_were_always_zero() {
    let names = [
        "requests_current_response_time_percentile_95",
        "requests_current_response_time_percentile_50",
    ];
    assert_eq!(
        classic(running(), &names),
        [
            "requests_current_response_time_percentile_95 740",
            "requests_current_response_time_percentile_50 1",
        ]
    );
}

#[test]
fn defect_3_the_aggregated_row_doubled_every_sum() {
    let aggregated: Vec<String> = collect(&expose(&schemas(&[Classic]), vec![sighting(running())]))
        .iter()
        .filter(|family| {
            let values = family.samples.iter().flat_map(|series| &series.labels);
            values.map(|(_, value)| value).any(|value| value == "Aggregated")
        })
        .map(|family| family.meta.name.to_string())
        .collect();
    assert_eq!(aggregated, ["locust_requests_num_requests", "locust_requests_num_failures"]);
    let of_all: Vec<_> = classic(running(), &["requests_num_requests", "requests_num_failures"])
        .into_iter()
        .filter(|line| line.contains("Aggregated"))
        .collect();
    assert_eq!(
        of_all,
        [
            r#"requests_num_requests{method="",name="Aggregated"} 104"#,
            r#"requests_num_failures{method="",name="Aggregated"} 26"#,
        ]
    );
    for family in collect(&expose(&schemas_inside(&[Standard]), vec![within(inside())])) {
        let mut values = family.samples.iter().flat_map(|series| &series.labels);
        assert!(!values.any(|(_, value)| value == "Aggregated"), "{}", family.meta.name);
    }
}

#[test]
fn defect_9_custom_percentiles_gave_a_false_zero() {
    let mut snapshot = empty();
    snapshot.endpoints = vec![endpoint("GET", "/", 4)];
    snapshot.endpoints[0].percentiles = percentiles(&[(0.25, 5.0), (0.99, 9.0), (0.999, 10.0)]);
    snapshot.current_percentiles = percentiles(&[(0.9, 7.0)]);
    let names = [
        "requests_current_response_time_percentile_95",
        "requests_current_response_time_percentile_50",
        "requests_response_time_percentile_95",
        "requests_response_time_percentile_99",
        "stats_ninetieth_response_time",
    ];
    assert_eq!(
        lines(&[Classic, Boomer], snapshot, &names),
        [r#"requests_response_time_percentile_99{method="GET",name="/"} 9"#]
    );
}

#[test]
fn defect_10_a_null_percentile_gave_a_false_zero() {
    let mut snapshot = running();
    snapshot.current_percentiles.clear();
    snapshot.endpoints.truncate(1);
    snapshot.endpoints[0].percentiles.clear();
    let names = [
        "requests_current_response_time_percentile_95",
        "requests_response_time_percentile_95",
        "requests_response_time_percentile_99",
    ];
    assert!(classic(snapshot, &names).is_empty());
}

#[test]
fn a_percentile_is_known_by_its_share_however_it_was_written() {
    let mut snapshot = empty();
    let value = locust_model::Millis(3.0);
    snapshot.current_percentiles = vec![Percentile { q: 0.95_f64.next_up(), value }];
    assert_eq!(
        classic(snapshot, &["requests_current_response_time_percentile_95"]),
        ["requests_current_response_time_percentile_95 3"]
    );
}

#[test]
fn defect_11_missing_workers_were_counted_as_workers() {
    let mut snapshot = empty();
    snapshot.workers = Some(vec![
        worker("a", State::Running, 2),
        worker("b", State::from_word("hatching"), 1),
        worker("c", State::Spawning, 1),
        worker("d", State::Ready, 0),
        worker("e", State::Missing, 0),
    ]);
    let names = [
        "workers_count",
        "workers_running_count",
        "workers_hatching_count",
        "workers_missing_count",
        "slave_count",
    ];
    assert_eq!(
        lines(&[Classic, Boomer], snapshot, &names),
        [
            "workers_count 4",
            "workers_running_count 1",
            "workers_hatching_count 2",
            "workers_missing_count 1",
            "slave_count 4",
        ]
    );
}

#[test]
fn defect_12_workers_totals_classes_and_exceptions_were_not_exported() {
    let names = [
        "worker_cpu_usage_ratio",
        "worker_memory_bytes",
        "user_class_users",
        "user_exceptions_total",
    ];
    assert_eq!(
        lines(&[Standard], running(), &names),
        [
            r#"user_class_users{user_class="FastU"} 5"#,
            r#"user_class_users{user_class="WebUser"} 10"#,
            r#"worker_cpu_usage_ratio{worker_id="loadgen_a"} 0.375"#,
            r#"worker_cpu_usage_ratio{worker_id="loadgen_b"} 0.375"#,
            r#"worker_memory_bytes{worker_id="loadgen_a"} 57282560"#,
            r#"worker_memory_bytes{worker_id="loadgen_b"} 57282560"#,
            r#"user_exceptions_total{exception="name 'x' is not defined"} 7"#,
        ]
    );
    let mut snapshot = running();
    snapshot.endpoints.truncate(1);
    assert_eq!(
        lines(&[Standard], snapshot, &["requests_total", "request_failures_total"]),
        [
            r#"requests_total{method="GET",name="/cart"} 40"#,
            r#"request_failures_total{method="GET",name="/cart"} 10"#,
        ]
    );
}
