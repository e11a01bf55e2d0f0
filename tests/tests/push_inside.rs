//! Locust with the exporter inside pushes to real servers: after a run their totals are Locust's and
//! their quantiles the recorded ones, and after its end they show nothing any more.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use e2e::inside::{Inside, Means};
use e2e::locust::Stats;
use e2e::promql::Promql;
use e2e::push::{Backends, OURS, Options};
use e2e::text::Scrape;
use e2e::{compare, known, net, place, vars};

const DURATION: &str = "locust_request_duration_seconds";

/// A Locust that pushes every second, known response times among its requests.
fn pushing(name: &str, means: &Means, options: Options) -> Result<Inside> {
    Inside::start(name, means, "known.py", |plan| {
        plan.files.push(place::locustfile("mixed.py"));
        plan.users = 4;
        plan.run_time = Some(6);
        let options = options
            .with("push.interval", "1s")
            .with("push.final-timeout", "30s")
            .with("push.instance", "inside");
        plan.args.extend(options.for_inside());
    })
}

/// Waits until the load has stopped, and `look` finds all of its requests; then ends Locust.
fn end(inside: &mut Inside, look: impl Fn(f64) -> Result<()>) -> Result<Stats> {
    let stats = inside.locust.web.wait_until_still(Duration::from_mins(1))?;
    look(stats.aggregated("num_requests")?)?;
    inside.locust.main.stop(Duration::from_secs(40))?;
    Ok(stats)
}

fn equal(scrape: &Scrape, stats: &Stats) -> Result<()> {
    compare::all_near(&compare::inside(scrape, stats)?)?;
    compare::all_equal(&compare::errors(scrape, stats)?)
}

fn wait_for_total(promql: Promql, made: f64) -> Result<()> {
    promql.wait_for_value("sum(locust_requests_total)", made)
}

/// The series have ended, and their last values were Locust's.
fn ended_equal(promql: Promql, stats: &Stats) -> Result<()> {
    promql.wait_until_empty(&format!("{{{OURS}}}"), Duration::from_secs(30))?;
    equal(&promql.scrape(OURS)?, stats)
}

/// What a quantile of the known response times is over the last samples of this metric.
fn quantile(promql: Promql, metric: &str, q: f64) -> Result<f64> {
    let selector = format!("{metric}{{name={:?}}}", known::NAME);
    let query = format!("histogram_quantile({q}, last_over_time({selector}[10m]))");
    promql.value(&query)?.with_context(|| format!("{query} gives nothing"))
}

fn classic(promql: Promql) -> Result<()> {
    known::classic(|q| quantile(promql, &format!("{DURATION}_bucket"), q))
}

fn native(promql: Promql, metric: &str) -> Result<()> {
    known::native(|q| quantile(promql, metric, q))
}

#[test]
fn a_pushgateway_remote_write_2_and_otlp_over_http_get_all() -> Result<()> {
    let Some(means) = Means::find(vars::LOCUST_2_47_0)? else { return Ok(()) };
    let Some(backends) = Backends::find()? else { return Ok(()) };
    let name = "push-inside-2";
    let folder = place::logs(&format!("{name}-backends"))?;
    let (pushgateway, scraping) = backends.pushgateway(&folder)?;
    let written = backends.prometheus(&folder)?;
    let victoria = backends.victoria(&folder)?;
    let options = Options::default()
        .with("pushgateway.url", pushgateway.url())
        .with("pushgateway.interval", "1s")
        .with("push.remote-write.url", written.write_url())
        .with("push.remote-write.version", "2.0")
        .with("push.otlp.endpoint", victoria.otlp_url())
        .with("push.otlp.protocol", "http/protobuf");
    let mut inside = pushing(name, &means, options)?;
    let stats = end(&mut inside, |made| {
        wait_for_total(scraping.promql, made)?;
        wait_for_total(written.promql, made)?;
        wait_for_total(victoria.promql, made)
    })?;
    ended_equal(written.promql, &stats)?;
    classic(written.promql)?;
    native(written.promql, DURATION)?;
    ended_equal(victoria.promql, &stats)?;
    classic(victoria.promql)?;
    // A Pushgateway keeps what it has.
    equal(&pushgateway.scrape()?, &stats)?;
    let scrapes = "timestamp(sum(push_time_seconds))";
    let before = scraping.promql.value(scrapes)?;
    net::wait_for("Prometheus scrapes once more", Duration::from_mins(1), || {
        Ok((scraping.promql.value(scrapes)? > before).then_some(()))
    })?;
    equal(&scraping.promql.scrape(OURS)?, &stats)?;
    classic(scraping.promql)
}

