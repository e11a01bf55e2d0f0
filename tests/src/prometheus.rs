//! A real Prometheus, which scrapes or is written to.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;

pub use crate::promql::Labels;
use crate::promql::Promql;
use crate::server::{Plan, Server, free_address};

/// One thing to scrape, every second. What it tells of `job` and `instance` stands, as it must for a
/// Pushgateway.
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
    /// Its process, port and data.
    pub server: Server,
    /// What it answers.
    pub promql: Promql,
}

impl Prometheus {
    /// Starts `binary` and waits until it is ready. It reads native histograms, and the classic
    /// buckets beside them. It also receives remote write, without a window for what is out of
    /// order.
    ///
    /// # Errors
    ///
    /// If it ends, or is not ready in time; with the end of its log.
    pub fn start(binary: &Path, jobs: &[Job<'_>], logs: &Path) -> Result<Self> {
        Self::start_with("native-histograms,exemplar-storage", binary, jobs, logs)
    }

    /// The same, without native histograms, as a Prometheus is before 3.8 where nobody asks.
    ///
    /// # Errors
    ///
    /// As of [`Prometheus::start`].
    pub fn start_without_native(binary: &Path, logs: &Path) -> Result<Self> {
        Self::start_with("exemplar-storage", binary, &[], logs)
    }

    /// Reads native histograms, with a configuration as a user writes it.
    ///
    /// # Errors
    ///
    /// As of [`Prometheus::start`].
    pub fn start_configured(binary: &Path, configuration: &str, logs: &Path) -> Result<Self> {
        Self::start_as("native-histograms", binary, configuration, logs)
    }

    fn start_with(features: &str, binary: &Path, jobs: &[Job<'_>], logs: &Path) -> Result<Self> {
        Self::start_as(features, binary, &configuration(jobs), logs)
    }

    fn start_as(features: &str, binary: &Path, configuration: &str, logs: &Path) -> Result<Self> {
        let config = logs.join("prometheus.yml");
        fs::write(&config, configuration).context("prometheus.yml")?;
        let address = free_address()?;
        let args = [
            format!("--config.file={}", config.display()),
            format!("--storage.tsdb.path={}", logs.join("tsdb").display()),
            format!("--web.listen-address={address}"),
            format!("--enable-feature={features}"),
            "--web.enable-remote-write-receiver".to_owned(),
        ];
        let plan = Plan {
            name: "prometheus",
            program: binary.to_owned(),
            args: args.map(OsString::from).to_vec(),
            ready: Some("/-/ready"),
            logs: logs.to_owned(),
        };
        let server = Server::start(plan, address)?;
        Ok(Self { server, promql: Promql { address } })
    }

    /// Where remote write is received.
    pub fn write_url(&self) -> String {
        format!("http://{}/api/v1/write", self.server.address)
    }

    /// What the scrape of each job last failed with, by job.
    ///
    /// # Errors
    ///
    /// If Prometheus does not tell.
    pub fn scrape_errors(&self) -> Result<BTreeMap<String, String>> {
        let data = self.promql.api("targets", &[])?;
        let targets = data["activeTargets"].as_array().context("no targets")?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let all = targets.iter().map(|it| (text(&it["labels"]["job"]), text(&it["lastError"])));
        Ok(all.filter(|(_, error)| !error.is_empty()).collect())
    }
}

fn configuration(jobs: &[Job<'_>]) -> String {
    let jobs = jobs.iter().map(|Job { name, address, protocol }| {
        format!(
            "- job_name: {name}\n  \
               scrape_protocols: [{protocol}]\n  \
               honor_labels: true\n  \
               always_scrape_classic_histograms: true\n  \
               static_configs: [{{targets: ['{address}']}}]\n"
        )
    });
    let head = "global:\n  scrape_interval: 1s\nscrape_configs:\n";
    std::iter::once(head.to_owned()).chain(jobs).collect()
}
