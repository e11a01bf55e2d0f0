//! Rows that Locust's JSON leaves out, or can hardly hold.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::scenario::Scenario;
use e2e::{http, net, tool, vars};

#[test]
fn seven_hundred_names_are_all_there_though_locusts_json_holds_five_hundred() -> Result<()> {
    let Some(locust) = tool::find(vars::LOCUST_2_47_0)? else { return Ok(()) };
    let short = |plan: &mut e2e::locust::Plan| plan.run_time = Some(4);
    let scenario = Scenario::start("many", locust, "many.py", short, &[])?;
    let stats = scenario.locust.web.wait_until_still(Duration::from_secs(30))?;
    ensure!(stats.endpoints().count() == 500, "Locust's JSON holds what it held before");

    let scrape = scenario.exporter.scrape()?;
    let names = scrape.series("locust_requests_total", &[]).count();
    ensure!(names == 700, "{names} names");
    for (metric, key) in [
        ("locust_requests_total", "num_requests"),
        ("locust_request_failures_total", "num_failures"),
    ] {
        let (sum, all) = (scrape.sum(metric), stats.aggregated(key)?);
        ensure!(sum.total_cmp(&all).is_eq(), "sum({metric}) {sum}, in Locust {all}");
    }
    let lost = scrape.value("locust_stats_truncated_rows", &[])?;
    ensure!(lost < 1.0, "{lost} rows are said to be lost");
    Ok(())
}

#[test]
fn nan_infinite_and_negative_times_do_not_hide_the_rest_and_are_counted() -> Result<()> {
    let Some(locust) = tool::find(vars::LOCUST_2_47_0)? else { return Ok(()) };
    let scenario = Scenario::start("odd", locust, "odd.py", |_| {}, &[])?;
    let web = scenario.locust.web.address;
    net::wait_for("Locust shows the odd rows", Duration::from_secs(20), || {
        let stats = http::get(web, "/stats/requests")?;
        Ok(stats.ok()?.contains("NaN").then_some(()))
    })?;
    let scrape = scenario.exporter.scrape()?;
    ensure!(scrape.value("locust_up", &[])? > 0.0);
    for (method, name) in [("GET", "/plain"), ("", "/without-method"), ("GET", "/negative")] {
        let labels = [("method", method), ("name", name)];
        ensure!(scrape.value("locust_requests_total", &labels)? > 0.0, "{name}");
    }
    let counted = scrape.sum("locust_exporter_rejected_rows_total");
    ensure!(counted > 0.0, "what makes no sense is left out without being counted");
    for sample in scrape.0.iter().filter(|sample| sample.name.ends_with("_total")) {
        ensure!(sample.value.is_finite() && sample.value >= 0.0, "{sample:?}");
    }
    Ok(())
}
