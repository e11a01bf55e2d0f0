//! A real Prometheus scrapes the exporter inside Locust, and its quantiles are the truth as near as
//! the buckets allow.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use e2e::inside::{Inside, Means, snippet};
use e2e::prometheus::{Job, Prometheus};
use e2e::{known, net, place, tool, vars};

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

/// The scrape configuration of a page of the documentation, with another target.
fn documented(page: &str, target: SocketAddr) -> Result<String> {
    let text = fs::read_to_string(place::root().join("docs").join(page))?;
    let blocks = text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let block = blocks.into_iter().find(|block| block.starts_with("scrape_configs:"));
    let block = block.with_context(|| format!("{page} has no scrape configuration"))?;
    let with_target = block.replace("localhost:9646", &target.to_string());
    ensure!(with_target != block, "{page}: another target than localhost:9646");
    Ok(with_target.replace("scrape_interval: 5s", "scrape_interval: 1s"))
}

#[test]
fn the_documented_scrape_configuration_keeps_the_classic_buckets_beside_native_ones() -> Result<()>
{
    let Some(means) = Means::find(vars::LOCUST_2_47_0)? else { return Ok(()) };
    let Some(prometheus) = tool::find(vars::PROMETHEUS)? else { return Ok(()) };
    let inside = Inside::start("inside-documented", &means, "known.py", |plan| plan.users = 1)?;
    let configuration = documented("inside-locust.md", inside.metrics)?;
    // Prometheus before 3.8 does not know this key, and has a feature flag in its place.
    let of_both = documented("histograms.md", inside.metrics)?
        .lines()
        .filter(|line| !line.contains("scrape_native_histograms"))
        .collect::<Vec<_>>()
        .join("\n");
    let without = configuration
        .lines()
        .filter(|line| !line.contains("always_scrape_classic_histograms"))
        .collect::<Vec<_>>()
        .join("\n");
    for (name, configuration, buckets) in
        [("page", configuration, true), ("both", of_both, true), ("without", without, false)]
    {
        let logs = place::logs(&format!("inside-documented-{name}"))?;
        let prometheus = Prometheus::start_configured(&prometheus, &configuration, &logs)?;
        let native = "histogram_count(locust_request_duration_seconds) > 0";
        net::wait_for(native, Duration::from_secs(30), || prometheus.promql.value(native))?;
        let classic = prometheus.promql.value("count(locust_request_duration_seconds_bucket)")?;
        ensure!(classic.is_some() == buckets, "{name}: {classic:?} bucket series");
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
