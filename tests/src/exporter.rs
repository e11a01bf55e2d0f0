//! The exporter's binary.

use std::env;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail, ensure};

use crate::process::Process;
use crate::text::Scrape;
use crate::{http, net, place, vars};

/// A running exporter.
#[derive(Debug)]
pub struct Exporter {
    /// Its process.
    pub process: Process,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Exporter {
    /// Starts `binary` for the Locust at `locust`, on a free port, and waits until it listens.
    ///
    /// # Errors
    ///
    /// If it ends, or says not in time where it listens; with the end of its log.
    pub fn start(binary: &Path, locust: SocketAddr, args: &[&str], logs: &Path) -> Result<Self> {
        let mut command = command(binary);
        command.arg(format!("--locust.uri=http://{locust}"));
        command.arg("--web.listen-address=127.0.0.1:0").args(args);
        Self::launch(&mut command, logs)
    }

    /// Starts `command`, an exporter's with whatever flags and variables, and waits until it
    /// listens.
    ///
    /// # Errors
    ///
    /// If it ends, or says not in time where it listens; with the end of its log.
    pub fn launch(command: &mut Command, logs: &Path) -> Result<Self> {
        let mut process = Process::start("exporter", command, logs)?;
        let within = Duration::from_secs(10);
        let address = net::wait_closely("the exporter listens", within, || {
            if let Some(status) = process.ended()? {
                bail!("the exporter ended: {status}\n{}", process.log_tail());
            }
            Ok(listens_at(&process.log()))
        })?;
        Ok(Self { process, address })
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
        http::ask("GET", self.address, "/metrics", &[("Accept", format)])
    }
}

/// The command of `binary`, which sees no variables but ours.
pub fn command(binary: &Path) -> Command {
    let mut command = Command::new(binary);
    for (name, _) in env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"LOCUST_") {
            command.env_remove(name);
        }
    }
    command
}

/// The address in the line of the log that says `listening`.
fn listens_at(log: &str) -> Option<SocketAddr> {
    let line = log.lines().find(|line| {
        line.split_whitespace().any(|word| word == "msg=listening" || word == "msg=\"listening\"")
    })?;
    let address = line.split_whitespace().find_map(|word| word.strip_prefix("address="))?;
    address.trim_matches('"').parse().ok()
}

/// The binary that tests run: the one that [`vars::EXPORTER`] names, or else one built now.
///
/// # Errors
///
/// If it cannot be built.
pub fn binary() -> Result<&'static Path> {
    static BINARY: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let binary = BINARY.get_or_init(|| {
        let given = env::var_os(vars::EXPORTER).filter(|value| !value.is_empty());
        given.map_or_else(build, |given| Ok(given.into())).map_err(|error| format!("{error:#}"))
    });
    binary.as_deref().map_err(|error| anyhow!("{error}"))
}

fn build() -> Result<PathBuf> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let target = place::target()?;
    let built = Command::new(cargo)
        .args(["build", "--quiet", "--package", "locust-exporter", "--bin", "locust_exporter"])
        .arg("--target-dir")
        .arg(&target)
        .current_dir(place::root())
        .status()
        .context("cannot run cargo")?;
    ensure!(built.success(), "the exporter does not build");
    Ok(target.join("debug/locust_exporter"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_tells_where_it_listens() {
        let log =
            "level=info msg=starting\nts=1 level=info msg=\"listening\" address=127.0.0.1:4711\n";
        assert_eq!(listens_at(log), "127.0.0.1:4711".parse().ok());
        assert_eq!(listens_at("level=info msg=starting address=127.0.0.1:1\n"), None);
    }
}
