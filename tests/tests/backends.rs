//! The servers that are pushed to: that they take what is given to them, and keep it over a restart,
//! without which the tests of pushing would prove nothing.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::push::Backends;
use e2e::{http, net, place};

#[test]
fn a_pushgateway_keeps_what_was_pushed_and_prometheus_scrapes_it() -> Result<()> {
    let Some(backends) = Backends::find()? else { return Ok(()) };
    let (mut pushgateway, mut prometheus) = backends.pushgateway(&place::logs("backend-push")?)?;
    let path = "/metrics/job/other/instance/one";
    let given = http::send("PUT", pushgateway.server.address, path, &[], "a_total 5\n")?;
    ensure!(given.status == 200, "{}", given.text()?);
    let series = r#"a_total{job="other",instance="one"}"#;
    prometheus.promql.wait_for_value(series, 5.0)?;
    net::wait_for("what was pushed is on disk", Duration::from_secs(20), || {
        Ok(pushgateway.server.folder().join("pushgateway.store").exists().then_some(()))
    })?;
    pushgateway.server.kill()?;
    prometheus.server.kill()?;
    pushgateway.server.start_again()?;
    prometheus.server.start_again()?;
    ensure!(pushgateway.scrape()?.value("a_total", &[("instance", "one")])? > 4.0);
    let before = prometheus.promql.samples(series, "10m")?;
    ensure!(before.len() == 1, "what was scraped is lost: {before:?}");
    net::wait_for("Prometheus scrapes again", Duration::from_mins(1), || {
        let samples = prometheus.promql.samples(series, "10m")?;
        Ok((samples[0].1.len() > before[0].1.len()).then_some(()))
    })?;
    http::send("DELETE", pushgateway.server.address, path, &[], "")?;
    prometheus.promql.wait_until_empty(series, Duration::from_mins(1))
}

#[test]
fn victoria_metrics_keeps_what_was_written() -> Result<()> {
    let Some(backends) = Backends::find()? else { return Ok(()) };
    let mut victoria = backends.victoria(&place::logs("backend-victoria")?)?;
    let route = "/api/v1/import/prometheus";
    let given = http::send("POST", victoria.server.address, route, &[], "a_total{b=\"c\"} 5\n")?;
    ensure!(given.status == 204, "{}", given.text()?);
    victoria.promql.wait_for_value("a_total", 5.0)?;
    victoria.server.stop()?;
    victoria.server.start_again()?;
    victoria.promql.wait_for_value("last_over_time(a_total[10m])", 5.0)?;
    let scrape = victoria.promql.scrape("b=\"c\"")?;
    ensure!(scrape.value("a_total", &[("b", "c")])? > 4.0);
    Ok(())
}

#[test]
fn a_collector_prints_what_it_receives() -> Result<()> {
    const JSON: &str = r#"{"resourceMetrics":[{"resource":{"attributes":[
        {"key":"service.name","value":{"stringValue":"locust"}}]},"scopeMetrics":[{"metrics":[
        {"name":"a","unit":"s","sum":{"aggregationTemporality":2,"isMonotonic":true,
        "dataPoints":[{"timeUnixNano":"17","asDouble":5,
        "attributes":[{"key":"b","value":{"stringValue":"c"}}]}]}}]}]}]}"#;
    let Some(backends) = Backends::find()? else { return Ok(()) };
    let mut collector = backends.collector(&place::logs("backend-collector")?)?;
    for _ in 0..2 {
        let json = [("Content-Type", "application/json")];
        let address = collector.server.address;
        let given = http::send("POST", address, "/v1/metrics", &json, JSON)?;
        ensure!(given.status == 200, "{} {}", given.status, given.text()?);
        let points = net::wait_for("it is printed", Duration::from_secs(20), || {
            Ok(Some(collector.points()?).filter(|points| !points.is_empty()))
        })?;
        ensure!(points.len() == 1 && points[0].resource["service.name"] == "locust", "{points:?}");
        let scrape = collector.scrape()?;
        ensure!(scrape.value("a_seconds_total", &[("b", "c")])? > 4.0, "{points:?}");
        collector.server.kill()?;
        collector.server.start_again()?;
    }
    Ok(())
}
