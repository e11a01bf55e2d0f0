//! What most tests begin with: a Locust at work, and an exporter that watches it.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::exporter::{self, Exporter};
use crate::load_target::LoadTarget;
use crate::locust::{Locust, Plan};
use crate::place;

/// A Locust under way and its exporter.
#[derive(Debug)]
pub struct Scenario {
    /// The exporter.
    pub exporter: Exporter,
    /// Locust.
    pub locust: Locust,
    /// What Locust was started with.
    pub plan: Plan,
    /// Where the logs lie.
    pub logs: PathBuf,
    // Last, so that Locust ends before what it loads.
    _target: LoadTarget,
}

impl Scenario {
    /// Starts `locust` with a file of `tests/locustfiles`, then the exporter with `args`.
    ///
    /// # Errors
    ///
    /// If one of them does not come up.
    pub fn start(
        name: &str,
        locust: PathBuf,
        file: &str,
        adjust: impl FnOnce(&mut Plan),
        args: &[&str],
    ) -> Result<Self> {
        let logs = place::logs(name)?;
        let target = LoadTarget::start()?;
        let mut plan = Plan::new(locust, place::locustfile(file), target.address());
        adjust(&mut plan);
        let locust = Locust::start(&plan, &logs)?;
        let exporter = Exporter::start(exporter::binary()?, locust.web.address, args, &logs)?;
        Ok(Self { exporter, locust, plan, logs, _target: target })
    }

    /// A second exporter for the same Locust.
    ///
    /// # Errors
    ///
    /// If it does not come up.
    pub fn another_exporter(&self, name: &str, args: &[&str]) -> Result<Exporter> {
        let logs = self.folder(name)?;
        Exporter::start(exporter::binary()?, self.locust.web.address, args, &logs)
    }

    /// A folder for the logs of something more.
    ///
    /// # Errors
    ///
    /// If it cannot be made.
    pub fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.logs.join(name);
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// The Python beside the `locust` command.
    pub fn python(&self) -> PathBuf {
        self.plan.locust.parent().unwrap_or(Path::new("")).join("python")
    }
}
