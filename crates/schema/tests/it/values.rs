//! What single metrics say.

use locust_model::{Millis, State};
use schema::Schema::{Boomer, Classic, Standard};
use schema::{Config, View};

use crate::collect::{lines, lines_of, schemas_inside};
use crate::snapshots::{
    empty, endpoint, inside, inside_by_status, local, percentiles, running, stopped, worker,
};

const NOTHING: [&str; 0] = [];

#[test]
fn the_whole_tests_rates_are_zero_without_a_test_and_locusts_own_otherwise() {
    let names = ["requests_per_second", "request_failures_per_second"];
    for (state, requests, failures) in [
        (Some(State::Ready), "0", "0"),
        (Some(State::Spawning), "38.5", "16.25"),
        (Some(State::Running), "38.5", "16.25"),
        (Some(State::Cleanup), "38.5", "16.25"),
        (Some(State::Stopping), "38.5", "16.25"),
        (Some(State::Stopped), "0", "0"),
        (Some(State::Missing), "0", "0"),
        (Some(State::Other("napping".into())), "38.5", "16.25"),
        (None, "38.5", "16.25"),
    ] {
        let mut snapshot = running();
        snapshot.state = state.clone();
        assert_eq!(
            lines(&[Standard], snapshot, &names),
            [
                format!("requests_per_second {requests}"),
                format!("request_failures_per_second {failures}"),
            ],
            "{state:?}"
        );
    }
}

