//! An exporter under measurement: what it spends, and what it holds.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

/// How often memory is looked at.
const SAMPLE: Duration = Duration::from_micros(500);

/// A running exporter. Ends with this value.
pub(crate) struct Exporter {
    child: Child,
    pub(crate) address: SocketAddr,
    sampler: Option<JoinHandle<()>>,
    ending: Arc<AtomicBool>,
    peak_anon: Arc<AtomicU64>,
}

impl Exporter {
    /// Starts `program` on a free port, with `locust` to ask.
    pub(crate) fn start(program: &Path, locust: SocketAddr) -> Result<Self> {
        let mut child = Command::new(program)
            .arg(format!("--locust.uri=http://{locust}"))
            .arg("--web.listen-address=127.0.0.1:0")
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let stderr = child.stderr.take().context("no standard error")?;
        let mut lines = BufReader::new(stderr).lines();
        let address = loop {
            let Some(line) = lines.next().transpose()? else {
                bail!("the exporter ended before it listened");
            };
            let address = line.split_whitespace().find_map(|word| word.strip_prefix("address="));
            if let Some(address) = address {
                break address.parse().with_context(|| line.clone())?;
            }
        };
        // What it logs later must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let ending = Arc::new(AtomicBool::new(false));
        let peak_anon = Arc::new(AtomicU64::new(0));
        let sampler = sample(child.id(), Arc::clone(&ending), Arc::clone(&peak_anon));
        Ok(Self { child, address, sampler: Some(sampler), ending, peak_anon })
    }

    /// CPU time spent so far by all its threads.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let mut nanos = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let text = fs::read_to_string(task?.path().join("schedstat"))?;
            let first = text.split_whitespace().next().context("schedstat is empty")?;
            nanos += first.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanos))
    }

    /// Anonymous memory at its peak, in bytes: the greater of what was sampled, and of the
    /// kernel's own high-water mark less the pages of files.
    pub(crate) fn peak_anon(&self) -> Result<u64> {
        let status = Status::of(self.child.id())?;
        let by_kernel = status.peak.saturating_sub(status.file);
        Ok(self.peak_anon.load(Ordering::Relaxed).max(by_kernel))
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::Relaxed);
        if let Some(sampler) = self.sampler.take() {
            let _ = sampler.join();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn sample(pid: u32, ending: Arc<AtomicBool>, peak: Arc<AtomicU64>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        while !ending.load(Ordering::Relaxed) {
            if let Ok(status) = Status::of(pid) {
                peak.fetch_max(status.anon, Ordering::Relaxed);
            }
            std::thread::sleep(SAMPLE);
        }
    })
}

/// Memory of a process, in bytes.
pub(crate) struct Status {
    pub(crate) peak: u64,
    pub(crate) anon: u64,
    pub(crate) file: u64,
}

impl Status {
    pub(crate) fn of(pid: u32) -> Result<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim().strip_suffix(" kB")?.parse::<u64>().ok()
        };
        let bytes = |name: &str| field(name).map(|kib| kib * 1024).context(name.to_owned());
        Ok(Self { peak: bytes("VmHWM:")?, anon: bytes("RssAnon:")?, file: bytes("RssFile:")? })
    }
}
