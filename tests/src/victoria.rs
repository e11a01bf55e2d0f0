//! A real `VictoriaMetrics`.

use std::ffi::OsString;
use std::path::Path;

use anyhow::Result;

use crate::promql::Promql;
use crate::server::{Plan, Server, free_address};

/// A running `VictoriaMetrics`: one node, for writing and queries.
///
/// It takes everything that is well-formed, and stores no second version of remote write. What it
/// took within the last seconds is lost if it is killed: it answers before it writes to disk.
#[derive(Debug)]
pub struct Victoria {
    /// Its process, port and data.
    pub server: Server,
    /// What it answers. A new series is seen after about ten seconds.
    pub promql: Promql,
}

impl Victoria {
    /// Starts `binary` and waits until it is ready.
    ///
    /// # Errors
    ///
    /// If it ends, or is not ready in time; with the end of its log.
    pub fn start(binary: &Path, logs: &Path) -> Result<Self> {
        let address = free_address()?;
        let args = [
            format!("-httpListenAddr={address}"),
            format!("-storageDataPath={}", logs.join("victoria").display()),
            // Queries see what has come, not only what is half a minute old.
            "-search.latencyOffset=0s".to_owned(),
            "-memory.allowedBytes=128MB".to_owned(),
        ];
        let plan = Plan {
            name: "victoria-metrics",
            program: binary.to_owned(),
            args: args.map(OsString::from).to_vec(),
            ready: Some("/health"),
            logs: logs.to_owned(),
        };
        let server = Server::start(plan, address)?;
        Ok(Self { server, promql: Promql { address } })
    }

    /// Where remote write is received, in version 1.0 alone.
    pub fn write_url(&self) -> String {
        format!("http://{}/api/v1/write", self.server.address)
    }

    /// Where OTLP is received, over HTTP alone; without `/v1/metrics`.
    pub fn otlp_url(&self) -> String {
        format!("http://{}/opentelemetry", self.server.address)
    }
}
