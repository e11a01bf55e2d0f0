//! The exporter's own numbers: the only ones that live from one scrape to the next.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::SystemTime;

use exposition::Reject;
use locust_model::{Folded, Losses};

/// Why a value is not in a summary: a response cannot have taken that long.
pub(crate) const NOT_A_TIME: &str = "not_a_time";
/// Why a length is in no sum: a response cannot be that long.
const NOT_A_LENGTH: &str = "not_a_length";
/// Why an endpoint is left out: it is named as all requests together are.
pub(crate) const NAMED_LIKE_ALL: &str = "named_like_aggregated";

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

/// What a sink that metrics are pushed to has done so far, told by whoever pushes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// The sink's name, a label value.
    pub sink: &'static str,
    /// Points that wait to be sent.
    pub queued_points: u64,
    /// Bytes they take, wherever they lie.
    pub queued_bytes: u64,
    /// Bytes on disk.
    pub spooled_bytes: u64,
    /// Points that the backend has taken.
    pub sent_points: u64,
    /// Attempts to send that failed.
    pub failures: u64,
    /// Pushes whose time was set to the nearest of 1970 and 9999.
    pub clamped_times: u64,
    /// Points that were lost, by reason (a label value). A reason that is not among them is not
    /// shown.
    pub dropped: Vec<(&'static str, u64)>,
    /// When the backend last took something.
    pub last_success: Option<SystemTime>,
}

/// Tells of every sink, as it is now.
type TellPushed = Box<dyn Fn() -> Vec<Pushed> + Send + Sync>;

/// Counters of the exporter itself. Shared by all that count; they never reset.
pub struct Own {
    build: BuildInfo,
    since: Option<SystemTime>,
    scrapes: AtomicU64,
    folded: Tally,
    cut_labels: AtomicU64,
    rejected: Tally,
    /// What a recorder had lost when it was last asked.
    recorded: Mutex<Losses>,
    /// Who tells what has been pushed.
    pushed: OnceLock<TellPushed>,
}

impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Own").field("scrapes", &self.scrapes).finish_non_exhaustive()
    }
}

impl Own {
    /// All counters at 0.
    pub fn new(build: BuildInfo) -> Self {
        let own = Self {
            build,
            since: None,
            scrapes: AtomicU64::new(0),
            folded: Tally::default(),
            cut_labels: AtomicU64::new(0),
            rejected: Tally::default(),
            recorded: Mutex::default(),
            pushed: OnceLock::new(),
        };
        // A series that begins at 1 has no increase: each is there from the start.
        own.folded(Folded::default());
        let rejects = [Reject::NotACount, Reject::Kind, Reject::Inconsistent, Reject::Labels];
        for reason in rejects.map(Reject::as_str).into_iter().chain([NOT_A_TIME, NAMED_LIKE_ALL]) {
            own.rejected(reason, 0);
        }
        own
    }

    /// The same, with the time at which it began to count: inside Locust it is told.
    #[must_use]
    pub fn beginning(self, since: SystemTime) -> Self {
        Self { since: Some(since), ..self }
    }

    /// Counts a scrape.
    pub fn scraped(&self) {
        self.scrapes.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts rows that lost their own name, and label values that were cut.
    pub fn folded(&self, folded: Folded) {
        self.folded.add("names", folded.names);
        self.folded.add("errors", folded.errors);
        self.folded.add("exceptions", folded.exceptions);
        self.cut_labels.fetch_add(folded.cut_labels, Ordering::Relaxed);
    }

    /// Takes what a recorder has lost since it began. Each loss is counted here once, however often
    /// it is told: what is told may be older than what was told before.
    pub fn recorded(&self, losses: &Losses) {
        let mut last = lock(&self.recorded);
        let new = losses.since(&last);
        *last = last.plus(&new);
        self.folded(new.folded);
        self.rejected(NOT_A_TIME, new.not_times);
        self.rejected(NOT_A_LENGTH, new.not_lengths);
        self.folded.add("custom_series", new.custom_series);
        self.rejected("custom_conflict", new.custom_conflicts);
    }

    /// Counts rows, or values of rows or events, that were left out because they make no sense.
    ///
    /// A reason is shown from its first call on, so call once with a count of 0 at the start.
    pub fn rejected(&self, reason: &'static str, count: u64) {
        self.rejected.add(reason, count);
    }

    /// From now on `tell` is asked what has been pushed, at every scrape and more than once. Only
    /// the first one is ever asked.
    pub fn tells_pushed(&self, tell: impl Fn() -> Vec<Pushed> + Send + Sync + 'static) {
        // Another one would be of the same pushes.
        let _ = self.pushed.set(Box::new(tell));
    }

    /// How the exporter was built.
    pub fn build(&self) -> &BuildInfo {
        &self.build
    }

    /// When it began to count, where that is told.
    pub(crate) fn since(&self) -> Option<SystemTime> {
        self.since
    }

    /// Scrapes so far.
    pub fn scrapes(&self) -> u64 {
        self.scrapes.load(Ordering::Relaxed)
    }

    /// What each sink has done so far; nothing where nothing is pushed.
    pub(crate) fn pushed(&self) -> Vec<Pushed> {
        self.pushed.get().map(|tell| tell()).unwrap_or_default()
    }

    /// Label values that were cut so far.
    pub(crate) fn cut_labels(&self) -> u64 {
        self.cut_labels.load(Ordering::Relaxed)
    }

    pub(crate) fn folded_counts(&self) -> Vec<(&'static str, u64)> {
        self.folded.counts()
    }

    /// What has been counted as rejected, by reason.
    pub fn rejected_counts(&self) -> Vec<(&'static str, u64)> {
        self.rejected.counts()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // A panic while counting leaves sound counts behind.
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Counts by reason.
#[derive(Debug, Default)]
struct Tally(Mutex<BTreeMap<&'static str, u64>>);

impl Tally {
    /// Adds to a reason; from the first call on the reason is shown, even at 0.
    fn add(&self, reason: &'static str, count: u64) {
        *lock(&self.0).entry(reason).or_default() += count;
    }

    fn counts(&self) -> Vec<(&'static str, u64)> {
        lock(&self.0).iter().map(|(reason, count)| (*reason, *count)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::Row;
    use crate::{boomer, classic, exporter, standard};

    #[test]
    fn what_a_row_may_lose_is_told_from_the_start() {
        let build = BuildInfo { version: "", revision: "", rustc: "", os: "", arch: "" };
        let counts = Own::new(build).rejected_counts();
        let rows = [standard::ROWS, classic::ROWS, boomer::ROWS, exporter::ROWS].concat();
        let losses: Vec<_> = rows.iter().filter_map(|row: &Row| row.loses).collect();
        assert!(!losses.is_empty());
        for loss in losses {
            assert!(counts.contains(&(loss.reason, 0)), "{}", loss.reason);
        }
    }
}
