//! What the demo starts, and how it ends.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use e2e::exporter::Exporter;
use e2e::load_target::LoadTarget;
use e2e::locust::{Locust, Plan};
use e2e::place;
use e2e::process::{Process, Signal};

use crate::step::{cargo, run as run_command, step};
use crate::tools::{self, pins};

/// Workers of the demo's Locust.
pub(crate) const WORKERS: u32 = 2;

/// A service under load, Locust, and the exporter. Whatever of it still runs ends with it.
pub(crate) struct Scene {
    pub(crate) exporter: Exporter,
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
        let logs = place::logs("demo")?;
        let target = step("starting a service to load", LoadTarget::start)?;
        let plan = Plan {
            locust: environment.join("bin/locust"),
            file: place::root().join("xtask/demo/locustfile.py"),
            host: target.address(),
            users: 20,
            run_time: None,
            workers: WORKERS,
            port: None,
        };
        let what = format!("starting {}: a master and {WORKERS} workers", pins::LOCUST.name);
        let locust = step(&what, || Locust::start(&plan, &logs))?;
        let exporter = step("starting the exporter", || {
            Exporter::start(&binary, locust.web.address, &[], &logs)
        })?;
        Ok(Self { exporter, locust, _target: target })
    }

    /// Waits until every worker makes requests.
    pub(crate) fn wait_for_load(&self) -> Result<()> {
        step("waiting for load", || self.locust.web.wait_for_requests(5, WORKERS as usize))?;
        Ok(())
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
