//! Ten seconds of a headless Locust, as in a pipeline that nobody scrapes: shorter than the interval
//! of pushing, and yet its final totals are in each backend.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use e2e::inside::{EQUAL, Inside, Means};
use e2e::push::{self, Backends, OURS, Options, Totals};
use e2e::text::Scrape;
use e2e::{net, place, vars};

/// Runs it to its end, and gives Locust's own totals.
fn run(name: &str, means: &Means, options: &Options) -> Result<Totals> {
    let mut inside = Inside::start(name, means, "mixed.py", |plan| {
        plan.headless = true;
        plan.run_time = Some(10);
        plan.args.extend(["--json-file", "final"].map(str::to_owned));
        plan.args.extend(options.for_inside());
    })?;
    // A run with failures ends with 1, as without us.
    let status = inside.locust.main.wait(Duration::from_mins(1))?;
    let log = inside.locust.main.log_tail();
    ensure!(status.code() == Some(1), "{status}\n{log}");
    ensure!(inside.locust.main.log().contains(EQUAL), "{log}");
    push::wanted(&push::final_stats(&inside.logs.join("final.json"))?)
}

/// Waits until what `look` shows has these totals: some backends take a while to show what came.
fn wait_for(who: &str, wanted: &Totals, look: impl Fn() -> Result<Scrape>) -> Result<()> {
    let mut last = Totals::new();
    let seen =
        net::wait_for(&format!("{who} has the final totals"), Duration::from_mins(1), || {
            last = push::totals(&look()?);
            Ok((last == *wanted).then_some(()))
        });
    seen.with_context(|| format!("it has {last:#?}, Locust {wanted:#?}"))
}

#[test]
fn a_short_run_leaves_its_totals_at_a_pushgateway_by_remote_write_2_and_by_otlp() -> Result<()> {
    let Some(means) = Means::find(vars::LOCUST_2_47_0)? else { return Ok(()) };
    let Some(backends) = Backends::find()? else { return Ok(()) };
    let folder = place::logs("push-headless-2-backends")?;
    let (pushgateway, scraping) = backends.pushgateway(&folder)?;
    let written = backends.prometheus(&folder)?;
    let victoria = backends.victoria(&folder)?;
    let options = Options::default()
        .with("pushgateway.url", pushgateway.url())
        .with("push.remote-write.url", written.write_url())
        .with("push.remote-write.version", "2.0")
        .with("push.otlp.endpoint", victoria.otlp_url());
    let wanted = run("push-headless-2", &means, &options)?;
    wait_for("the Pushgateway", &wanted, || pushgateway.scrape())?;
    wait_for("whoever scrapes it", &wanted, || scraping.promql.scrape(OURS))?;
    wait_for("Prometheus", &wanted, || written.promql.scrape(OURS))?;
    wait_for("VictoriaMetrics", &wanted, || victoria.promql.scrape(OURS))
}

#[test]
fn a_short_run_leaves_its_totals_by_remote_write_1_and_at_a_collector_over_grpc() -> Result<()> {
    let Some(means) = Means::find(vars::LOCUST_2_47_0)? else { return Ok(()) };
    let Some(backends) = Backends::find()? else { return Ok(()) };
    let folder = place::logs("push-headless-1-backends")?;
    let written = backends.prometheus(&folder)?;
    let collector = backends.collector(&folder)?;
    let options = Options::default()
        .with("push.remote-write.url", written.write_url())
        .with("push.remote-write.version", "1.0")
        .with("push.otlp.endpoint", collector.grpc_url())
        .with("push.otlp.protocol", "grpc");
    let wanted = run("push-headless-1", &means, &options)?;
    wait_for("Prometheus", &wanted, || written.promql.scrape(OURS))?;
    wait_for("the collector", &wanted, || collector.scrape())
}

#[test]
fn a_short_run_leaves_its_totals_where_remote_write_2_is_not_known_and_at_a_collector() -> Result<()>
{
    let Some(means) = Means::find(vars::LOCUST_2_47_0)? else { return Ok(()) };
    let Some(backends) = Backends::find()? else { return Ok(()) };
    let folder = place::logs("push-headless-auto-backends")?;
    let victoria = backends.victoria(&folder)?;
    let collector = backends.collector(&folder)?;
    let options = Options::default()
        .with("push.remote-write.url", victoria.write_url())
        .with("push.otlp.endpoint", collector.http_url());
    let wanted = run("push-headless-auto", &means, &options)?;
    wait_for("VictoriaMetrics", &wanted, || victoria.promql.scrape(OURS))?;
    wait_for("the collector", &wanted, || collector.scrape())
}
