//! A process that writes to a file, and ends when its owner lets go of it.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, kill_process, kill_process_group};

pub use rustix::process::Signal;

use crate::guard;

/// A running process, the leader of its own process group.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    ended: Option<ExitStatus>,
}

impl Process {
    /// Starts `command`; what it writes to stdout and stderr goes to `<name>.log` in `logs`.
    ///
    /// # Errors
    ///
    /// If the log cannot be made, or the program cannot be started.
    pub fn start(name: &str, command: &mut Command, logs: &Path) -> Result<Self> {
        let log = logs.join(format!("{name}.log"));
        let file = File::create(&log).with_context(|| format!("cannot make {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).process_group(0);
        let child = command.spawn().with_context(|| {
            format!("cannot start {name} ({})", command.get_program().to_string_lossy())
        })?;
        let process = Self { name: name.to_owned(), child, log, ended: None };
        guard::watch(process.id())?;
        Ok(process)
    }

    /// Its id, and that of its group.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The name it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it has written so far.
    pub fn log(&self) -> String {
        fs::read(&self.log).map_or_else(
            |error| format!("({}: {error})", self.log.display()),
            |bytes| String::from_utf8_lossy(&bytes).into_owned(),
        )
    }

    /// The last lines of what it has written, under a heading.
    pub fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        let tail = lines[lines.len().saturating_sub(20)..].join("\n");
        format!("--- {} ({})\n{tail}\n", self.name, self.log.display())
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    ///
    /// If the system does not tell.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait()?;
            if self.ended.is_some() {
                guard::forget(self.id())?;
            }
        }
        Ok(self.ended)
    }

    /// The most memory it has had so far, in bytes.
    ///
    /// # Errors
    ///
    /// If the system does not tell: Linux does.
    pub fn peak_memory(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id()))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kibibytes = peak.and_then(|peak| peak.trim().strip_suffix(" kB"));
        let kibibytes: u64 = kibibytes.context("no VmHWM")?.parse()?;
        Ok(kibibytes * 1024)
    }

    /// Sends a signal to the process alone.
    ///
    /// # Errors
    ///
    /// If the process has ended.
    pub fn signal(&mut self, signal: Signal) -> Result<()> {
        if let Some(status) = self.ended()? {
            bail!("{} has ended already: {status}", self.name);
        }
        kill_process(Pid::from_child(&self.child), signal)?;
        Ok(())
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    ///
    /// If it still runs when `within` is over.
    pub fn wait(&mut self, within: Duration) -> Result<ExitStatus> {
        let deadline = Instant::now() + within;
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            if Instant::now() >= deadline {
                bail!("{} still runs after {} s", self.name, within.as_secs());
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Asks it to end (SIGTERM), and ends it and its children after `grace`.
    ///
    /// # Errors
    ///
    /// If the system does not tell how it ended.
    pub fn stop(&mut self, grace: Duration) -> Result<ExitStatus> {
        if let Some(status) = self.ended()? {
            return Ok(status);
        }
        self.signal(Signal::TERM)?;
        self.wait(grace).or_else(|_| self.kill())
    }

    /// Ends it and its children at once (SIGKILL).
    ///
    /// # Errors
    ///
    /// If the system does not tell how it ended.
    pub fn kill(&mut self) -> Result<ExitStatus> {
        // Only a process that was not waited for is sure to be still ours.
        if self.ended()?.is_none() {
            kill_process_group(Pid::from_child(&self.child), Signal::KILL)?;
        }
        self.wait(Duration::from_secs(5))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The guard ends what this could not.
        let _ = self.kill();
    }
}
