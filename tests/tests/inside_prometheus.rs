//! A real Prometheus scrapes the exporter inside Locust, and its quantiles are the truth as near as
//! the buckets allow.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use e2e::inside::{Inside, Means, snippet};
use e2e::prometheus::{Job, Prometheus};
use e2e::{known, net, tool, vars};

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
    known::native(|q| ask(&format!("histogram_quantile({q}, locust_request_duration_seconds)")))?;
    let buckets = "locust_request_duration_seconds_bucket";
    known::classic(|q| ask(&format!("histogram_quantile({q}, {buckets})")))
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
