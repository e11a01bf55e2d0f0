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

    /// Pushes everything there, every second.
    fn options(&self) -> Options {
        let url = format!("http://{}", self.address);
        Options::default()
            .with("pushgateway.url", &url)
            .with("pushgateway.interval", "1s")
            .with("push.remote-write.url", format!("{url}/api/v1/write"))
            .with("push.otlp.endpoint", &url)
            .with("push.interval", "1s")
            .with("push.timeout", "2s")
            .with("push.final-timeout", "1s")
    }
}

#[test]
fn the_binary_is_scraped_and_ends_beside_it() -> Result<()> {
    let Some(locust) = tool::find(vars::LOCUST_2_47_0)? else { return Ok(()) };
    let silent = Silent::start()?;
    let options = silent.options().for_binary();
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

#[test]
fn inside_locust_the_load_goes_on_beside_it() -> Result<()> {
    let Some(means) = Means::find(vars::LOCUST_2_47_0)? else { return Ok(()) };
    let silent = Silent::start()?;
    let start = |name, options: Options| {
        Inside::start(name, &means, "mixed.py", |plan| {
            plan.run_time = Some(8);
            plan.args.extend(options.for_inside());
        })
    };
    // Side by side, so that whatever else the machine does slows both.
    let free = start("push-silent-beside", Options::default())?;
    let mut pushing = start("push-silent-inside", silent.options())?;
    pushing.wait_for("a push has failed", |scrape| {
        ensure!(scrape.value("locust_up", &[])? > 0.0);
        Ok((scrape.sum("locust_exporter_push_failures_total") > 0.0).then_some(()))
    })?;
    let made = |inside: &Inside| {
        inside.locust.web.wait_until_still(Duration::from_mins(1))?.aggregated("num_requests")
    };
    let (free_made, pushing_made) = (made(&free)?, made(&pushing)?);
    ensure!(
        pushing_made >= 0.7 * free_made,
        "{pushing_made} requests beside a backend that is silent, {free_made} without"
    );
    ensure!(silent.connections() > 2, "{} connections", silent.connections());
    pushing.locust.main.stop(Duration::from_secs(20))?;
    pushing.wait_for_log("not all could be sent before the end")?;
    Ok(())
}
