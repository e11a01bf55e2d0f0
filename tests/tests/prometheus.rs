//! A real Prometheus scrapes the exporter in each of its formats, and answers `PromQL`.

use std::sync::LazyLock;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use e2e::locust::Stats;
use e2e::prometheus::{Job, Labels, Prometheus};
use e2e::scenario::Scenario;
use e2e::{net, tool, vars};

/// A job's name, the only format that it accepts, and that format's media type.
const FORMATS: &[(&str, &str, &str)] = &[
    ("text", "PrometheusText0.0.4", "text/plain"),
    ("openmetrics", "OpenMetricsText1.0.0", "application/openmetrics-text"),
    ("protobuf", "PrometheusProto", "application/vnd.google.protobuf"),
];

struct Scene {
    /// Has one job for each format.
    formats: Prometheus,
    stats: Stats,
    scenario: Scenario,
}

/// Ten seconds of load that has stopped, scraped in all formats. All tests here share it.
fn scene() -> Result<Option<&'static Scene>> {
    static SCENE: LazyLock<Result<Option<Scene>>> = LazyLock::new(|| {
        let Some(locust) = tool::find(vars::LOCUST_2_47_0)? else { return Ok(None) };
        let Some(prometheus) = tool::find(vars::PROMETHEUS)? else { return Ok(None) };
        let load = |plan: &mut e2e::locust::Plan| plan.run_time = Some(10);
        let scenario = Scenario::start("prometheus", locust, "mixed.py", load, &[])?;
        let address = scenario.exporter.address;
        let jobs: Vec<_> =
            FORMATS.iter().map(|&(name, protocol, _)| Job { name, address, protocol }).collect();
        let formats = Prometheus::start(&prometheus, &jobs, &scenario.logs)?;
        let stats = scenario.locust.web.wait_until_still(Duration::from_secs(40))?;
        Ok(Some(Scene { formats, stats, scenario }))
    });
    SCENE.as_ref().map(Option::as_ref).map_err(|error| anyhow!("{error:#}"))
}

/// The header that asks for a format alone.
fn accept(media: &str) -> String {
    match media {
        "application/vnd.google.protobuf" => {
            format!("{media};proto=io.prometheus.client.MetricFamily;encoding=delimited")
        }
        "application/openmetrics-text" => format!("{media};version=1.0.0"),
        _ => format!("{media};version=0.0.4"),
    }
}

#[test]
fn in_every_format_promql_gives_locusts_numbers() -> Result<()> {
    let Some(scene) = scene()? else { return Ok(()) };
    for (job, _, media) in FORMATS {
        let answer = scene.scenario.exporter.metrics(&accept(media))?;
        let given = answer.header("content-type").unwrap_or_default();
        ensure!(given.starts_with(media), "{given} is given where {media} is asked for");
        let errors = scene.formats.scrape_errors()?;
        ensure!(errors.is_empty(), "scrapes fail: {errors:?}");
        let wait =
            |expression: &str, wanted| scene.formats.promql.wait_for_value(expression, wanted);
        wait(&format!("up{{job={job:?}}}"), 1.0)?;
        wait(&format!("locust_up{{job={job:?}}}"), 1.0)?;
        for (metric, key) in [
            ("locust_requests_total", "num_requests"),
            ("locust_request_failures_total", "num_failures"),
        ] {
            wait(&format!("sum({metric}{{job={job:?}}})"), scene.stats.aggregated(key)?)?;
            for row in scene.stats.endpoints() {
                let (method, name) = (&row["method"], &row["name"]);
                let wanted = row[key].as_f64().context("no number")?;
                // JSON writes these texts as PromQL does.
                let labels = format!("job={job:?},method={method},name={name}");
                wait(&format!("{metric}{{{labels}}}"), wanted)?;
            }
        }
    }
    Ok(())
}

#[test]
fn the_series_are_the_same_in_every_format() -> Result<()> {
    let Some(scene) = scene()? else { return Ok(()) };
    let series = |job: &str| -> Result<Vec<Labels>> {
        let vector = scene.formats.promql.vector(&format!("{{job={job:?}}}"))?;
        let mut series: Vec<_> = vector.into_iter().map(|(labels, _)| labels).collect();
        for labels in &mut series {
            labels.remove("job");
        }
        series.sort();
        Ok(series)
    };
    for (job, _, _) in FORMATS {
        scene.formats.promql.wait_for_value(&format!("up{{job={job:?}}}"), 1.0)?;
    }
    let text = series("text")?;
    ensure!(text.len() > 100, "only {} series", text.len());
    for (job, _, _) in &FORMATS[1..] {
        let other = series(job)?;
        let lacking: Vec<_> = text.iter().filter(|it| !other.contains(it)).collect();
        let further: Vec<_> = other.iter().filter(|it| !text.contains(it)).collect();
        ensure!(
            lacking.is_empty() && further.is_empty(),
            "{job} lacks {lacking:#?} and has {further:#?}"
        );
    }
    Ok(())
}

#[test]
fn a_prometheus_that_may_choose_takes_a_format_it_can_read() -> Result<()> {
    let Some(locust) = tool::find(vars::LOCUST_2_47_0)? else { return Ok(()) };
    let Some(prometheus) = tool::find(vars::PROMETHEUS)? else { return Ok(()) };
    let scenario = Scenario::start("negotiation", locust, "mixed.py", |_| {}, &[])?;
    let address = scenario.exporter.address;
    let protocol = "PrometheusProto, OpenMetricsText1.0.0, OpenMetricsText0.0.1, \
                    PrometheusText1.0.0, PrometheusText0.0.4";
    let jobs = [Job { name: "any", address, protocol }];
    let prometheus = Prometheus::start(&prometheus, &jobs, &scenario.logs)?;
    net::wait_for("Prometheus sees requests", Duration::from_secs(30), || {
        let errors = prometheus.scrape_errors()?;
        ensure!(errors.is_empty(), "scrapes fail: {errors:?}");
        Ok(prometheus
            .promql
            .value("sum(locust_requests_total)")?
            .filter(|requests| *requests > 0.0))
    })?;
    Ok(())
}
