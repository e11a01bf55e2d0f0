//! A server that can be killed, and started again on the same port with the same data.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use anyhow::{Result, bail};

use crate::process::Process;
use crate::{http, net};

/// How long a server may take to be ready, after a crash too.
const READY: Duration = Duration::from_mins(1);

/// A running server.
#[derive(Debug)]
pub struct Server {
    /// Its process: the one that was started last.
    pub process: Process,
    /// Where it listens.
    pub address: SocketAddr,
    plan: Plan,
    starts: u32,
}

/// What to start.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<OsString>,
    /// The path that it answers with 200 when it is ready; of a server without one, nothing.
    pub(crate) ready: Option<&'static str>,
    pub(crate) logs: PathBuf,
}

/// An address of 127.0.0.1 that is free.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, net::free_port()?)))
}

impl Server {
    /// Starts it, and waits until it is ready.
    pub(crate) fn start(plan: Plan, address: SocketAddr) -> Result<Self> {
        let process = plan.start(1)?;
        let mut server = Self { process, address, plan, starts: 1 };
        server.wait_until_ready()?;
        Ok(server)
    }

    /// Ends it at once (SIGKILL), as a crash would.
    ///
    /// # Errors
    ///
    /// If the system does not tell how it ended.
    pub fn kill(&mut self) -> Result<ExitStatus> {
        self.process.kill()
    }

    /// Asks it to end (SIGTERM), and waits until it has: it keeps what it has been given.
    ///
    /// # Errors
    ///
    /// If it does not end in time.
    pub fn stop(&mut self) -> Result<ExitStatus> {
        self.process.signal(crate::process::Signal::TERM)?;
        self.process.wait(Duration::from_secs(30))
    }

    /// Starts it again with the same address and data, and waits until it is ready.
    ///
    /// # Errors
    ///
    /// If it still runs, or does not become ready in time.
    pub fn start_again(&mut self) -> Result<()> {
        if self.process.ended()?.is_none() {
            bail!("{} still runs", self.plan.name);
        }
        self.starts += 1;
        self.process = self.plan.start(self.starts)?;
        self.wait_until_ready()
    }

    /// Where it writes and keeps its data.
    pub fn folder(&self) -> &Path {
        &self.plan.logs
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let Self { process, address, plan, .. } = self;
        net::wait_for(&format!("{} is ready", plan.name), READY, || {
            if let Some(status) = process.ended()? {
                bail!("{} ended: {status}\n{}", plan.name, process.log_tail());
            }
            let is_ready = match plan.ready {
                Some(path) => http::get(*address, path).is_ok_and(|answer| answer.status == 200),
                None => net::is_listening(*address),
            };
            Ok(is_ready.then_some(()))
        })
    }
}

impl Plan {
    fn start(&self, number: u32) -> Result<Process> {
        let name = match number {
            1 => self.name.to_owned(),
            number => format!("{}-{number}", self.name),
        };
        let mut command = Command::new(&self.program);
        command.args(&self.args).current_dir(&self.logs);
        Process::start(&name, &mut command, &self.logs)
    }
}
