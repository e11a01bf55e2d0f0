//! Compares both exporters' numbers with Locust's, once all stand still.

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
    let beside = Scrape::parse(answer.ok()?).context("/metrics")?;
    let inside = scene.scrape_inside().context("/metrics inside Locust")?;

    let mut of_beside = compare::requests(&beside, &stats)?;
    of_beside.extend(compare::errors(&beside, &stats)?);
    let mut of_inside = compare::inside(&inside, &stats)?;
    of_inside.extend(compare::errors(&inside, &stats)?);
    // Inside, averages of several workers are summed up in another order than Locust does.
    let different =
        say("beside", &of_beside, Pair::is_equal)? + say("inside", &of_inside, Pair::is_near)?;
    if different > 0 {
        bail!("{different} of {} numbers differ", of_beside.len() + of_inside.len());
    }
    Ok(())
}

/// Says how the numbers of one face stand to Locust's; gives how many differ.
fn say(face: &str, pairs: &[Pair], agree: fn(&Pair) -> bool) -> Result<usize> {
    let different: Vec<_> = pairs.iter().filter(|pair| !agree(pair)).collect();
    for pair in &different {
        println!("{face}: {pair}");
    }
    let (on_metrics, in_locust) = numbers(pairs)?;
    let verdict = if different.is_empty() { "equal" } else { "DIFFERENT" };
    println!("demo check, {face}: {} numbers compared, {} differ", pairs.len(), different.len());
    println!(
        "demo check, {face}: {on_metrics} requests on /metrics, {in_locust} in Locust: {verdict}"
    );
    ensure!(in_locust > 0.0, "Locust made no requests");
    Ok(different.len())
}

/// The number of all requests, which comes first.
fn numbers(pairs: &[Pair]) -> Result<(f64, f64)> {
    let first = pairs.first().context("nothing to compare")?;
    Ok((first.exported.unwrap_or(f64::NAN), first.wanted.unwrap_or(f64::NAN)))
}
