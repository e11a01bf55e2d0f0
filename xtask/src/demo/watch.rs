//! Shows what goes on until Ctrl-C.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use e2e::text::Scrape;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use super::scene::Scene;

/// Between two lines.
const PACE: Duration = Duration::from_secs(5);

/// Says where to look, then writes a line every few seconds.
pub(crate) fn until_interrupted(scene: &mut Scene) -> Result<()> {
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        flag::register(signal, Arc::clone(&interrupted)).context("cannot watch for Ctrl-C")?;
    }
    println!("{}", where_to_look(scene));
    let mut next = Instant::now();
    while !interrupted.load(Ordering::Relaxed) {
        if Instant::now() >= next {
            next += PACE;
            println!("{}", line(scene)?);
        }
        thread::sleep(Duration::from_millis(100));
    }
    println!();
    Ok(())
}

fn where_to_look(scene: &Scene) -> String {
    let (locust, beside) = (scene.locust.web.address, scene.exporter.address);
    let inside = scene.inside;
    format!(
        "
  Locust's page   http://{locust}/
  metrics         http://{beside}/metrics   of the exporter beside Locust, which asks its web API
                  http://{inside}/metrics   of the exporter inside Locust, which sees every request

  For a Prometheus, in scrape_configs:
    - job_name: locust
      scrape_interval: 5s
      static_configs: [{{targets: ['{beside}', '{inside}']}}]

  Then ask it:
    sum by (instance) (rate(locust_requests_total[1m]))       requests per second
    sum by (name) (rate(locust_request_failures_total[1m]))   failures per second of each name
    locust_request_duration_seconds{{quantile=\"0.95\"}}          slow answers, from beside
    histogram_quantile(0.95, sum by (le, name) (rate(locust_request_duration_seconds_bucket[1m])))
                                                              and from inside, of the last minute
    sum by (status) (rate(locust_requests_total[1m]))         by status, from inside
    locust_users_running                                      users
    sum by (state) (locust_workers)                           workers

  Ctrl-C ends it all.
"
    )
}

/// The present, as both exporters tell it.
fn line(scene: &mut Scene) -> Result<String> {
    if let Some(status) = scene.exporter.process.ended()? {
        bail!("the exporter ended: {status}");
    }
    let beside = told(&scene.exporter.scrape()?)?;
    Ok(format!("beside: {beside}\ninside: {}", told(&scene.scrape_inside()?)?))
}

/// What one of them tells.
fn told(scrape: &Scrape) -> Result<String> {
    if scrape.value("locust_up", &[])? < 1.0 {
        return Ok("locust_up 0: Locust does not answer".to_owned());
    }
    let state = scrape.series("locust_state", &[]).find(|state| state.value > 0.0);
    Ok(format!(
        "{}: {} users, {} requests ({:.1}/s), {} failures ({:.1}/s)",
        state.map_or("?", |state| state.label("state")),
        scrape.sum("locust_users_running"),
        scrape.sum("locust_requests_total"),
        scrape.sum("locust_requests_per_second"),
        scrape.sum("locust_request_failures_total"),
        scrape.sum("locust_request_failures_per_second"),
    ))
}
