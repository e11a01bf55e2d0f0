//! The Go exporters' metrics, one by one, against the JSON that they are made of.

use e2e::text::Scrape;
use serde_json::Value;

use crate::answers;
use crate::exporter::{Plan, assert_absent, assert_is};
use crate::locust::Locust;

/// Metrics of an endpoint, and the key of Locust's row that each shows.
const OF_A_ROW: [(&str, &str); 11] = [
    ("locust_requests_num_requests", "num_requests"),
    ("locust_requests_num_failures", "num_failures"),
    ("locust_requests_avg_response_time", "avg_response_time"),
    ("locust_requests_min_response_time", "min_response_time"),
    ("locust_requests_max_response_time", "max_response_time"),
    ("locust_requests_median_response_time", "median_response_time"),
    ("locust_requests_current_rps", "current_rps"),
    ("locust_requests_current_fail_per_sec", "current_fail_per_sec"),
    ("locust_requests_avg_content_length", "avg_content_length"),
    ("locust_requests_response_time_percentile_95", "response_time_percentile_0.95"),
    ("locust_requests_response_time_percentile_99", "response_time_percentile_0.99"),
];

/// Those that the Aggregated row has, too: dashboards ask for them by `method=""`.
const OF_ALL: [&str; 2] = ["locust_requests_num_requests", "locust_requests_num_failures"];

fn scrape() -> (Scrape, Value) {
    let locust = Locust::running();
    (Plan::of(&locust).start().scrape(), answers::json("2.47/running_stats.json"))
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Asserts that the series of this name have exactly these labels.
#[track_caller]
fn assert_labels(scrape: &Scrape, name: &str, labels: &[&str]) {
    assert!(scrape.has(name), "{name}");
    for sample in scrape.series(name, &[]) {
        let mut expected = labels.to_vec();
        expected.sort_unstable();
        assert_eq!(sample.labels.keys().collect::<Vec<_>>(), expected, "{name}");
    }
}

#[test]
fn up_running_users_and_scrapes_are_told() {
    let (scrape, stats) = scrape();
    for (name, value) in [
        ("locust_up", 1.0),
        ("locust_running", 2.0),
        ("locust_users", number(&stats["user_count"])),
        ("locust_requests_fail_ratio", number(&stats["fail_ratio"])),
        ("locust_total_scrapes", 1.0),
    ] {
        assert_is(&scrape, name, &[], value);
        assert_labels(&scrape, name, &[]);
    }
}

#[test]
fn the_state_is_a_number_as_the_dashboards_map_it() {
    let locust = Locust::running();
    let exporter = Plan::of(&locust).start();
    for (state, value) in [
        ("ready", 0.0),
        ("spawning", 1.0),
        ("hatching", 1.0),
        ("running", 2.0),
        ("cleanup", 0.0),
        ("stopping", 0.0),
        ("stopped", 0.0),
    ] {
        locust.set_stats(answers::in_state(state));
        assert_is(&exporter.scrape(), "locust_running", &[], value);
    }
}

#[test]
fn workers_are_counted_by_state_and_detailed_by_id() {
    let (scrape, stats) = scrape();
    for (name, value) in [
        ("locust_workers_count", 2.0),
        ("locust_workers_running_count", 2.0),
        ("locust_workers_hatching_count", 0.0),
        ("locust_workers_missing_count", 0.0),
    ] {
        assert_is(&scrape, name, &[], value);
        assert_labels(&scrape, name, &[]);
    }
    for worker in stats["workers"].as_array().unwrap() {
        let labels = [("id", text(&worker["id"])), ("state", text(&worker["state"]))];
        let users = number(&worker["user_count"]);
        assert_is(&scrape, "locust_worker_detail", &labels, users);
    }
    assert_labels(&scrape, "locust_worker_detail", &["id", "state"]);
}

#[test]
fn current_percentiles_are_those_of_all_requests_together() {
    let (scrape, stats) = scrape();
    let current = &stats["current_response_time_percentiles"];
    for (name, key) in [("95", "0.95"), ("50", "0.5")] {
        let name = format!("locust_requests_current_response_time_percentile_{name}");
        let value = number(&current[format!("response_time_percentile_{key}")]);
        assert_is(&scrape, &name, &[], value);
        assert_labels(&scrape, &name, &[]);
    }
}

#[test]
fn every_endpoint_has_every_metric_with_method_and_name() {
    let (scrape, stats) = scrape();
    let rows = stats["stats"].as_array().unwrap();
    assert_eq!(rows.len(), 10, "nine endpoints, and all together");
    for (metric, key) in OF_A_ROW {
        let of_all = OF_ALL.contains(&metric);
        for row in rows {
            let labels = [("method", text(&row["method"])), ("name", text(&row["name"]))];
            if row["name"] != "Aggregated" || of_all {
                assert_is(&scrape, metric, &labels, number(&row[key]));
            } else {
                assert_absent(&scrape, metric, &labels);
            }
        }
        assert_labels(&scrape, metric, &["method", "name"]);
        assert_eq!(scrape.series(metric, &[]).count(), if of_all { 10 } else { 9 }, "{metric}");
    }
}

#[test]
fn every_error_has_its_occurrences() {
    let (scrape, stats) = scrape();
    let errors = stats["errors"].as_array().unwrap();
    for error in errors {
        let label = |key: &str| text(&error[key]).to_owned();
        let (method, name, text) = (label("method"), label("name"), label("error"));
        let labels = [("method", &*method), ("name", &*name), ("error", &*text)];
        assert_is(&scrape, "locust_errors", &labels, number(&error["occurrences"]));
    }
    assert_labels(&scrape, "locust_errors", &["error", "method", "name"]);
    assert_eq!(scrape.series("locust_errors", &[]).count(), errors.len());
}

#[test]
fn all_are_gauges_but_the_scrapes() {
    let locust = Locust::running();
    let exporter = Plan::of(&locust).arg("--metrics.schema=classic").start();
    let answer = exporter.get("/metrics");
    let metrics = answer.ok().unwrap();
    for line in metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        let is_counter = name == "locust_total_scrapes" || name.starts_with("locust_exporter_");
        let is_counter = is_counter && name != "locust_exporter_build_info";
        assert_eq!(kind, if is_counter { "counter" } else { "gauge" }, "{name}");
    }
}
