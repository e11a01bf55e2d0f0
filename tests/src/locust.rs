//! A real Locust, alone or as a master with workers.

use std::env;
use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::process::Process;
use crate::{http, net};

/// Locust caches `/stats/requests` for 2 s: a later answer is a new one.
const CACHE: Duration = Duration::from_millis(2100);

/// What to start.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The `locust` command.
    pub locust: PathBuf,
    /// The locustfiles; those after the first are plugins.
    pub files: Vec<PathBuf>,
    /// What is loaded.
    pub host: SocketAddr,
    /// Users; all are started at once, and with Locust itself.
    pub users: u32,
    /// How long the load lasts, in seconds; `None`: until it is stopped.
    pub run_time: Option<u32>,
    /// Workers; 0: Locust makes the load in its only process.
    pub workers: u32,
    /// The web port; `None`: a free one.
    pub port: Option<u16>,
    /// Whether it runs without a web API.
    pub headless: bool,
    /// Further arguments of the process that has the web API, or would have it.
    pub args: Vec<String>,
    /// Variables of every process.
    pub variables: Vec<(String, OsString)>,
}

/// A running Locust.
#[derive(Debug)]
pub struct Locust {
    /// The process that has the web API.
    pub main: Process,
    /// The workers, if any.
    pub workers: Vec<Process>,
    /// The web API; of a headless Locust, an address where nobody listens.
    pub web: Web,
    /// Where a master expects its workers.
    bind: u16,
}

impl Locust {
    /// Starts Locust, and waits until its web API answers; of a headless one nothing is waited for.
    ///
    /// # Errors
    ///
    /// If it ends at once, or does not answer in time; with the end of its log.
    pub fn start(plan: &Plan, logs: &Path) -> Result<Self> {
        let port = plan.port.map_or_else(net::free_port, Ok)?;
        let web = Web { address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)) };
        let bind = net::free_port()?;
        let mut command = plan.command(logs);
        if plan.headless {
            command.arg("--headless");
        } else {
            command.args(["--web-host", "127.0.0.1", "--autostart"]);
            command.args(["--web-port", &port.to_string()]);
        }
        command.args(["--users", &plan.users.to_string()]);
        command.args(["--spawn-rate", &plan.users.to_string()]);
        if let Some(seconds) = plan.run_time {
            command.args(["--run-time", &format!("{seconds}s")]);
        }
        if plan.workers > 0 {
            command.args(["--master", "--master-bind-host", "127.0.0.1"]);
            command.args(["--master-bind-port", &bind.to_string()]);
            command.args(["--expect-workers", &plan.workers.to_string()]);
        }
        let main = Process::start("locust", command.args(&plan.args), logs)?;
        let mut locust = Self { main, workers: Vec::new(), web, bind };
        for _ in 0..plan.workers {
            locust.add_worker(plan, logs)?;
        }
        if !plan.headless {
            locust.wait_until_it_answers()?;
        }
        Ok(locust)
    }

    /// Starts one more worker.
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub fn add_worker(&mut self, plan: &Plan, logs: &Path) -> Result<()> {
        let mut command = plan.command(logs);
        command.args(["--worker", "--master-host", "127.0.0.1"]);
        command.args(["--master-port", &self.bind.to_string()]);
        let name = format!("worker-{}", self.workers.len() + 1);
        self.workers.push(Process::start(&name, &mut command, logs)?);
        Ok(())
    }

    fn wait_until_it_answers(&mut self) -> Result<()> {
        let web = self.web;
        net::wait_for("Locust's web API answers", Duration::from_secs(30), || {
            if let Some(status) = self.main.ended()? {
                bail!("Locust ended: {status}\n{}", self.main.log_tail());
            }
            // Not whether it is JSON: what a test reports may make it something else. Behind a
            // login it leads to the form.
            let answer = http::get(web.address, "/stats/requests");
            Ok(answer.is_ok_and(|answer| matches!(answer.status, 200 | 302)).then_some(()))
        })
    }

    /// Every process, the one with the web API first.
    pub fn processes(&mut self) -> impl Iterator<Item = &mut Process> {
        std::iter::once(&mut self.main).chain(&mut self.workers)
    }
}

impl Plan {
    /// Five users that load `host` until they are stopped, all in one process, on a free port.
    pub fn new(locust: PathBuf, file: PathBuf, host: SocketAddr) -> Self {
        Self {
            locust,
            files: vec![file],
            host,
            users: 5,
            run_time: None,
            workers: 0,
            port: None,
            headless: false,
            args: Vec::new(),
            variables: Vec::new(),
        }
    }

