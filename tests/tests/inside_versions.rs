//! The oldest Locust that is supported inside, and one between.

use std::time::Duration;

use anyhow::Result;
use e2e::inside::{Inside, Means};
use e2e::{compare, vars};

#[test]
fn inside_locust_2_43_0_every_number_equals_locusts() -> Result<()> {
    equal("2.43.0", vars::LOCUST_2_43_0)
}

#[test]
fn inside_locust_2_32_0_every_number_equals_locusts() -> Result<()> {
    equal("2.32.0", vars::LOCUST_2_32_0)
}

/// A master with one worker, and what both show when all has come to rest.
fn equal(version: &str, variable: &str) -> Result<()> {
    let Some(means) = Means::find(variable)? else { return Ok(()) };
    let name = format!("inside-{version}");
    let inside = Inside::start(&name, &means, "mixed.py", |plan| {
        plan.workers = 1;
        plan.run_time = Some(8);
    })?;
    let stats = inside.locust.web.wait_until_still(Duration::from_secs(40))?;
    let scrape = inside.scrape()?;
    compare::all_near(&compare::inside(&scrape, &stats)?)?;
    compare::all_equal(&compare::errors(&scrape, &stats)?)
}
