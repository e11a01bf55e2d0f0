//! What a sink has done so far.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// Why points never reached a backend. The word is the value of a `reason` label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dropped {
    /// There was no more room to keep them.
    QueueFull,
    /// The backend does not take them.
    Refused,
    /// They were found damaged on disk. Where it can no longer be told how many they were, a file
    /// is one.
    Damaged,
    /// The program ended before they could be sent, and nothing kept them.
    Ended,
}

impl Dropped {
    /// Every reason, in the order of their declaration.
    pub const ALL: [Self; 4] = [Self::QueueFull, Self::Refused, Self::Damaged, Self::Ended];

    /// The reason as a label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::Refused => "refused",
            Self::Damaged => "damaged",
            Self::Ended => "ended",
        }
    }
}

/// What went wrong, for the last words.
#[derive(Debug, Default)]
struct Causes {
    /// Why what waits could not be sent; none once the backend has answered.
    held_up: Option<String>,
    /// Why points were last refused.
    refused: Option<String>,
}

/// What one sink has done: its counters, and what went wrong last. Shared by all that count.
#[derive(Debug)]
pub struct Stats {
    sink: &'static str,
    queued_points: AtomicU64,
    queued_bytes: AtomicU64,
    spooled_bytes: AtomicU64,
    sent_points: AtomicU64,
    failures: AtomicU64,
    clamped: AtomicU64,
    dropped: [AtomicU64; Dropped::ALL.len()],
    /// Milliseconds since 1970; 0 is never.
    last_success: AtomicI64,
    causes: Mutex<Causes>,
}

/// What the counters say at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The sink's name.
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
    /// Passes whose time was set to the nearest of 1970 and 9999.
    pub clamped_times: u64,
    /// Points that were lost, by reason: every reason, also at 0.
    pub dropped: [(Dropped, u64); Dropped::ALL.len()],
    /// When the backend last took something.
    pub last_success: Option<SystemTime>,
}

impl Status {
    /// Points that were lost for this reason.
    pub fn dropped(&self, reason: Dropped) -> u64 {
        self.dropped.iter().filter(|(other, _)| *other == reason).map(|(_, points)| points).sum()
    }
}

impl Stats {
    /// All at 0, of a sink of this name.
    pub(crate) fn new(sink: &'static str) -> Self {
        Self {
            sink,
            queued_points: AtomicU64::new(0),
            queued_bytes: AtomicU64::new(0),
            spooled_bytes: AtomicU64::new(0),
            sent_points: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            clamped: AtomicU64::new(0),
            dropped: Default::default(),
            last_success: AtomicI64::new(0),
            causes: Mutex::default(),
        }
    }

    /// The sink's name.
    pub(crate) fn sink(&self) -> &'static str {
        self.sink
    }

    /// What waits now: points, the bytes they take, and how many of these lie on disk.
    pub(crate) fn queued(&self, points: u64, bytes: u64, spooled: u64) {
        self.queued_points.store(points, Ordering::Relaxed);
        self.queued_bytes.store(bytes, Ordering::Relaxed);
        self.spooled_bytes.store(spooled, Ordering::Relaxed);
    }

    /// The backend has taken something just now, so many points of it. The first time is logged.
    pub(crate) fn sent(&self, points: u64) {
        self.sent_points.fetch_add(points, Ordering::Relaxed);
        // 0 is never.
        let before = self.last_success.swap(crate::point::now().time.max(1), Ordering::Relaxed);
        if before == 0 {
            tracing::info!(sink = self.sink, points, "the first push has arrived");
        }
    }

    /// A pass has another time than the clock says.
    pub(crate) fn clamped(&self) {
        self.clamped.fetch_add(1, Ordering::Relaxed);
    }

    /// An attempt to send failed.
    pub(crate) fn failed(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    /// So many points are lost.
    pub(crate) fn dropped(&self, reason: Dropped, points: u64) {
        self.dropped[reason as usize].fetch_add(points, Ordering::Relaxed);
    }

    /// The backend did not take the last batch, for this cause, so that it waits; or it answered.
    pub(crate) fn held_up(&self, cause: Option<String>) {
        self.causes().held_up = cause;
    }

    /// Why the last batch waits, if it does.
    pub fn held_up_by(&self) -> Option<String> {
        self.causes().held_up.clone()
    }

    /// The backend refused so many points.
    pub(crate) fn refused(&self, points: u64, why: &str) {
        self.dropped(Dropped::Refused, points);
        self.causes().refused = Some(why.to_owned());
    }

    /// Why points were last refused, if any were.
    pub(crate) fn refused_for(&self) -> Option<String> {
        self.causes().refused.clone()
    }

    fn causes(&self) -> MutexGuard<'_, Causes> {
        self.causes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What they say now.
    pub fn status(&self) -> Status {
        let at = u64::try_from(self.last_success.load(Ordering::Relaxed)).unwrap_or_default();
        Status {
            sink: self.sink,
            queued_points: self.queued_points.load(Ordering::Relaxed),
            queued_bytes: self.queued_bytes.load(Ordering::Relaxed),
            spooled_bytes: self.spooled_bytes.load(Ordering::Relaxed),
            sent_points: self.sent_points.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
            clamped_times: self.clamped.load(Ordering::Relaxed),
            dropped: Dropped::ALL
                .map(|reason| (reason, self.dropped[reason as usize].load(Ordering::Relaxed))),
            last_success: (at > 0).then(|| SystemTime::UNIX_EPOCH + Duration::from_millis(at)),
        }
    }
}
