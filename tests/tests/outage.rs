//! Locust goes, and comes back.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::locust::Locust;
use e2e::scenario::Scenario;
use e2e::{net, tool, vars};

/// What the exporter knows of itself. All else would be stale while Locust is down.
const OWN: &[&str] =
    &["locust_up", "locust_scrape_", "locust_exporter_", "locust_total_scrapes", "process_"];

#[test]
fn nothing_stale_is_shown_while_locust_is_down_and_all_is_back_when_it_is() -> Result<()> {
    let Some(locust) = tool::find(vars::LOCUST_2_47_0)? else { return Ok(()) };
    let port = net::free_port()?;
    let fixed = |plan: &mut e2e::locust::Plan| plan.port = Some(port);
    let mut scenario = Scenario::start("outage", locust, "mixed.py", fixed, &[])?;
    let exporter = &scenario.exporter;
    scenario.locust.web.wait_for_requests(3, 0)?;
    let scrape = exporter.scrape()?;
    ensure!(scrape.value("locust_up", &[])? > 0.0 && scrape.sum("locust_requests_total") > 0.0);

    scenario.locust.main.kill()?;
    let scrape = exporter.scrape()?;
    ensure!(scrape.value("locust_up", &[])? < 1.0, "locust_up is 1 though Locust is down");
    for sample in &scrape.0 {
        let own = OWN.iter().any(|prefix| sample.name.starts_with(prefix));
        ensure!(own, "{sample:?} is shown though Locust is down");
    }

    let again = Locust::start(&scenario.plan, &scenario.folder("again")?)?;
    again.web.wait_for_requests(3, 0)?;
    net::wait_for("the exporter shows requests again", Duration::from_secs(15), || {
        let scrape = exporter.scrape()?;
        let back = scrape.value("locust_up", &[])? > 0.0;
        Ok((back && scrape.sum("locust_requests_total") > 0.0).then_some(()))
    })
}
