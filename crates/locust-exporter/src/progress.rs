//! Whether the test has ended and has been seen to, for `--exit-after-test`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use locust_model::{Snapshot, State};
use tokio::sync::Notify;

/// How long after the end the workers' last reports may still come in: Locust's report interval
/// of 3 s, and the 2 s for which Locust keeps an answer.
const SETTLE: Duration = Duration::from_secs(5);

/// Where a test stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// No load has been seen.
    Waiting,
    /// Load is being made.
    Active,
    /// The test has ended.
    Ended(Instant),
    /// Locust went away in the middle of a test.
    Gone(Instant),
}

impl Phase {
    fn next(self, snapshot: Option<&Snapshot>, now: Instant) -> Self {
        let Some(snapshot) = snapshot else {
            return if self == Self::Active { Self::Gone(now) } else { self };
        };
        match (&snapshot.state, self) {
            (Some(state), _) if state.is_active() => Self::Active,
            (Some(State::Stopped), Self::Ended(since)) => Self::Ended(since),
            (Some(State::Stopped), _) => Self::Ended(now),
            // A Locust that came back without its test.
            (Some(State::Ready), Self::Gone(_)) => Self::Waiting,
            _ => self,
        }
    }
}

/// Where the tests of all watched Locusts stand.
pub(crate) struct Progress {
    phases: Mutex<Vec<Phase>>,
    /// Whether the exposition gathered last shows final numbers.
    final_gathered: AtomicBool,
    /// Wakes who waits for such an exposition to be served.
    final_served: Notify,
}

impl Progress {
    /// Nothing seen yet of `locusts` Locusts.
    pub(crate) fn new(locusts: usize) -> Self {
        Self {
            phases: Mutex::new(vec![Phase::Waiting; locusts]),
            final_gathered: AtomicBool::new(false),
            final_served: Notify::new(),
        }
    }

    /// Takes note of a look at each Locust, in order; `None` where it could not be read.
    pub(crate) fn note<'a>(
        &self,
        snapshots: impl Iterator<Item = Option<&'a Snapshot>>,
        now: Instant,
    ) {
        let mut phases = self.phases.lock().unwrap_or_else(PoisonError::into_inner);
        for (phase, snapshot) in phases.iter_mut().zip(snapshots) {
            *phase = phase.next(snapshot, now);
        }
    }

    /// Takes note that a scrape has been gathered from the looks noted last.
    pub(crate) fn gathered(&self, now: Instant) {
        let settled = self.all(|phase| match phase {
            Phase::Ended(since) => now.duration_since(since) >= SETTLE,
            _ => false,
        });
        self.final_gathered.store(settled, Ordering::Release);
    }

    /// Takes note that a scrape's answer has been handed over.
    pub(crate) fn served(&self) {
        if self.final_gathered.load(Ordering::Acquire) {
            self.final_served.notify_one();
        }
    }

    /// Returns once final numbers have been served.
    pub(crate) async fn final_served(&self) {
        self.final_served.notified().await;
    }

    /// Whether every test has been over for `bound`, or its Locust gone.
    pub(crate) fn over_for(&self, bound: Duration, now: Instant) -> bool {
        self.all(|phase| match phase {
            Phase::Ended(since) | Phase::Gone(since) => now.duration_since(since) >= bound,
            Phase::Waiting | Phase::Active => false,
        })
    }

    fn all(&self, is_so: impl Fn(Phase) -> bool) -> bool {
        let phases = self.phases.lock().unwrap_or_else(PoisonError::into_inner);
        phases.iter().all(|phase| is_so(*phase))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    const BOUND: Duration = Duration::from_mins(1);

    fn seen(state: State) -> Snapshot {
        Snapshot { state: Some(state), ..Snapshot::empty(SystemTime::UNIX_EPOCH) }
    }

    fn note(progress: &Progress, snapshot: Option<&Snapshot>, now: Instant) {
        progress.note(std::iter::once(snapshot), now);
        progress.gathered(now);
    }

    #[test]
    fn a_test_that_has_not_begun_is_not_over() {
        let progress = Progress::new(1);
        let now = Instant::now();
        note(&progress, Some(&seen(State::Ready)), now);
        note(&progress, None, now + BOUND);
        assert!(!progress.over_for(BOUND, now + 10 * BOUND));
    }

    #[test]
    fn the_end_counts_as_shown_only_when_the_last_reports_are_in() {
        let progress = Progress::new(1);
        let now = Instant::now();
        note(&progress, Some(&seen(State::Running)), now);
        note(&progress, Some(&seen(State::Stopped)), now);
        assert!(!progress.final_gathered.load(Ordering::Acquire));
        note(&progress, Some(&seen(State::Stopped)), now + SETTLE);
        assert!(progress.final_gathered.load(Ordering::Acquire));
    }

    #[test]
    fn a_second_test_begins_the_waiting_again() {
        let progress = Progress::new(1);
        let now = Instant::now();
        note(&progress, Some(&seen(State::Stopped)), now);
        note(&progress, Some(&seen(State::Spawning)), now + SETTLE);
        assert!(!progress.over_for(SETTLE, now + BOUND));
        assert!(!progress.final_gathered.load(Ordering::Acquire));
    }

    #[test]
    fn a_locust_gone_in_mid_test_is_over_after_the_bound() {
        let progress = Progress::new(1);
        let now = Instant::now();
        note(&progress, Some(&seen(State::Running)), now);
        note(&progress, None, now);
        assert!(!progress.over_for(BOUND, now));
        note(&progress, None, now + BOUND);
        assert!(progress.over_for(BOUND, now + BOUND));
    }

    #[test]
    fn all_locusts_must_have_ended() {
        let progress = Progress::new(2);
        let now = Instant::now();
        let (stopped, running) = (seen(State::Stopped), seen(State::Running));
        progress.note([Some(&stopped), Some(&running)].into_iter(), now);
        assert!(!progress.over_for(Duration::ZERO, now));
        progress.note([Some(&stopped), Some(&stopped)].into_iter(), now);
        assert!(progress.over_for(Duration::ZERO, now));
    }
}
