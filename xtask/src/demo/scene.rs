//! What the demo starts, and how it ends.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use e2e::exporter::Exporter;
use e2e::inside::Means;
use e2e::load_target::LoadTarget;
use e2e::locust::{Locust, Plan};
use e2e::process::{Process, Signal};
use e2e::text::Scrape;
use e2e::{http, net, place};

use crate::package::{self, Profile};
use crate::step::{cargo, run as run_command, step};
use crate::tools::{self, pins};

/// Workers of the demo's Locust.
pub(crate) const WORKERS: u32 = 2;

/// A service under load, Locust with the exporter inside, and the exporter beside it. Whatever of it
/// still runs ends with it.
pub(crate) struct Scene {
    pub(crate) exporter: Exporter,
    /// Where the exporter inside Locust listens.
    pub(crate) inside: SocketAddr,
    pub(crate) locust: Locust,
    // After Locust, whose users would otherwise see it go.
    _target: LoadTarget,
}

impl Scene {
    /// Builds and starts everything.
    pub(crate) fn set() -> Result<Self> {
        let environment = tools::environment_with(&pins::LOCUST)?;
        let binary = step("building the exporter (release)", || {
            let package = ["--package", "locust-exporter", "--bin", "locust_exporter"];
            run_command(cargo().args(["build", "--release"]).args(package))?;
            Ok(place::target()?.join("release/locust_exporter"))
        })?;
        let package =
            step("building the Python package (release)", || package::stage(Profile::Release))?;
        let means = Means { locust: environment.join("bin/locust"), package };
        let logs = place::logs("demo")?;
        let target = step("starting a service to load", LoadTarget::start)?;
        let file = place::root().join("xtask/demo/locustfile.py");
        let inside = SocketAddr::from((Ipv4Addr::LOCALHOST, net::free_port()?));
        let mut plan = Plan::new(means.locust.clone(), file, target.address());
        plan.files.push(means.plugin()?);
        plan.variables.push(("PYTHONPATH".to_owned(), means.package.into_os_string()));
        plan.args.push(format!("--exporter-web-listen-address={inside}"));
        // `compare::inside` compares the schema `classic` too, which is not the default.
        plan.args.push("--exporter-metrics-schema=standard,classic".to_owned());
        plan.users = 20;
        plan.workers = WORKERS;
        let what = format!("starting {}: a master and {WORKERS} workers", pins::LOCUST.name);
        let locust = step(&what, || Locust::start(&plan, &logs))?;
        let exporter = step("starting the exporter beside it", || {
            Exporter::start(&binary, locust.web.address, &[], &logs)
        })?;
        Ok(Self { exporter, inside, locust, _target: target })
    }

    /// Waits until every worker makes requests.
    pub(crate) fn wait_for_load(&self) -> Result<()> {
        step("waiting for load", || self.locust.web.wait_for_requests(5, WORKERS as usize))?;
        Ok(())
    }

    /// What the exporter inside Locust says.
    pub(crate) fn scrape_inside(&self) -> Result<Scrape> {
        let text = [("Accept", "text/plain;version=0.0.4")];
        Scrape::parse(http::ask("GET", self.inside, "/metrics", &text)?.ok()?)
    }

    fn processes(&mut self) -> impl Iterator<Item = &mut Process> {
        std::iter::once(&mut self.exporter.process).chain(self.locust.processes())
    }

    /// What every process wrote last.
    pub(crate) fn log_tails(&mut self) -> String {
        self.processes().map(|process| process.log_tail()).collect()
    }

    /// Ends every process, all at once. The exporter must end well; of Locust's master, which ends
    /// with 1 because requests failed, nothing is asked.
    pub(crate) fn strike(mut self) -> Result<()> {
        for process in self.processes() {
            if process.ended()?.is_none() {
                process.signal(Signal::TERM)?;
            }
        }
        let deadline = Instant::now() + Duration::from_secs(5);
        for process in self.processes() {
            let grace = deadline.saturating_duration_since(Instant::now());
            process.wait(grace).or_else(|_| process.kill())?;
        }
        let ended = self.exporter.process.wait(Duration::ZERO)?;
        ensure!(ended.success(), "the exporter ended badly: {ended}");
        Ok(())
    }
}
