//! How many lines the log takes about things of which there may be any number.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Lines in one [`WINDOW`].
const LINES: u32 = 30;

const WINDOW: Duration = Duration::from_mins(1);

/// Bounds the lines about probed targets, which a prober may make up.
#[derive(Debug)]
pub(crate) struct LogQuota(Mutex<Window>);

#[derive(Debug)]
struct Window {
    began: Instant,
    lines: u32,
    suppressed: u64,
}

/// Whether a line may be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quota {
    /// It may, and so many before it were not.
    Open {
        /// Lines not logged since the last time.
        suppressed: u64,
    },
    /// It may not.
    Spent,
}

impl LogQuota {
    /// Nothing logged yet.
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Window { began: Instant::now(), lines: 0, suppressed: 0 }))
    }

    /// Whether one more line may be logged now. If lines were not, the log says how many.
    pub(crate) fn admits(&self) -> bool {
        match self.admits_at(Instant::now()) {
            Quota::Open { suppressed: 0 } => true,
            Quota::Open { suppressed } => {
                tracing::warn!(
                    suppressed,
                    "too many probed targets changed: some changes were not logged; see locust_up"
                );
                true
            }
            Quota::Spent => false,
        }
    }

    fn admits_at(&self, now: Instant) -> Quota {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_duration_since(window.began) >= WINDOW {
            let suppressed = window.suppressed;
            *window = Window { began: now, lines: 1, suppressed: 0 };
            return Quota::Open { suppressed };
        }
        if window.lines < LINES {
            window.lines += 1;
            return Quota::Open { suppressed: 0 };
        }
        window.suppressed += 1;
        Quota::Spent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_beyond_the_quota_are_counted_and_told_with_the_next_one() {
        let quota = LogQuota::new();
        let now = Instant::now();
        for _ in 0..LINES {
            assert_eq!(quota.admits_at(now), Quota::Open { suppressed: 0 });
        }
        for _ in 0..7 {
            assert_eq!(quota.admits_at(now), Quota::Spent);
        }
        assert_eq!(quota.admits_at(now + WINDOW), Quota::Open { suppressed: 7 });
        assert_eq!(quota.admits_at(now + WINDOW), Quota::Open { suppressed: 0 });
    }
}
