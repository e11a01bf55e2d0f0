//! A real Pushgateway.

use std::ffi::OsString;
use std::path::Path;

use anyhow::Result;

use crate::http;
use crate::prometheus::Job;
use crate::server::{Plan, Server, free_address};
use crate::text::Scrape;

/// A running Pushgateway. What was pushed outlives a crash if it is a second old.
#[derive(Debug)]
pub struct Pushgateway {
    /// Its process, port and data.
    pub server: Server,
}

impl Pushgateway {
    /// Starts `binary` and waits until it is ready.
    ///
    /// # Errors
    ///
    /// If it ends, or is not ready in time; with the end of its log.
    pub fn start(binary: &Path, logs: &Path) -> Result<Self> {
        let address = free_address()?;
        let store = logs.join("pushgateway.store");
        let args = [
            format!("--web.listen-address={address}"),
            format!("--persistence.file={}", store.display()),
            "--persistence.interval=1s".to_owned(),
        ];
        let plan = Plan {
            name: "pushgateway",
            program: binary.to_owned(),
            args: args.map(OsString::from).to_vec(),
            ready: Some("/-/ready"),
            logs: logs.to_owned(),
        };
        Ok(Self { server: Server::start(plan, address)? })
    }

    /// Where it is pushed to.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// How Prometheus scrapes it.
    pub fn job(&self) -> Job<'static> {
        Job { name: "pushgateway", address: self.server.address, protocol: "PrometheusText0.0.4" }
    }

    /// All that it holds, and its own metrics.
    ///
    /// # Errors
    ///
    /// If it does not answer with them.
    pub fn scrape(&self) -> Result<Scrape> {
        Scrape::parse(http::get(self.server.address, "/metrics")?.ok()?)
    }
}