#[test]
fn a_prometheus_without_native_histograms_gets_the_classic_ones() -> Result<()> {
    let Some(means) = Means::find(vars::LOCUST_2_47_0)? else { return Ok(()) };
    let Some(backends) = Backends::find()? else { return Ok(()) };
    let name = "push-inside-classic";
    let written = backends.prometheus_without_native(&place::logs(&format!("{name}-backends"))?)?;
    let options = Options::default().with("push.remote-write.url", written.write_url());
    let mut inside = pushing(name, &means, options)?;
    let stats = end(&mut inside, |made| wait_for_total(written.promql, made))?;
    ended_equal(written.promql, &stats)?;
    classic(written.promql)
}

#[test]
fn remote_write_1_and_a_collector_over_grpc_get_all() -> Result<()> {
    let Some(means) = Means::find(vars::LOCUST_2_47_0)? else { return Ok(()) };
    let Some(backends) = Backends::find()? else { return Ok(()) };
    let name = "push-inside-1";
    let folder = place::logs(&format!("{name}-backends"))?;
    let written = backends.prometheus(&folder)?;
    let collector = backends.collector(&folder)?;
    let options = Options::default()
        .with("push.remote-write.url", written.write_url())
        .with("push.remote-write.version", "1.0")
        .with("push.remote-write.native-histograms", "always")
        .with("push.otlp.endpoint", collector.grpc_url())
        .with("push.otlp.protocol", "grpc")
        .with("push.otlp.histogram", "exponential");
    let mut inside = pushing(name, &means, options)?;
    let stats = end(&mut inside, |made| wait_for_total(written.promql, made))?;
    ended_equal(written.promql, &stats)?;
    classic(written.promql)?;
    native(written.promql, DURATION)?;
    let scrape = collected(&collector, &stats)?;
    compare::all_near(&compare::inside(&scrape, &stats)?)?;
    let exponential = duration(&collector, "ExponentialHistogram")?;
    known::native(|q| known::quantile(&exponential, q))
}

#[test]
fn a_receiver_of_remote_write_1_alone_and_a_collector_over_http_get_all() -> Result<()> {
    let Some(means) = Means::find(vars::LOCUST_2_47_0)? else { return Ok(()) };
    let Some(backends) = Backends::find()? else { return Ok(()) };
    let name = "push-inside-auto";
    let folder = place::logs(&format!("{name}-backends"))?;
    let victoria = backends.victoria(&folder)?;
    let collector = backends.collector(&folder)?;
    let options = Options::default()
        .with("push.remote-write.url", victoria.write_url())
        .with("push.otlp.endpoint", collector.http_url())
        .with("push.otlp.protocol", "http/protobuf");
    let mut inside = pushing(name, &means, options)?;
    let stats = end(&mut inside, |made| wait_for_total(victoria.promql, made))?;
    ended_equal(victoria.promql, &stats)?;
    classic(victoria.promql)?;
    let scrape = collected(&collector, &stats)?;
    compare::all_near(&compare::inside(&scrape, &stats)?)?;
    let explicit = duration(&collector, "Histogram")?;
    known::classic(|q| known::quantile(&explicit, q))
}

#[test]
fn exponential_histograms_by_otlp_give_the_quantiles() -> Result<()> {
    let Some(means) = Means::find(vars::LOCUST_2_47_0)? else { return Ok(()) };
    let Some(backends) = Backends::find()? else { return Ok(()) };
    let name = "push-inside-exponential";
    let victoria = backends.victoria(&place::logs(&format!("{name}-backends"))?)?;
    let options = Options::default()
        .with("push.otlp.endpoint", victoria.otlp_url())
        .with("push.otlp.histogram", "exponential");
    let mut inside = pushing(name, &means, options)?;
    let stats = end(&mut inside, |made| wait_for_total(victoria.promql, made))?;
    // Its buckets of exponential histograms do not end: a point without a value has none.
    victoria.promql.wait_until_empty("locust_requests_total", Duration::from_secs(30))?;
    equal(&victoria.promql.scrape(OURS)?, &stats)?;
    native(victoria.promql, &format!("{DURATION}_bucket"))
}

/// What the collector received last, when it has printed all.
fn collected(collector: &e2e::collector::Collector, stats: &Stats) -> Result<Scrape> {
    let made = stats.aggregated("num_requests")?;
    net::wait_for("the collector prints all", Duration::from_mins(1), || {
        let scrape = collector.scrape()?;
        Ok(scrape.sum("locust_requests_total").total_cmp(&made).is_eq().then_some(scrape))
    })
}

/// The last distribution of the known response times, of this kind.
fn duration(collector: &e2e::collector::Collector, kind: &str) -> Result<e2e::collector::Value> {
    let points = collector.last_pass()?;
    let found = points.iter().find(|point| {
        let name = point.labels.get("name").map(String::as_str);
        point.prometheus_name() == DURATION && name == Some(known::NAME)
    });
    let point = found.context("no such point")?;
    ensure!(point.kind == kind && point.start > 0 && point.start < point.time, "{point:?}");
    ensure!(point.resource.get("service.instance.id").is_some_and(|it| it == "inside"));
    Ok(point.value.clone())
}
