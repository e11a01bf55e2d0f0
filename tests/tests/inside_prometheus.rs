//! A real Prometheus scrapes the exporter inside Locust, and its quantiles are the truth as near as
//! the buckets allow.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use e2e::inside::{Inside, Means, snippet};
use e2e::prometheus::{Job, Prometheus};
use e2e::{net, tool, vars};

/// The native histogram's buckets are so much wider at the top than at the bottom. It starts with
/// schema 5 (2.2 %), and is merged down to 160 buckets: the range of `known.py` needs 4.
const NATIVE_ERROR: f64 = 0.045;

/// Upper bounds of the classic buckets, in seconds.
const BOUNDS: [f64; 15] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

const QUANTILES: [f64; 5] = [0.05, 0.5, 0.9, 0.95, 0.99];

/// The quantile of `known.py`'s response times, in seconds.
fn truth(q: f64) -> f64 {
    0.002 * 4000_f64.powf(((q * 1000.0).ceil() - 1.0) / 999.0)
}

#[test]
fn quantiles_of_both_histograms_are_within_the_stated_error() -> Result<()> {
    let Some(means) = Means::find(vars::LOCUST_2_47_0)? else { return Ok(()) };
    let Some(prometheus) = tool::find(vars::PROMETHEUS)? else { return Ok(()) };
    let inside = Inside::start("inside-quantiles", &means, "known.py", |plan| {
        plan.users = 1;
        plan.run_time = Some(5);
    })?;
    let address = inside.metrics;
    let jobs = [Job { name: "inside", address, protocol: "PrometheusProto" }];
    let prometheus = Prometheus::start(&prometheus, &jobs, &inside.logs)?;
    let stats = inside.locust.web.wait_until_still(Duration::from_secs(30))?;
    let made = stats.aggregated("num_requests")?;
    let rounds = made / 1000.0;
    ensure!(rounds >= 5.0 && rounds.fract().total_cmp(&0.0).is_eq(), "{made} requests");
    prometheus.promql.wait_for_value("histogram_count(locust_request_duration_seconds)", made)?;
    prometheus.promql.wait_for_value("sum(locust_requests_total)", made)?;
    let ask = |expression: &str| {
        prometheus.promql.value(expression)?.with_context(|| format!("{expression} gives nothing"))
    };
    for q in QUANTILES {
        let truth = truth(q);
        let native = ask(&format!("histogram_quantile({q}, locust_request_duration_seconds)"))?;
        let error = (native / truth - 1.0).abs();
        ensure!(error <= NATIVE_ERROR, "native {q}: {native}, the truth is {truth}");
        let buckets = "locust_request_duration_seconds_bucket";
        let classic = ask(&format!("histogram_quantile({q}, {buckets})"))?;
        let above = BOUNDS.partition_point(|bound| *bound < truth);
        let within = BOUNDS[above - 1] <= classic && classic <= BOUNDS[above];
        ensure!(within, "classic {q}: {classic} is not in the bucket of {truth}");
    }
    Ok(())
}

#[test]
fn the_usual_queries_answer() -> Result<()> {
    const RATE: &str = r#"sum(rate(locust_requests_total{method="GET", status="200"}[5m]))"#;
    const P95: &str = r#"histogram_quantile(0.95, sum(rate(locust_request_duration_seconds_bucket{name="/about/"}[5m])) by (le, name))"#;
    let Some(means) = Means::find(vars::LOCUST_2_47_0)? else { return Ok(()) };
    let Some(prometheus) = tool::find(vars::PROMETHEUS)? else { return Ok(()) };
    let inside = Inside::start_file(
        "inside-queries",
        &means,
        |folder, address| snippet("class_api.py", folder, address),
        |_, _| {},
    )?;
    let jobs = [Job { name: "inside", address: inside.metrics, protocol: "PrometheusText0.0.4" }];
    let prometheus = Prometheus::start(&prometheus, &jobs, &inside.logs)?;
    let found = |expression: &str| {
        net::wait_for(expression, Duration::from_secs(40), || {
            let value = prometheus.promql.value(expression)?;
            Ok(value.filter(|value| value.is_finite() && *value > 0.0))
        })
    };
    let rate = found(RATE)?;
    ensure!(rate < 100.0, "{rate} requests per second");
    let p95 = found(P95)?;
    ensure!(p95 < 1.0, "{p95} s");
    Ok(())
}
