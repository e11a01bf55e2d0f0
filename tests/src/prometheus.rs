//! A real Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::process::Process;
use crate::{http, net};

/// One thing to scrape, every second.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// The label `job`.
    pub name: &'a str,
    /// Whom to ask.
    pub address: SocketAddr,
    /// The only format to accept, as `scrape_protocols` names it.
    pub protocol: &'a str,
}

/// A running Prometheus.
#[derive(Debug)]
pub struct Prometheus {
    /// Its process.
    pub process: Process,
    address: SocketAddr,
}

/// The labels of a series, `__name__` among them.
pub type Labels = BTreeMap<String, String>;

impl Prometheus {
    /// Starts `binary` and waits until it is ready. It reads native histograms, and the classic
    /// buckets beside them.
    ///
    /// # Errors
    ///
    /// If it ends, or is not ready in time; with the end of its log.
    pub fn start(binary: &Path, jobs: &[Job<'_>], logs: &Path) -> Result<Self> {
        let config = logs.join("prometheus.yml");
        fs::write(&config, configuration(jobs)).context("prometheus.yml")?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, net::free_port()?));
        let mut command = Command::new(binary);
        command
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", logs.join("tsdb").display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--enable-feature=native-histograms,exemplar-storage")
            .current_dir(logs);
        let mut process = Process::start("prometheus", &mut command, logs)?;
        net::wait_for("Prometheus is ready", Duration::from_secs(30), || {
            if let Some(status) = process.ended()? {
                bail!("Prometheus ended: {status}\n{}", process.log_tail());
            }
            let ready = http::get(address, "/-/ready").is_ok_and(|answer| answer.status == 200);
            Ok(ready.then_some(()))
        })?;
        Ok(Self { process, address })
    }

    /// The instant vector that `expression` gives now.
    ///
    /// # Errors
    ///
    /// If Prometheus refuses the expression.
    pub fn vector(&self, expression: &str) -> Result<Vec<(Labels, f64)>> {
        let data = self.api("query", &[("query", expression)])?;
        let result = data["result"].as_array().context("no result")?;
        result.iter().map(point).collect::<Result<_>>().with_context(|| expression.to_owned())
    }

    /// The only value that `expression` gives now; `None` while it gives nothing.
    ///
    /// # Errors
    ///
    /// If Prometheus refuses the expression, or it gives more than one value.
    pub fn value(&self, expression: &str) -> Result<Option<f64>> {
        let vector = self.vector(expression)?;
        ensure!(vector.len() <= 1, "{expression}: {} values", vector.len());
        Ok(vector.first().map(|(_, value)| *value))
    }

    /// Waits until `expression` gives exactly `wanted`.
    ///
    /// # Errors
    ///
    /// If it does not in 15 s; with what it gives instead.
    pub fn wait_for_value(&self, expression: &str, wanted: f64) -> Result<()> {
        let mut last = None;
        let seen = net::wait_for(expression, Duration::from_secs(15), || {
            last = self.value(expression)?;
            Ok((last == Some(wanted)).then_some(()))
        });
        seen.with_context(|| format!("wanted {wanted}, the last value was {last:?}"))
    }

    /// What the scrape of each job last failed with, by job.
    ///
    /// # Errors
    ///
    /// If Prometheus does not tell.
    pub fn scrape_errors(&self) -> Result<BTreeMap<String, String>> {
        let data = self.api("targets", &[])?;
        let targets = data["activeTargets"].as_array().context("no targets")?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let all = targets.iter().map(|it| (text(&it["labels"]["job"]), text(&it["lastError"])));
        Ok(all.filter(|(_, error)| !error.is_empty()).collect())
    }

    fn api(&self, route: &str, query: &[(&str, &str)]) -> Result<Value> {
        let mut path = format!("/api/v1/{route}?");
        for (name, value) in query {
            write!(path, "{name}={}&", http::encode(value))?;
        }
        let answer = http::get(self.address, &path)?;
        let mut body: Value = serde_json::from_slice(&answer.body)?;
        ensure!(body["status"] == "success", "{query:?}: {}", body["error"]);
        Ok(body["data"].take())
    }
}

fn point(result: &Value) -> Result<(Labels, f64)> {
    let labels = result["metric"].as_object().context("no labels")?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let labels = labels.iter().map(|(name, value)| (name.clone(), text(value))).collect();
    let value = result["value"][1].as_str().context("no value")?;
    Ok((labels, value.parse()?))
}

fn configuration(jobs: &[Job<'_>]) -> String {
    let jobs = jobs.iter().map(|Job { name, address, protocol }| {
        format!(
            "- job_name: {name}\n  \
               scrape_protocols: [{protocol}]\n  \
               always_scrape_classic_histograms: true\n  \
               static_configs: [{{targets: ['{address}']}}]\n"
        )
    });
    let head = "global:\n  scrape_interval: 1s\nscrape_configs:\n";
    std::iter::once(head.to_owned()).chain(jobs).collect()
}
