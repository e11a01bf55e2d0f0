//! Compares the exporter's numbers with Locust's, once both stand still.

use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use e2e::locust::Stats;
use e2e::text::Scrape;

use super::scene::Scene;
use crate::step::step;

/// How long the load goes on once it is there.
const LOAD: Duration = Duration::from_secs(10);

/// One number, as each of both tells it.
struct Pair {
    what: String,
    on_metrics: f64,
    in_locust: f64,
}

/// Lets the load run, stops it, compares, and says the verdict.
pub(crate) fn check(scene: &Scene) -> Result<()> {
    step(&format!("load for {} s", LOAD.as_secs()), || {
        thread::sleep(LOAD);
        Ok(())
    })?;
    let stats = step("stopping the load, until the numbers stand still", || {
        scene.locust.web.stop()?;
        scene.locust.web.wait_until_still(Duration::from_secs(30))
    })?;
    let answer = scene.exporter.metrics("text/plain;version=0.0.4")?;
    println!("{}", answer.ok()?);
    let scrape = Scrape::parse(answer.ok()?).context("/metrics")?;

    let pairs = pairs(&scrape, &stats)?;
    let different = pairs.iter().filter(|pair| !same(pair.on_metrics, pair.in_locust));
    let differences: Vec<_> = different
        .map(|it| format!("{}: {} on /metrics, {} in Locust", it.what, it.on_metrics, it.in_locust))
        .collect();
    for difference in &differences {
        println!("{difference}");
    }
    let requests = &pairs[0];
    let verdict = if differences.is_empty() { "equal" } else { "DIFFERENT" };
    println!(
        "demo check: {} requests on /metrics, {} in Locust: {verdict} ({} numbers compared)",
        requests.on_metrics,
        requests.in_locust,
        pairs.len()
    );
    ensure!(requests.in_locust > 0.0, "Locust made no requests");
    if !differences.is_empty() {
        bail!("{} of {} numbers differ", differences.len(), pairs.len());
    }
    Ok(())
}

fn same(a: f64, b: f64) -> bool {
    a.total_cmp(&b).is_eq()
}

/// What both must agree on; the number of all requests first.
fn pairs(scrape: &Scrape, stats: &Stats) -> Result<Vec<Pair>> {
    let mut pairs = Vec::new();
    let mut add = |what: String, on_metrics: f64, in_locust: f64| {
        pairs.push(Pair { what, on_metrics, in_locust });
    };
    let requests = stats.aggregated("num_requests")?;
    let failures = stats.aggregated("num_failures")?;
    let aggregated = [("method", ""), ("name", "Aggregated")];
    for (metric, in_locust) in
        [("locust_requests_total", requests), ("locust_request_failures_total", failures)]
    {
        add(format!("sum({metric})"), scrape.sum(metric), in_locust);
    }
    for (metric, in_locust) in
        [("locust_requests_num_requests", requests), ("locust_requests_num_failures", failures)]
    {
        let value = scrape.value(metric, &aggregated)?;
        add(format!("{metric}{{method=\"\",name=\"Aggregated\"}}"), value, in_locust);
    }
    for row in stats.endpoints() {
        let method = row["method"].as_str().unwrap_or_default();
        let name = row["name"].as_str().context("a row without a name")?;
        let labels = [("method", method), ("name", name)];
        for (metric, key) in [
            ("locust_requests_total", "num_requests"),
            ("locust_request_failures_total", "num_failures"),
            ("locust_requests_num_requests", "num_requests"),
        ] {
            let in_locust = row[key].as_f64().with_context(|| format!("{name} has no {key}"))?;
            add(format!("{metric} of {method} {name}"), scrape.value(metric, &labels)?, in_locust);
        }
    }
    Ok(pairs)
}
