//! Backends die and come back, and the exporter is killed meanwhile: every sample that was taken is
//! in both of them afterwards, from the spool. A pass has several batches: each of them is there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use e2e::exporter::{self, Exporter};
use e2e::locust::Plan;
use e2e::promql::Promql;
use e2e::push::{self, Backends, OURS, Options};
use e2e::scenario::Scenario;
use e2e::{net, place, tool, vars};

/// More than the exporter may ever have: memory is bounded, whatever waits.
const MEMORY: u64 = 96 << 20;

/// Endpoints, all of them there from the first request on, and how much longer than a number their
/// names are: so much that a pass is several batches of either protocol.
const NAMES: &str = "450";
const TAIL: &str = "300";

/// Matches the series of all endpoints.
const ENDPOINTS: &str = r#"name=~"/page/.+""#;

/// Times at which samples were taken, in milliseconds since 1970.
type Times = BTreeSet<i64>;

fn times(promql: Promql) -> Result<Times> {
    let series = promql.samples("locust_up", "1h")?;
    Ok(series.iter().flat_map(|(_, samples)| samples).map(|(at, _)| *at).collect())
}

fn now() -> Result<i64> {
    Ok(i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?)
}

/// The most batches of one pass that wait in a folder of the spool. A file's header has the time of
/// its pass.
fn batches_of_a_pass(folder: &Path) -> Result<usize> {
    let mut batches = BTreeMap::<Vec<u8>, usize>::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "batch") {
            let file = fs::read(&path)?;
            let time = file.get(8..16).with_context(|| path.display().to_string())?;
            *batches.entry(time.to_vec()).or_default() += 1;
        }
    }
    Ok(batches.into_values().max().unwrap_or_default())
}

/// How long the outages last.
fn outage() -> Result<Duration> {
    let seconds = std::env::var(vars::OUTAGE_SECONDS).unwrap_or_default();
    let seconds = if seconds.is_empty() { "10" } else { &seconds };
    let seconds: u64 = seconds.parse().with_context(|| vars::OUTAGE_SECONDS)?;
    ensure!(seconds >= 10, "{}: less than 10 tells nothing", vars::OUTAGE_SECONDS);
    Ok(Duration::from_secs(seconds))
}

fn start(scenario: &Scenario, options: &[String], logs: &Path) -> Result<Exporter> {
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    Exporter::start(exporter::binary()?, scenario.locust.web.address, &options, logs)
}

#[test]
fn by_remote_write_2_and_otlp_nothing_is_lost() -> Result<()> {
    nothing_is_lost("2.0")
}

#[test]
fn by_remote_write_1_and_otlp_nothing_is_lost() -> Result<()> {
    nothing_is_lost("1.0")
}

fn nothing_is_lost(version: &str) -> Result<()> {
    let Some(locust) = tool::find(vars::LOCUST_2_47_0)? else { return Ok(()) };
    let Some(backends) = Backends::find()? else { return Ok(()) };
    let name = format!("push-outage-{version}");
    let folder = place::logs(&format!("{name}-backends"))?;
    let (mut prometheus, mut victoria) =
        (backends.prometheus(&folder)?, backends.victoria(&folder)?);
    let options = Options::default()
        .with("push.remote-write.url", prometheus.write_url())
        .with("push.remote-write.version", version)
        .with("push.otlp.endpoint", victoria.otlp_url())
        .with("push.interval", "1s")
        .with("push.final-timeout", "1m")
        .with("push.instance", "outage")
        .with("push.spool.path", folder.join("spool").display().to_string())
        .for_binary();
    let given: Vec<_> = options.iter().map(String::as_str).collect();
    let many = |plan: &mut Plan| {
        let variables = [("NAMES", NAMES), ("TAIL", TAIL)];
        plan.variables.extend(variables.map(|(name, value)| (name.to_owned(), value.into())));
    };
    let mut scenario = Scenario::start(&name, locust, "many.py", many, &given)?;
    for promql in [prometheus.promql, victoria.promql] {
        net::wait_for("three pushes have come", Duration::from_mins(1), || {
            Ok((times(promql)?.len() >= 3).then_some(()))
        })?;
    }

    // Prometheus writes down what it takes before it answers; VictoriaMetrics does when it is asked
    // to end.
    let half = outage()? / 2;
    prometheus.server.kill()?;
    thread::sleep(Duration::from_secs(1));
    victoria.server.stop()?;
    thread::sleep(half);
    let peak = scenario.exporter.process.peak_memory()?;
    ensure!(peak <= MEMORY, "{peak} bytes of memory");
    for sink in ["remote-write", "otlp"] {
        let batches = batches_of_a_pass(&folder.join("spool").join(sink))?;
        ensure!(batches > 1, "{sink}: {batches} batches of a pass tell nothing of losing one");
    }
    let killed = now()?;
    scenario.exporter.process.kill()?;
    thread::sleep(Duration::from_secs(2));
    scenario.exporter = start(&scenario, &options, &scenario.folder("again")?)?;
    let again = now()?;
    thread::sleep(half);
    prometheus.server.start_again()?;
    thread::sleep(Duration::from_secs(2));
    victoria.server.start_again()?;

    scenario.locust.web.stop()?;
    let stats = scenario.locust.web.wait_until_still(Duration::from_mins(1))?;
    let made = stats.aggregated("num_requests")?;
    for promql in [prometheus.promql, victoria.promql] {
        promql.wait_for_value("sum(locust_requests_total)", made)?;
    }
    let scrape = scenario.exporter.scrape()?;
    let dropped = scrape.sum("locust_exporter_push_dropped_points_total");
    ensure!(dropped <= 0.0, "{dropped} points were dropped");
    let peak = scenario.exporter.process.peak_memory()?;
    ensure!(peak <= MEMORY, "{peak} bytes of memory");
    let end = scenario.exporter.process.stop(Duration::from_secs(70))?;
    ensure!(end.success(), "{end}\n{}", scenario.exporter.process.log_tail());

    let wanted = push::wanted(&stats)?;
    for promql in [prometheus.promql, victoria.promql] {
        promql.wait_until_empty("locust_requests_total", Duration::from_mins(1))?;
        ensure!(push::totals(&promql.scrape(OURS)?) == wanted, "the totals are not Locust's");
    }
    let (written, collected) = (times(prometheus.promql)?, times(victoria.promql)?);
    same_passes(&written, &collected, killed)?;
    // What one has and the other lacks is seen above; what both lack, here.
    no_gap(&written, killed, again, half)?;
    for promql in [prometheus.promql, victoria.promql] {
        no_series_has_holes(promql, &written, killed)?;
    }
    Ok(())
}

