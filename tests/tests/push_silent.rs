//! A backend that takes connections and never answers stalls nothing.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::inside::{Inside, Means};
use e2e::push::Options;
use e2e::scenario::Scenario;
use e2e::{net, tool, vars};

/// Listens, takes every connection, and neither reads nor writes.
struct Silent {
    address: SocketAddr,
    taken: Arc<Mutex<Vec<TcpStream>>>,
}

impl Silent {
    fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let taken = Arc::new(Mutex::new(Vec::new()));
        let held = Arc::clone(&taken);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                held.lock().unwrap_or_else(PoisonError::into_inner).push(stream);
            }
        });
        Ok(Self { address, taken })
    }

    fn connections(&self) -> usize {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Pushes everything there, every second, and waits so long for an answer.
    fn options(&self, timeout: Duration) -> Options {
        let url = format!("http://{}", self.address);
        Options::default()
            .with("pushgateway.url", &url)
            .with("pushgateway.interval", "1s")
            .with("push.remote-write.url", format!("{url}/api/v1/write"))
            .with("push.otlp.endpoint", &url)
            .with("push.interval", "1s")
            .with("push.timeout", format!("{}s", timeout.as_secs()))
            .with("push.final-timeout", "1s")
    }
}

#[test]
fn the_binary_is_scraped_and_ends_beside_it() -> Result<()> {
    let Some(locust) = tool::find(vars::LOCUST_2_47_0)? else { return Ok(()) };
    let silent = Silent::start()?;
    let options = silent.options(Duration::from_secs(2)).for_binary();
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    let mut scenario = Scenario::start("push-silent", locust, "mixed.py", |_| {}, &options)?;
    let mut before = 0.0;
    net::wait_for("every sink has failed", Duration::from_mins(1), || {
        let scrape = scenario.exporter.scrape()?;
        ensure!(scrape.value("locust_up", &[])? > 0.0, "Locust is down beside it");
        let requests = scrape.sum("locust_requests_total");
        ensure!(requests >= before, "{requests} requests, {before} before");
        before = requests;
        let failures = scrape.series("locust_exporter_push_failures_total", &[]);
        Ok((failures.filter(|sink| sink.value >= 2.0).count() == 3).then_some(()))
    })?;
    ensure!(before > 0.0 && silent.connections() > 2, "{} connections", silent.connections());
    let status = scenario.exporter.process.stop(Duration::from_secs(20))?;
    let log = scenario.exporter.process.log_tail();
    ensure!(status.success(), "{status}\n{log}");
    Ok(())
}

/// How long a push waits for its answer inside Locust: whatever it held up would stand still for so
/// long. Looks are half as far apart, so that one of them would see it.
const WAITED: Duration = Duration::from_secs(6);

#[test]
fn inside_locust_the_load_goes_on_beside_it() -> Result<()> {
    let Some(means) = Means::find(vars::LOCUST_2_47_0)? else { return Ok(()) };
    let silent = Silent::start()?;
    let mut inside = Inside::start("push-silent-inside", &means, "mixed.py", |plan| {
        plan.args.extend(silent.options(WAITED).for_inside());
    })?;
    let look = |inside: &Inside| {
        let scrape = inside.scrape()?;
        ensure!(scrape.value("locust_up", &[])? > 0.0, "Locust is down beside it");
        let failures = scrape.sum("locust_exporter_push_failures_total");
        anyhow::Ok((scrape.sum("locust_requests_total"), failures))
    };
    net::wait_for("the load has begun", Duration::from_mins(1), || {
        Ok((look(&inside)?.0 > 0.0).then_some(()))
    })?;
    let mut before = look(&inside)?;
    for _ in 0..6 {
        thread::sleep(WAITED / 2);
        let now = look(&inside)?;
        ensure!(now.0 > before.0, "the load stood still at {} requests", now.0);
        before = now;
    }
    ensure!(before.1 >= 3.0, "only {} pushes have waited in vain", before.1);
    ensure!(silent.connections() > 2, "{} connections", silent.connections());
    inside.locust.main.stop(Duration::from_secs(20))?;
    inside.wait_for_log("not all could be sent before the end")?;
    Ok(())
}
