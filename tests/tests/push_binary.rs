//! The binary pushes to real servers what it would answer to a scrape.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::push::{Backends, OURS, Options};
use e2e::scenario::Scenario;
use e2e::{compare, net, place, tool, vars};

#[test]
fn every_backend_has_locusts_numbers_and_nothing_after_the_end() -> Result<()> {
    let Some(locust) = tool::find(vars::LOCUST_2_47_0)? else { return Ok(()) };
    let Some(backends) = Backends::find()? else { return Ok(()) };
    let folder = place::logs("push-binary-backends")?;
    let (pushgateway, scraping) = backends.pushgateway(&folder)?;
    let written = backends.prometheus(&folder)?;
    let victoria = backends.victoria(&folder)?;
    let options = Options::default()
        .with("pushgateway.url", pushgateway.url())
        .with("pushgateway.interval", "1s")
        .with_switch("pushgateway.delete-on-exit")
        .with("push.remote-write.url", written.write_url())
        .with("push.otlp.endpoint", victoria.otlp_url())
        .with("push.interval", "1s")
        .with("push.final-timeout", "30s")
        .with("push.instance", "binary")
        .for_binary();
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    let load = |plan: &mut e2e::locust::Plan| plan.run_time = Some(6);
    let mut scenario = Scenario::start("push-binary", locust, "mixed.py", load, &options)?;
    let stats = scenario.locust.web.wait_until_still(Duration::from_mins(1))?;
    let made = stats.aggregated("num_requests")?;
    for promql in [scraping.promql, written.promql, victoria.promql] {
        promql.wait_for_value("sum(locust_requests_total)", made)?;
        let scrape = promql.scrape(OURS)?;
        compare::all_near(&compare::requests(&scrape, &stats)?)?;
        compare::all_equal(&compare::errors(&scrape, &stats)?)?;
    }
    let scrape = scenario.exporter.scrape()?;
    for sink in ["remote_write", "otlp", "pushgateway"] {
        let sent = scrape.value("locust_exporter_push_sent_points_total", &[("sink", sink)])?;
        ensure!(sent > 0.0, "{sink}: {sent} points sent");
    }
    ensure!(scrape.sum("locust_exporter_push_dropped_points_total") <= 0.0, "points were dropped");

    let end = scenario.exporter.process.stop(Duration::from_secs(40))?;
    ensure!(end.success(), "{end}\n{}", scenario.exporter.process.log_tail());
    for promql in [written.promql, victoria.promql] {
        promql.wait_until_empty(&format!("{{{OURS}}}"), Duration::from_secs(30))?;
        compare::all_near(&compare::requests(&promql.scrape(OURS)?, &stats)?)?;
    }
    let left = pushgateway.scrape()?;
    ensure!(!left.has("locust_requests_total"), "the group is still there");
    net::wait_for("Prometheus sees the group go", Duration::from_mins(1), || {
        let left = scraping.promql.vector(&format!("{{{OURS}}}"))?;
        Ok(left.is_empty().then_some(()))
    })
}
