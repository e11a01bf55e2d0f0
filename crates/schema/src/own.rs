//! The exporter's own numbers: the only ones that live from one scrape to the next.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use locust_model::Folded;

/// How the exporter was built.
#[derive(Clone, Copy, Debug)]
pub struct BuildInfo {
    /// Version of the exporter.
    pub version: &'static str,
    /// Git revision it was built from; `"unknown"` where it was not built from a checkout.
    pub revision: &'static str,
    /// Version of the compiler.
    pub rustc: &'static str,
    /// Operating system it was built for.
    pub os: &'static str,
    /// Processor it was built for.
    pub arch: &'static str,
}

/// Counters of the exporter itself. Shared by all that count; they never reset.
#[derive(Debug)]
pub struct Own {
    build: BuildInfo,
    scrapes: AtomicU64,
    folded: Tally,
    rejected: Tally,
}

impl Own {
    /// All counters at 0.
    pub fn new(build: BuildInfo) -> Self {
        Self {
            build,
            scrapes: AtomicU64::new(0),
            folded: Tally::default(),
            rejected: Tally::default(),
        }
    }

    /// Counts a scrape.
    pub fn scraped(&self) {
        self.scrapes.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts rows that lost their own name.
    pub fn folded(&self, folded: Folded) {
        self.folded.add("names", folded.names);
        self.folded.add("errors", folded.errors);
        self.folded.add("exceptions", folded.exceptions);
    }

    /// Counts rows, or values of rows, that were left out because they make no sense.
    pub fn rejected(&self, reason: &'static str, count: u64) {
        self.rejected.add(reason, count);
    }

    /// How the exporter was built.
    pub fn build(&self) -> &BuildInfo {
        &self.build
    }

    /// Scrapes so far.
    pub fn scrapes(&self) -> u64 {
        self.scrapes.load(Ordering::Relaxed)
    }

    pub(crate) fn folded_counts(&self) -> Vec<(&'static str, u64)> {
        self.folded.counts()
    }

    pub(crate) fn rejected_counts(&self) -> Vec<(&'static str, u64)> {
        self.rejected.counts()
    }
}

/// Counts by reason.
#[derive(Debug, Default)]
struct Tally(Mutex<BTreeMap<&'static str, u64>>);

impl Tally {
    /// Adds to a reason; from the first call on the reason is shown, even at 0.
    fn add(&self, reason: &'static str, count: u64) {
        *self.lock().entry(reason).or_default() += count;
    }

    fn counts(&self) -> Vec<(&'static str, u64)> {
        self.lock().iter().map(|(reason, count)| (*reason, *count)).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<&'static str, u64>> {
        // A panic while counting leaves a sound map behind.
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
