//! Dashboard 11985, which users have imported: every question it asks is answered, rightly.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use e2e::compare::CLASSIC_ROW;
use e2e::locust::Stats;
use e2e::prometheus::{Job, Prometheus};
use e2e::scenario::Scenario;
use e2e::{net, tool, vars};
use serde_json::Value;

/// The rows' metrics that the dashboard shows by method and name.
const BY_ROW: &[&str] = &[
    "avg_content_length",
    "min_response_time",
    "max_response_time",
    "avg_response_time",
    "median_response_time",
    "num_failures",
    "current_fail_per_sec",
    "num_requests",
    "current_rps",
];

/// What it asks for one number.
const SINGLE: &[&str] = &[
    "locust_running",
    "locust_users",
    "sum(locust_requests_current_rps)",
    "locust_requests_num_requests{method=~\"\"}",
    "locust_requests_num_failures{method=~\"\"}",
    "locust_requests_fail_ratio",
    "locust_requests_fail_ratio * 100",
    "locust_workers_count",
    "avg(locust_requests_max_response_time)",
    "avg(locust_requests_min_response_time)",
    "avg(locust_requests_avg_response_time)",
    "avg(locust_requests_median_response_time)",
    "locust_requests_current_response_time_percentile_95",
    "locust_requests_current_response_time_percentile_50",
];

/// What it asks for many.
const MANY: &[&str] = &[
    "sum(locust_errors) by (method, name, error)",
    "rate(locust_requests_num_requests{method=~\".+\"}[1m])",
];

#[test]
fn every_question_of_dashboard_11985_is_answered_rightly() -> Result<()> {
    let Some(locust) = tool::find(vars::LOCUST_2_47_0)? else { return Ok(()) };
    let Some(prometheus) = tool::find(vars::PROMETHEUS)? else { return Ok(()) };
    let scenario = Scenario::start("dashboard", locust, "mixed.py", |_| {}, &[])?;
    let address = scenario.exporter.address;
    let jobs = [Job { name: "locust", address, protocol: "PrometheusText0.0.4" }];
    let prometheus = Prometheus::start(&prometheus, &jobs, &scenario.logs)?;

    // Locust's current percentiles take ten seconds of load to come.
    for expression in SINGLE {
        net::wait_for(expression, Duration::from_secs(25), || prometheus.promql.value(expression))?;
    }
    let by_row = BY_ROW.iter().map(|metric| by_row(metric));
    for expression in MANY.iter().map(|it| (*it).to_owned()).chain(by_row) {
        net::wait_for(&expression, Duration::from_secs(10), || {
            Ok((!prometheus.promql.vector(&expression)?.is_empty()).then_some(()))
        })?;
    }
    prometheus.promql.wait_for_value("locust_running", 2.0)?;
    prometheus.promql.wait_for_value("locust_users", 5.0)?;

    scenario.locust.web.stop()?;
    let stats = scenario.locust.web.wait_until_still(Duration::from_secs(30))?;
    single_numbers_are_right(&prometheus, &stats)?;
    rows_are_right(&prometheus, &stats)
}

fn by_row(metric: &str) -> String {
    format!("sum(locust_requests_{metric}{{method=~\".+\"}}) by (method, name)")
}

fn single_numbers_are_right(prometheus: &Prometheus, stats: &Stats) -> Result<()> {
    let column =
        |key: &str| -> Vec<f64> { stats.endpoints().filter_map(|row| row[key].as_f64()).collect() };
    let sum = |key: &str| column(key).iter().sum::<f64>();
    let mean = |key: &str| sum(key) / column(key).len() as f64;
    let fail_ratio = stats.0["fail_ratio"].as_f64().context("no fail_ratio")?;
    for (expression, wanted) in [
        ("locust_running", 0.0),
        ("locust_users", 0.0),
        ("locust_workers_count", 0.0),
        ("locust_requests_num_requests{method=~\"\"}", stats.aggregated("num_requests")?),
        ("locust_requests_num_failures{method=~\"\"}", stats.aggregated("num_failures")?),
        ("locust_requests_fail_ratio", fail_ratio),
        ("locust_requests_fail_ratio * 100", fail_ratio * 100.0),
    ] {
        prometheus.promql.wait_for_value(expression, wanted)?;
    }
    // Sums in another order may differ in the last digit.
    for (expression, wanted) in [
        ("sum(locust_requests_current_rps)", sum("current_rps")),
        ("avg(locust_requests_max_response_time)", mean("max_response_time")),
        ("avg(locust_requests_min_response_time)", mean("min_response_time")),
        ("avg(locust_requests_avg_response_time)", mean("avg_response_time")),
        ("avg(locust_requests_median_response_time)", mean("median_response_time")),
    ] {
        let found = prometheus.promql.value(expression)?.with_context(|| expression.to_owned())?;
        ensure!((found - wanted).abs() <= wanted * 1e-12, "{expression}: {found}, not {wanted}");
    }
    Ok(())
}

/// A key of each row, by method and name.
fn rows<'a>(rows: impl Iterator<Item = &'a Value>, key: &str) -> BTreeMap<(String, String), f64> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let row = |row: &Value| Some(((text(&row["method"]), text(&row["name"])), row[key].as_f64()?));
    rows.filter_map(row).collect()
}

fn rows_are_right(prometheus: &Prometheus, stats: &Stats) -> Result<()> {
    let label = |labels: &e2e::prometheus::Labels, name: &str| labels[name].clone();
    for metric in BY_ROW {
        let (_, key) = CLASSIC_ROW
            .iter()
            .find(|(name, _)| name.ends_with(metric))
            .context("no such metric")?;
        let found = prometheus.promql.vector(&by_row(metric))?.into_iter();
        let found: BTreeMap<_, _> = found
            .map(|(labels, value)| ((label(&labels, "method"), label(&labels, "name")), value))
            .collect();
        let wanted = rows(stats.endpoints(), key);
        ensure!(found == wanted, "{metric}: {found:?}, not {wanted:?}");
    }
    let errors = prometheus.promql.vector("sum(locust_errors) by (method, name, error)")?;
    ensure!(errors.len() == stats.errors().count(), "{} errors", errors.len());
    for (labels, occurrences) in errors {
        let known = stats.errors().any(|row| {
            ["method", "name", "error"].iter().all(|it| row[*it] == *labels[*it])
                && row["occurrences"].as_f64() == Some(occurrences)
        });
        ensure!(known, "Locust does not know the error {labels:?} {occurrences}");
    }
    Ok(())
}
