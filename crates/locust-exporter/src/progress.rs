//! Whether the test has ended and has been seen to, for `--exit-after-test`.

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
    /// Wakes who waits for the last numbers to be served.
    final_served: Notify,
}

impl Progress {
    /// Nothing seen yet of `locusts` Locusts.
    pub(crate) fn new(locusts: usize) -> Self {
        Self { phases: Mutex::new(vec![Phase::Waiting; locusts]), final_served: Notify::new() }
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

    /// Whether a look at each Locust, in order and noted before, with the time when it began, has
    /// seen the last numbers: every test was over, and no report could be missing any more.
    pub(crate) fn is_final<'a>(
        &self,
        looks: impl Iterator<Item = (Option<&'a Snapshot>, Instant)>,
    ) -> bool {
        let phases = self.phases.lock().unwrap_or_else(PoisonError::into_inner);
        phases.iter().zip(looks).all(|(phase, (snapshot, began))| {
            let is_stopped = snapshot.is_some_and(|seen| seen.state == Some(State::Stopped));
            match phase {
                Phase::Ended(since) => is_stopped && began >= *since + SETTLE,
                _ => false,
            }
        })
    }

    /// Takes note that the last numbers have been handed over. They are not the last any more if
    /// another test has begun meanwhile.
    pub(crate) fn served_final(&self) {
        if self.all(|phase| matches!(phase, Phase::Ended(_))) {
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
    }

    /// Notes a look that began and ended at once; whether it is final.
    fn is_final(progress: &Progress, snapshot: Option<&Snapshot>, now: Instant) -> bool {
        note(progress, snapshot, now);
        progress.is_final(std::iter::once((snapshot, now)))
    }

    /// Whether the wait for the last scrape is over.
    fn is_told(progress: &Progress) -> bool {
        futures_util::FutureExt::now_or_never(progress.final_served()).is_some()
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
    fn numbers_are_the_last_only_when_the_last_reports_are_in() {
        let progress = Progress::new(1);
        let now = Instant::now();
        let stopped = seen(State::Stopped);
        assert!(!is_final(&progress, Some(&seen(State::Running)), now));
        assert!(!is_final(&progress, Some(&stopped), now));
        assert!(is_final(&progress, Some(&stopped), now + SETTLE));
    }

    #[test]
    fn a_look_that_began_before_the_last_reports_is_not_final_however_late_it_ends() {
        let progress = Progress::new(1);
        let now = Instant::now();
        let stopped = seen(State::Stopped);
        note(&progress, Some(&stopped), now);
        note(&progress, Some(&stopped), now + SETTLE);
        let began = now + SETTLE / 2;
        assert!(!progress.is_final(std::iter::once((Some(&stopped), began))));
    }

    #[test]
    fn a_failed_look_after_the_end_is_not_final() {
        let progress = Progress::new(1);
        let now = Instant::now();
        note(&progress, Some(&seen(State::Stopped)), now);
        assert!(!is_final(&progress, None, now + BOUND));
        assert!(!is_final(&progress, Some(&seen(State::Ready)), now + BOUND));
        assert!(is_final(&progress, Some(&seen(State::Stopped)), now + BOUND));
        assert!(progress.over_for(BOUND, now + BOUND), "the bound goes on all the same");
    }

    #[test]
    fn last_numbers_that_a_second_test_has_overtaken_are_not_the_last() {
        let progress = Progress::new(1);
        let now = Instant::now();
        note(&progress, Some(&seen(State::Stopped)), now);
        assert!(is_final(&progress, Some(&seen(State::Stopped)), now + SETTLE));
        note(&progress, Some(&seen(State::Spawning)), now + SETTLE);
        progress.served_final();
        assert!(!is_told(&progress));
        note(&progress, Some(&seen(State::Stopped)), now + SETTLE);
        progress.served_final();
        assert!(is_told(&progress));
    }

    #[test]
    fn a_second_test_begins_the_waiting_again() {
        let progress = Progress::new(1);
        let now = Instant::now();
        note(&progress, Some(&seen(State::Stopped)), now);
        assert!(!is_final(&progress, Some(&seen(State::Spawning)), now + SETTLE));
        assert!(!progress.over_for(SETTLE, now + BOUND));
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
