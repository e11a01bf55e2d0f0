//! Locustfiles as they are published, with hosts and ports of ours.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::inside::{Inside, Means, snippet};
use e2e::text::Scrape;
use e2e::{http, vars};

#[test]
fn the_class_api_serves_from_locusts_start_to_its_end() -> Result<()> {
    let Some(means) = Means::find(vars::LOCUST_2_47_0)? else { return Ok(()) };
    let class = |folder: &Path, address| snippet("class_api.py", folder, address);
    let inside = Inside::start_file("inside-class", &means, class, |_, _| {})?;
    inside.wait_for("requests of both tasks", |scrape| {
        let names = ["/", "/about/"].map(|name| [("name", name), ("status", "200")]);
        let both = names.iter().all(|labels| {
            scrape.series("locust_requests_total", labels).any(|sample| sample.value > 0.0)
        });
        Ok(both.then_some(()))
    })?;
    inside.locust.web.stop()?;
    let stats = inside.locust.web.wait_until_still(Duration::from_secs(30))?;
    // All users have called `stop` by now.
    let made = stats.aggregated("num_requests")?;
    let scraped = inside.scrape()?.sum("locust_requests_total");
    ensure!(scraped.total_cmp(&made).is_eq(), "{scraped} requests on /metrics, {made} in Locust");
    Ok(())
}

#[test]
fn custom_metrics_are_served_beside_ours() -> Result<()> {
    let Some(means) = Means::find(vars::LOCUST_2_47_0)? else { return Ok(()) };
    let class = |folder: &Path, address| snippet("custom_metrics.py", folder, address);
    let inside = Inside::start_file("inside-custom", &means, class, |_, _| {})?;
    inside.wait_for("both series of the gauge", |scrape| {
        let is = |label, wanted: f64| {
            let mut found = scrape.series("my_gauge", label);
            found.next().is_some_and(|sample| sample.value.total_cmp(&wanted).is_eq())
        };
        Ok((is(&[("label", "index")], 1.0) && is(&[("label", "about")], 2.0)).then_some(()))
    })?;
    let answer = inside.metrics("text/plain;version=0.0.4")?;
    let text = answer.ok()?;
    ensure!(text.contains("# HELP my_gauge Description of my gauge\n# TYPE my_gauge gauge\n"));
    Ok(())
}

#[test]
fn a_collector_on_the_page_is_served_with_ours_and_each_series_once() -> Result<()> {
    let Some(means) = Means::find(vars::LOCUST_2_47_0)? else { return Ok(()) };
    let plugin = means.plugin()?;
    let inside = Inside::start_file(
        "inside-collector",
        &means,
        |folder, address| snippet("collector.py", folder, address),
        |plan, address| {
            // The route needs no port; one is opened for this test to wait for.
            plan.files.push(plugin);
            plan.args.push(format!("--exporter-web-listen-address={address}"));
        },
    )?;
    let page = inside.locust.web.address;
    inside.locust.web.wait_for_requests(2, 0)?;
    // Parsed, so that no series stands twice.
    let scrape = Scrape::parse(http::get(page, "/metrics")?.ok()?)?;
    let service = [("service", "shop")];
    for metric in
        ["locust_user_count", "locust_state", "locust_stats_num_requests", "locust_errors"]
    {
        ensure!(scrape.series(metric, &service).next().is_some(), "no {metric}");
        ensure!(scrape.series(metric, &[]).all(|it| it.label("service") == "shop"), "{metric}");
    }
    let states: Vec<_> = scrape.series("locust_state", &service).collect();
    ensure!(states.len() == 1 && states[0].label("state") == "running", "{states:?}");
    ensure!(scrape.value("shop_carts_open", &[])?.total_cmp(&7.0).is_eq());

    let some = http::get(page, "/metrics?name[]=locust_user_count&name[]=shop_carts_open")?;
    let some = Scrape::parse(some.ok()?)?;
    let mut names: Vec<_> = some.0.iter().map(|sample| sample.name.as_str()).collect();
    names.dedup();
    ensure!(names == ["locust_user_count", "shop_carts_open"], "{names:?}");
    let open = [("Accept", "application/openmetrics-text;version=1.0.0")];
    let open = http::ask("GET", page, "/metrics", &open)?;
    let kind = open.header("content-type").unwrap_or_default();
    ensure!(kind.starts_with("application/openmetrics-text"), "{kind}");
    ensure!(open.ok()?.ends_with("\n# EOF\n"));
    Ok(())
}