    /// The command all of Locust's processes share. It sees no configuration but ours.
    fn command(&self, logs: &Path) -> Command {
        let mut command = command(&self.locust, logs);
        let mut files = OsString::new();
        for file in &self.files {
            if !files.is_empty() {
                files.push(",");
            }
            files.push(file);
        }
        command.arg("--locustfile").arg(files);
        command.args(["--host", &format!("http://{}", self.host), "--loglevel", "INFO"]);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// A program of Locust's environment, which writes to `logs` and sees no configuration of others.
pub fn command(program: &Path, logs: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"LOCUST_") {
            command.env_remove(name);
        }
    }
    command.current_dir(logs).env("HOME", logs).env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// Locust's web API.
#[derive(Clone, Copy, Debug)]
pub struct Web {
    /// Where it listens.
    pub address: SocketAddr,
}

impl Web {
    /// What `/stats/requests` says.
    ///
    /// # Errors
    ///
    /// If it does not answer with JSON.
    pub fn stats(&self) -> Result<Stats> {
        let answer = http::get(self.address, "/stats/requests")?;
        let stats = serde_json::from_str(answer.ok()?).context("/stats/requests")?;
        Ok(Stats(stats))
    }

    /// Waits until it shows requests of at least `names` endpoints, and all `workers` at work.
    ///
    /// # Errors
    ///
    /// If it does not in 20 s.
    pub fn wait_for_requests(&self, names: usize, workers: usize) -> Result<Stats> {
        net::wait_for("Locust shows requests", Duration::from_secs(20), || {
            let stats = self.stats()?;
            let working = stats.workers().filter(|worker| worker["state"] == "running").count();
            Ok((stats.endpoints().count() >= names && working >= workers).then_some(stats))
        })
    }

    /// Stops the load.
    ///
    /// # Errors
    ///
    /// If Locust refuses.
    pub fn stop(&self) -> Result<()> {
        let answer = http::ask("POST", self.address, "/stop", &[])?;
        // Versions before 2.47 know only GET.
        let answer = match answer.status {
            405 => http::get(self.address, "/stop")?,
            _ => answer,
        };
        ensure!(answer.status == 200, "Locust did not stop: status {}", answer.status);
        Ok(())
    }

    /// Starts the load, with so many users at once.
    ///
    /// # Errors
    ///
    /// If Locust refuses.
    pub fn start(&self, users: u32) -> Result<()> {
        let form = format!("user_count={users}&spawn_rate={users}");
        let answer = http::post(self.address, "/swarm", &form, &[])?;
        let said: Value = serde_json::from_str(answer.ok()?).context("/swarm")?;
        ensure!(said["success"] == true, "Locust did not start: {said}");
        Ok(())
    }

    /// Resets the statistics, as the button of Locust's page does.
    ///
    /// # Errors
    ///
    /// If Locust refuses.
    pub fn reset(&self) -> Result<()> {
        http::post(self.address, "/stats/reset", "", &[])?.ok().map(drop)
    }

    /// Waits until the load has stopped and the numbers stand still; gives them.
    ///
    /// # Errors
    ///
    /// If they do not in time.
    pub fn wait_until_still(&self, within: Duration) -> Result<Stats> {
        net::wait_for("the load stops", within, || {
            let stats = self.stats()?;
            // A master that misses a worker may say `stopping` until it forgets it, a minute later.
            let idle = stats.state() == "stopping" && stats.0["user_count"] == 0;
            Ok((idle || stats.state() == "stopped").then_some(()))
        })?;
        let mut before = None;
        net::wait_for("Locust's numbers stand still", Duration::from_secs(12), || {
            thread::sleep(CACHE);
            let now = self.stats()?;
            let still = before.as_ref() == Some(&now);
            before = Some(now);
            Ok(if still { before.take() } else { None })
        })
    }
}

/// An answer of `/stats/requests`.
#[derive(Clone, Debug, PartialEq)]
pub struct Stats(pub Value);

impl Stats {
    /// The state, such as `running`.
    pub fn state(&self) -> &str {
        self.0["state"].as_str().unwrap_or_default()
    }

    fn list(&self, key: &str) -> impl Iterator<Item = &Value> {
        self.0[key].as_array().into_iter().flatten()
    }

    /// The rows of the endpoints, without the Aggregated one.
    pub fn endpoints(&self) -> impl Iterator<Item = &Value> {
        self.list("stats").filter(|row| row["name"] != "Aggregated")
    }

    /// The Aggregated row's number under `key`.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn aggregated(&self, key: &str) -> Result<f64> {
        let row = self.list("stats").find(|row| row["name"] == "Aggregated");
        row.and_then(|row| row[key].as_f64())
            .with_context(|| format!("Locust's Aggregated row has no {key}"))
    }

    /// The rows of the errors.
    pub fn errors(&self) -> impl Iterator<Item = &Value> {
        self.list("errors")
    }

    /// The workers, on a master.
    pub fn workers(&self) -> impl Iterator<Item = &Value> {
        self.list("workers")
    }
}
