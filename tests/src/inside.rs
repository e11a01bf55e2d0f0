//! A Locust with the exporter inside.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use crate::load_target::LoadTarget;
use crate::locust::{self, Locust, Plan};
use crate::text::Scrape;
use crate::{http, net, place, tool, vars};

/// What the log says at a test's end if nothing was lost. The numbers follow.
pub const EQUAL: &str = "Exported totals equal Locust's";

/// What a test inside Locust needs.
#[derive(Clone, Debug)]
pub struct Means {
    /// The `locust` command.
    pub locust: PathBuf,
    /// The folder from which Python imports the package.
    pub package: PathBuf,
}

impl Means {
    /// The Locust that `variable` (of [`vars`]) names, and the package; `None` if one is absent,
    /// which is said.
    ///
    /// # Errors
    ///
    /// As of [`tool::find`].
    pub fn find(variable: &str) -> Result<Option<Self>> {
        let (locust, package) = (tool::find(variable)?, tool::find(vars::PACKAGE)?);
        Ok(locust.zip(package).map(|(locust, package)| Self { locust, package }))
    }

    /// The Python beside the `locust` command, which finds the package.
    pub fn python(&self, logs: &Path) -> Command {
        command(&self.locust.with_file_name("python"), &self.package, logs)
    }

    /// The file that is loaded beside a locustfile, as `locust_exporter plugin` tells it.
    ///
    /// # Errors
    ///
    /// If it does not tell.
    pub fn plugin(&self) -> Result<PathBuf> {
        plugin(&self.locust, &self.package)
    }
}

/// A program of Locust's environment, whose Python finds the package; it writes to `logs`.
pub fn command(program: &Path, package: &Path, logs: &Path) -> Command {
    let mut command = locust::command(program, logs);
    command.env("PYTHONPATH", package);
    command
}

/// As [`Means::plugin`].
///
/// # Errors
///
/// As of [`Means::plugin`].
pub fn plugin(locust: &Path, package: &Path) -> Result<PathBuf> {
    let mut python = command(&locust.with_file_name("python"), package, Path::new("."));
    python.args(["-m", "locust_exporter", "plugin"]);
    let output = python.output().context("cannot start Python")?;
    let (said, complaint) = (String::from_utf8(output.stdout)?, output.stderr);
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&complaint));
    Ok(said.trim().into())
}

/// The address in the line of the log that says that the exporter listens.
fn listens_at(log: &str) -> Option<SocketAddr> {
    let line = log.lines().find(|line| line.contains("listening: address="))?;
    let address = line.split_whitespace().find_map(|word| word.strip_prefix("address="))?;
    address.parse().ok()
}

/// A copy of a locustfile of `tests/snippets` in `folder`, in which the address is ours.
///
/// # Errors
///
/// If it cannot be read or written.
pub fn snippet(name: &str, folder: &Path, address: SocketAddr) -> Result<PathBuf> {
    let file = place::root().join("tests/snippets").join(name);
    let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    let ours = format!("\"{}\", {}", address.ip(), address.port());
    let copy = folder.join(name);
    fs::write(&copy, text.replace("\"0.0.0.0\", 9091", &ours))?;
    Ok(copy)
}

/// A running Locust with the exporter inside.
#[derive(Debug)]
pub struct Inside {
    /// Locust.
    pub locust: Locust,
    /// Where the exporter listens.
    pub metrics: SocketAddr,
    /// What Locust was started with.
    pub plan: Plan,
    /// Where the logs lie.
    pub logs: PathBuf,
    // Last, so that Locust ends before what it loads.
    target: LoadTarget,
}

impl Inside {
    /// Starts Locust with a file of `tests/locustfiles` and the plugin, and waits until the
    /// exporter answers.
    ///
    /// # Errors
    ///
    /// If one of them does not come up; with the end of Locust's log.
    pub fn start(
        name: &str,
        means: &Means,
        file: &str,
        adjust: impl FnOnce(&mut Plan),
    ) -> Result<Self> {
        let plugin = means.plugin()?;
        Self::start_file(
            name,
            means,
            |_, _| Ok(place::locustfile(file)),
            |plan, address| {
                plan.files.push(plugin);
                plan.args.push(format!("--exporter-web-listen-address={address}"));
                // `compare::inside` compares the schema `classic` too, which is not the default.
                plan.args.push("--exporter-metrics-schema=standard,classic".to_owned());
                adjust(plan);
            },
        )
    }