/// Whatever was taken went to both. Of a pass in which the exporter was killed, one may know more
/// than the other.
fn same_passes(written: &Times, collected: &Times, killed: i64) -> Result<()> {
    let different: Vec<_> = written.symmetric_difference(collected).collect();
    ensure!(
        different.iter().all(|at| is_in_the_kill(**at, killed)),
        "passes that only one of both has: {different:?} of {} and {}, killed at {killed}",
        written.len(),
        collected.len()
    );
    Ok(())
}

/// Whether a pass at this time may have been cut short by the kill.
fn is_in_the_kill(at: i64, killed: i64) -> bool {
    (killed - 1500..killed + 500).contains(&at)
}

/// Every series of the endpoints has a sample of every pass since they are there.
fn no_series_has_holes(promql: Promql, passes: &Times, killed: i64) -> Result<()> {
    let metrics = format!("count by (__name__) (last_over_time({{{ENDPOINTS}}}[1h]))");
    let mut firsts = Times::new();
    // One after the other: an outage may be long.
    for (metric, _) in promql.vector(&metrics)? {
        let name = metric.get("__name__").context("a metric without a name")?;
        let all = promql.samples(&format!("{name}{{{ENDPOINTS}}}"), "1h")?;
        let first = all.iter().filter_map(|(_, samples)| samples.first()).map(|(at, _)| *at).min();
        let first = first.with_context(|| format!("{name} has no sample"))?;
        firsts.insert(first);
        let counts = |at: &i64| *at >= first && !is_in_the_kill(*at, killed);
        let wanted: Times = passes.iter().copied().filter(counts).collect();
        ensure!(wanted.len() > 10, "{} passes", wanted.len());
        for (labels, samples) in &all {
            let times: Times = samples.iter().map(|(at, _)| *at).filter(counts).collect();
            let different: Vec<_> = times.symmetric_difference(&wanted).collect();
            ensure!(different.is_empty(), "{labels:?} differs from the passes at {different:?}");
        }
    }
    // The endpoints were all there at once, with all that is known of them.
    ensure!(firsts.len() == 1, "the metrics began at {firsts:?}");
    Ok(())
}

/// No two passes are half an outage apart, but for those before and after the kill, and these are
/// near to it.
fn no_gap(times: &Times, killed: i64, again: i64, half: Duration) -> Result<()> {
    let most = i64::try_from(half.as_millis())? * 4 / 5;
    let edges = times.iter().copied().chain([killed, again]).collect::<Times>();
    let pairs = edges.iter().zip(edges.iter().skip(1));
    for (one, next) in pairs {
        let is_dead = *one >= killed && *next <= again;
        ensure!(is_dead || next - one <= most, "{} ms without a pass, after {one}", next - one);
    }
    Ok(())
}
