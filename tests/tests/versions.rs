//! Old and new Locusts, each alone in its process: what it shows and what we export is the same.

use std::time::Duration;

use anyhow::Result;
use e2e::scenario::Scenario;
use e2e::{compare, tool, vars};

#[test]
fn every_number_of_locust_2_47_0_is_exported_to_the_last_digit() -> Result<()> {
    let Some((scenario, stats)) = run_to_its_end("2.47.0", vars::LOCUST_2_47_0)? else {
        return Ok(());
    };
    let scrape = scenario.exporter.scrape()?;
    compare::all_equal(&compare::requests(&scrape, &stats)?)?;
    compare::all_equal(&compare::errors(&scrape, &stats)?)
}

#[test]
fn every_number_of_locust_2_43_0_is_exported_to_the_last_digit() -> Result<()> {
    let Some((scenario, stats)) = run_to_its_end("2.43.0", vars::LOCUST_2_43_0)? else {
        return Ok(());
    };
    let scrape = scenario.exporter.scrape()?;
    compare::all_equal(&compare::requests(&scrape, &stats)?)?;
    compare::all_equal(&compare::errors(&scrape, &stats)?)
}

#[test]
fn every_number_of_locust_2_20_1_is_exported_to_the_last_digit() -> Result<()> {
    let Some((scenario, stats)) = run_to_its_end("2.20.1", vars::LOCUST_2_20_1)? else {
        return Ok(());
    };
    let scrape = scenario.exporter.scrape()?;
    compare::all_equal(&compare::requests(&scrape, &stats)?)?;
    // This version gives the errors' texts escaped; only their counts are the same.
    compare::all_equal(&[compare::sum_of_errors(&scrape, &stats)])
}

/// Ten seconds of load, and what Locust shows when all has come to rest.
fn run_to_its_end(version: &str, variable: &str) -> Result<Option<(Scenario, e2e::locust::Stats)>> {
    let Some(locust) = tool::find(variable)? else { return Ok(None) };
    let name = format!("version-{version}");
    let scenario =
        Scenario::start(&name, locust, "mixed.py", |plan| plan.run_time = Some(10), &[])?;
    let stats = scenario.locust.web.wait_until_still(Duration::from_secs(40))?;
    Ok(Some((scenario, stats)))
}