    /// As [`Inside::start`], with a locustfile that loads the exporter itself, and listens on the
    /// address it is told, whose port is free for the system to choose. `file` makes or finds it,
    /// given a folder of its own.
    ///
    /// # Errors
    ///
    /// As of [`Inside::start`].
    pub fn start_file(
        name: &str,
        means: &Means,
        file: impl FnOnce(&Path, SocketAddr) -> Result<PathBuf>,
        adjust: impl FnOnce(&mut Plan, SocketAddr),
    ) -> Result<Self> {
        let logs = place::logs(name)?;
        let target = LoadTarget::start()?;
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let file = file(&logs, free)?;
        let mut plan = Plan::new(means.locust.clone(), file, target.address());
        plan.variables.push(("PYTHONPATH".to_owned(), means.package.clone().into_os_string()));
        adjust(&mut plan, free);
        let mut locust = Locust::start(&plan, &logs)?;
        let metrics = net::wait_closely("the exporter listens", Duration::from_secs(20), || {
            if let Some(status) = locust.main.ended()? {
                bail!("Locust ended: {status}\n{}", locust.main.log_tail());
            }
            Ok(listens_at(&locust.main.log()))
        })?;
        Ok(Self { locust, metrics, plan, logs, target })
    }

    /// The service that is loaded.
    pub fn target(&self) -> &LoadTarget {
        &self.target
    }

    /// Its metrics in the text format.
    ///
    /// # Errors
    ///
    /// If it does not answer with them.
    pub fn scrape(&self) -> Result<Scrape> {
        Scrape::parse(self.metrics("text/plain;version=0.0.4")?.ok()?)
    }

    /// Its answer to a scrape that accepts `format`.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn metrics(&self, format: &str) -> Result<http::Answer> {
        http::ask("GET", self.metrics, "/metrics", &[("Accept", format)])
    }

    /// When what is counted of requests began, if something is. It takes
    /// `--exporter-metrics-created`.
    ///
    /// # Errors
    ///
    /// If it does not answer.
    pub fn counts_since(&self) -> Result<Option<f64>> {
        let answer = self.metrics("application/openmetrics-text;version=1.0.0")?;
        let scrape = Scrape::parse(answer.ok()?)?;
        let created = scrape.series("locust_requests_created", &[]).next();
        Ok(created.map(|sample| sample.value))
    }

    /// Waits until what is counted of requests began later than `before`, and gives when. No count
    /// tells that: it may have caught up before anybody looks.
    ///
    /// # Errors
    ///
    /// If it does not in 30 s.
    pub fn wait_for_counts_after(&self, what: &str, before: f64) -> Result<f64> {
        net::wait_for(what, Duration::from_secs(30), || {
            Ok(self.counts_since()?.filter(|since| *since > before))
        })
    }

    /// Scrapes until `look` gives something.
    ///
    /// # Errors
    ///
    /// If it does not in 30 s; or its own error, at once.
    pub fn wait_for<T>(
        &self,
        what: &str,
        mut look: impl FnMut(&Scrape) -> Result<Option<T>>,
    ) -> Result<T> {
        net::wait_for(what, Duration::from_secs(30), || look(&self.scrape()?))
    }

    /// Waits until Locust's main process has written `text`, and gives what it has written.
    ///
    /// # Errors
    ///
    /// If it has not in 30 s.
    pub fn wait_for_log(&self, text: &str) -> Result<String> {
        let wait = net::wait_closely(text, Duration::from_secs(30), || {
            let log = self.locust.main.log();
            Ok(log.contains(text).then_some(log))
        });
        wait.with_context(|| self.locust.main.log_tail())
    }
}
