//! The binary under test.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use e2e::http::{self, Answer};
use e2e::process::{Process, Signal};
use e2e::text::Scrape;
use e2e::{exporter, net, place};

use crate::locust::Locust;

/// Longer than the exporter may take for anything that is asked of it here.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

/// The exporter, not yet begun.
pub(crate) struct Plan(Command);

/// A running exporter.
pub(crate) struct Exporter(exporter::Exporter);

/// An exporter that has ended by itself.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    /// What it wrote.
    pub(crate) lines: Vec<String>,
}

impl Plan {
    /// Without flags and variables.
    pub(crate) fn new() -> Self {
        Self(exporter::command(Path::new(env!("CARGO_BIN_EXE_locust_exporter"))))
    }

    /// Watching this Locust.
    pub(crate) fn of(locust: &Locust) -> Self {
        Self::new().arg(format!("--locust.uri={}", locust.uri()))
    }

    /// Without flags and variables, where the system allows so many open files.
    pub(crate) fn with_open_files(limit: u32) -> Self {
        let script = format!("ulimit -n {limit}; exec \"$0\" \"$@\"");
        let mut shell = exporter::command(Path::new("/bin/sh"));
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_locust_exporter")]);
        Self(shell)
    }

    pub(crate) fn arg(mut self, arg: impl AsRef<std::ffi::OsStr>) -> Self {
        self.0.arg(arg);
        self
    }

    pub(crate) fn args(mut self, args: &[&str]) -> Self {
        self.0.args(args);
        self
    }

    pub(crate) fn var(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    /// Begins it on a free port.
    #[track_caller]
    pub(crate) fn start(self) -> Exporter {
        self.arg("--web.listen-address=127.0.0.1:0").start_where_told()
    }

    /// Begins it where flags or variables say.
    #[track_caller]
    pub(crate) fn start_where_told(mut self) -> Exporter {
        Exporter(exporter::Exporter::launch(&mut self.0, &logs()).unwrap())
    }

    /// Begins it on a port that is told here, since its log will not tell.
    #[track_caller]
    pub(crate) fn start_quietly(self) -> Exporter {
        let address = SocketAddr::from(([127, 0, 0, 1], net::free_port().unwrap()));
        let mut plan = self.arg(format!("--web.listen-address={address}"));
        let process = Process::start("exporter", &mut plan.0, &logs()).unwrap();
        let healthy = || Ok(http::get(address, "/healthz").ok());
        net::wait_closely("the exporter is healthy", PATIENCE, healthy).unwrap();
        Exporter(exporter::Exporter { process, address })
    }

    /// Begins it as it is, and waits until it has ended by itself.
    #[track_caller]
    pub(crate) fn ends(mut self) -> Ended {
        let mut process = Process::start("exporter", &mut self.0, &logs()).unwrap();
        let status = process.wait(PATIENCE).unwrap();
        let lines = process.log().lines().map(str::to_owned).collect();
        Ended { code: status.code(), lines }
    }
}

/// A folder for what one process writes, named after the test.
fn logs() -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("unnamed").replace("::", "-");
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    place::logs(&format!("locust-exporter/{test}-{count}")).unwrap()
}

impl Exporter {
    /// Its answer to a request without a body.
    #[track_caller]
    pub(crate) fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        http::ask(method, self.0.address, path, headers).unwrap()
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.0.address
    }

    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[])
    }

    /// What `/metrics` says.
    #[track_caller]
    pub(crate) fn scrape(&self) -> Scrape {
        read(&self.get("/metrics"))
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        self.0.process.log()
    }

    /// The lines of its log with all these words.
    pub(crate) fn told(&self, words: &[&str]) -> Vec<String> {
        let log = self.log();
        let lines = log.lines().filter(|line| words.iter().all(|word| line.contains(word)));
        lines.map(str::to_owned).collect()
    }

    /// Waits until its log has a line with all these words.
    #[track_caller]
    pub(crate) fn wait_told(&self, words: &[&str]) {
        let told = || Ok((!self.told(words).is_empty()).then_some(()));
        net::wait_closely(&format!("{words:?} in the log"), PATIENCE, told)
            .unwrap_or_else(|error| panic!("{error}\n{}", self.log()));
    }

    #[track_caller]
    pub(crate) fn signal(&mut self, signal: Signal) {
        self.0.process.signal(signal).unwrap();
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.0.process.ended().unwrap()
    }

    /// Waits until it ends; its exit code.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> Option<i32> {
        self.0.process.wait(PATIENCE).unwrap().code()
    }

    /// What the system allows it, as Linux shows it.
    #[cfg(target_os = "linux")]
    pub(crate) fn limits(&self) -> String {
        std::fs::read_to_string(format!("/proc/{}/limits", self.0.process.id())).unwrap()
    }

    /// The most memory it ever had for data, in bytes: without the program's own pages, of which a
    /// build with debug information has many.
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.process.id()));
        let status = status.unwrap();
        let bytes = |key| {
            let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap();
            line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
        };
        bytes("VmHWM:") - bytes("RssFile:")
    }
}

/// An answer's metrics.
#[track_caller]
pub(crate) fn read(answer: &Answer) -> Scrape {
    Scrape::parse(answer.ok().unwrap()).unwrap()
}

/// Asserts the value of the only series that has at least these labels.
#[track_caller]
pub(crate) fn assert_is(scrape: &Scrape, name: &str, labels: &[(&str, &str)], value: f64) {
    let found = scrape.value(name, labels).unwrap();
    assert!(found.total_cmp(&value).is_eq(), "{name}{labels:?} is {found}, not {value}");
}

/// Asserts that no series of this name has at least these labels.
#[track_caller]
pub(crate) fn assert_absent(scrape: &Scrape, name: &str, labels: &[(&str, &str)]) {
    let found: Vec<_> = scrape.series(name, labels).collect();
    assert!(found.is_empty(), "{found:?}");
}

/// How long something takes.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let began = Instant::now();
    (work(), began.elapsed())
}
