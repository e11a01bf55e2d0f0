//! Compares the exporter's numbers with Locust's, once both stand still.

use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use e2e::compare::{self, Pair};
use e2e::text::Scrape;

use super::scene::Scene;
use crate::step::step;

/// How long the load goes on once it is there.
const LOAD: Duration = Duration::from_secs(8);

/// Lets the load run, stops it, compares, and says the verdict.
pub(crate) fn check(scene: &Scene) -> Result<()> {
    step(&format!("load for {} s", LOAD.as_secs()), || {
        thread::sleep(LOAD);
        Ok(())
    })?;
    let stats = step("stopping the load, until the numbers stand still", || {
        scene.locust.web.stop()?;
        scene.locust.web.wait_until_still(Duration::from_secs(15))
    })?;
    let answer = scene.exporter.metrics("text/plain;version=0.0.4")?;
    println!("{}", answer.ok()?);
    let scrape = Scrape::parse(answer.ok()?).context("/metrics")?;

    let mut pairs = compare::requests(&scrape, &stats)?;
    pairs.extend(compare::errors(&scrape, &stats)?);
    let different: Vec<_> = pairs.iter().filter(|pair| !pair.is_equal()).collect();
    for pair in &different {
        println!("{pair}");
    }
    let (on_metrics, in_locust) = numbers(&pairs)?;
    let verdict = if different.is_empty() { "equal" } else { "DIFFERENT" };
    println!("demo check: {} numbers compared, {} differ", pairs.len(), different.len());
    println!("demo check: {on_metrics} requests on /metrics, {in_locust} in Locust: {verdict}");
    ensure!(in_locust > 0.0, "Locust made no requests");
    if !different.is_empty() {
        bail!("{} of {} numbers differ", different.len(), pairs.len());
    }
    Ok(())
}

/// The number of all requests, which comes first.
fn numbers(pairs: &[Pair]) -> Result<(f64, f64)> {
    let first = pairs.first().context("nothing to compare")?;
    Ok((first.exported.unwrap_or(f64::NAN), first.wanted.unwrap_or(f64::NAN)))
}