#[test]
fn rows_of_classic_keep_locusts_values_after_the_stop() {
    let mut snapshot = stopped();
    snapshot.endpoints.truncate(1);
    assert_eq!(
        lines(&[Standard, Classic], snapshot, &["requests_current_rps", "requests_per_second"]),
        ["requests_per_second 0", r#"requests_current_rps{method="GET",name="/cart"} 2.5"#,]
    );
}

#[test]
fn an_unknown_state_has_a_series_of_its_own() {
    let mut snapshot = empty();
    snapshot.state = Some(State::Other("napping".into()));
    let standard = lines(&[Standard], snapshot.clone(), &["state"]);
    assert_eq!(standard.len(), State::KNOWN.len() + 1);
    assert_eq!(standard.last().unwrap(), r#"state{state="napping"} 1"#);
    assert!(standard[..State::KNOWN.len()].iter().all(|line| line.ends_with(" 0")), "{standard:?}");
    assert_eq!(lines(&[Boomer], snapshot, &["state"]), [r#"state{state="napping"} 1"#]);
}

#[test]
fn the_median_is_the_quantile_one_half_unless_locust_has_that_percentile() {
    let mut snapshot = empty();
    snapshot.endpoints = vec![endpoint("GET", "/", 2)];
    let names = ["request_duration_seconds"];
    assert_eq!(
        lines(&[Standard], snapshot.clone(), &names),
        [
            r#"request_duration_seconds{method="GET",name="/",quantile="0.5"} 0.008"#,
            r#"request_duration_seconds{method="GET",name="/",quantile="0.95"} 0.04"#,
            r#"request_duration_seconds{method="GET",name="/",quantile="0.99"} 0.32"#,
        ]
    );
    snapshot.endpoints[0].percentiles = percentiles(&[(0.25, 5.0), (0.5, 9.0)]);
    assert_eq!(
        lines(&[Standard], snapshot, &names),
        [
            r#"request_duration_seconds{method="GET",name="/",quantile="0.25"} 0.005"#,
            r#"request_duration_seconds{method="GET",name="/",quantile="0.5"} 0.009"#,
        ]
    );
}

#[test]
fn sums_are_averages_times_requests() {
    let mut snapshot = empty();
    snapshot.endpoints = vec![endpoint("GET", "/", 3)];
    snapshot.endpoints[0].avg_content_length = Some(960.25);
    let names = ["request_duration_seconds_sum", "response_length_bytes_total"];
    assert_eq!(
        lines(&[Standard], snapshot, &names),
        [
            r#"request_duration_seconds_sum{method="GET",name="/"} 0.0375"#,
            r#"response_length_bytes_total{method="GET",name="/"} 2881"#,
        ]
    );
}

#[test]
fn a_row_that_was_reset_counts_from_nothing_and_has_no_quantiles() {
    let mut snapshot = empty();
    snapshot.endpoints = vec![endpoint("GET", "/", 0)];
    snapshot.endpoints[0].avg = None;
    snapshot.endpoints[0].avg_content_length = None;
    snapshot.endpoints[0].median = Some(Millis(0.0));
    let names = [
        "request_duration_seconds",
        "request_duration_seconds_sum",
        "request_duration_seconds_count",
        "response_length_bytes_total",
    ];
    assert_eq!(
        lines(&[Standard], snapshot, &names),
        [
            r#"request_duration_seconds_sum{method="GET",name="/"} 0"#,
            r#"request_duration_seconds_count{method="GET",name="/"} 0"#,
            r#"response_length_bytes_total{method="GET",name="/"} 0"#,
        ]
    );
}

#[test]
fn workers_are_counted_by_state_with_a_zero_for_states_that_none_is_in() {
    let mut snapshot = empty();
    assert_eq!(lines(&[Standard], snapshot.clone(), &["workers"]), NOTHING, "a local run");
    snapshot.workers = Some(vec![
        worker("a", State::Running, 1),
        worker("b", State::Other("napping".into()), 1),
        worker("c", State::Running, 1),
        worker("d", State::Other("napping".into()), 1),
    ]);
    assert_eq!(
        lines(&[Standard], snapshot, &["workers"]),
        [
            r#"workers{state="ready"} 0"#,
            r#"workers{state="spawning"} 0"#,
            r#"workers{state="running"} 2"#,
            r#"workers{state="missing"} 0"#,
            r#"workers{state="napping"} 2"#,
        ]
    );
}

#[test]
fn a_master_whose_workers_are_hidden_while_it_stops_has_none_in_any_state() {
    let mut snapshot = empty();
    snapshot.workers = Some(Vec::new());
    let states = lines(&[Standard], snapshot, &["workers"]);
    assert!(states.len() == 4 && states.iter().all(|line| line.ends_with(" 0")), "{states:?}");
}

#[test]
fn in_a_local_run_classic_counts_no_workers_and_boomer_does_not_count() {
    assert_eq!(
        lines(&[Classic, Boomer], local(), &["workers_count", "slave_count"]),
        ["workers_count 0"]
    );
}

#[test]
fn what_is_known_inside_is_exposed() {
    let mut snapshot = inside();
    snapshot.endpoints.truncate(1);
    snapshot.workers.as_mut().unwrap().truncate(1);
    let names = [
        "users_waiting",
        "users_total",
        "cpu_warnings_total",
        "request_length_bytes_total",
        "response_length_bytes_total",
        "worker_last_heartbeat_timestamp_seconds",
        "info",
    ];
    assert_eq!(
        lines_of(&schemas_inside(&[Standard]), snapshot, &names),
        [
            r#"info{version="2.47.0",host="https://shop.example:8443",run_id="0badcafe",testplan="checkout"} 1"#,
            "users_waiting 11",
            "users_total 23",
            r#"worker_last_heartbeat_timestamp_seconds{worker_id="loadgen_a"} 1767225607"#,
            r#"request_length_bytes_total{method="GET",name="/cart"} 1024"#,
            r#"response_length_bytes_total{method="GET",name="/cart"} 40321"#,
            "cpu_warnings_total 2",
        ]
    );
}

#[test]
fn response_times_are_kept_apart_by_status_where_that_is_wanted() {
    let mut snapshot = inside_by_status();
    snapshot.endpoints.truncate(1);
    let by_status =
        Config { view: View::Inside { duration_by_status: true }, ..schemas_inside(&[Standard]) };
    assert_eq!(
        lines_of(&by_status, snapshot, &["request_duration_seconds_count"]),
        [
            r#"request_duration_seconds_count{method="GET",name="/cart",status=""} 0"#,
            r#"request_duration_seconds_count{method="GET",name="/cart",status="200"} 30"#,
            r#"request_duration_seconds_count{method="GET",name="/cart",status="503"} 10"#,
        ]
    );
}

#[test]
fn what_is_unknown_of_the_info_is_empty() {
    let info = [r#"info{version="",host="",run_id="",testplan=""} 1"#];
    assert_eq!(lines(&[Standard], empty(), &["info"]), info);
}
