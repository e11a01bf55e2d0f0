//! How long to wait before the next attempt.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);
/// The longest that a backend can ask for: it may be mistaken, and come back long before.
const LONGEST_ASKED: Duration = Duration::from_mins(5);

/// Attempts that failed in a row.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failed: u32,
}

impl Backoff {
    /// Time to wait after one more failure, where the backend asked for at least `after` (of which
    /// it gets five minutes at most). It is
    /// between half and all of what has doubled each time, so that many exporters that lost the
    /// same backend do not come back at the same moment.
    pub(super) fn next(&mut self, after: Option<Duration>) -> Duration {
        let whole = FIRST.saturating_mul(2_u32.saturating_pow(self.failed)).min(LONGEST);
        self.failed = self.failed.saturating_add(1);
        let delay = whole / 2 + (whole / 2).mul_f64(chance());
        delay.max(after.unwrap_or_default().min(LONGEST_ASKED))
    }
}

/// A number from 0 up to 1: a hasher's keys are random.
fn chance() -> f64 {
    RandomState::new().hash_one(0) as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_half_a_minute() {
        let mut backoff = Backoff::default();
        for whole in [1, 2, 4, 8, 16, 30, 30, 30] {
            let delay = backoff.next(None).as_secs_f64();
            let whole = f64::from(whole);
            assert!((whole / 2.0..=whole).contains(&delay), "{delay} of {whole}");
        }
        backoff.failed = u32::MAX;
        assert!(backoff.next(None) <= LONGEST);
    }

    #[test]
    fn no_two_wait_equally_long() {
        let [one, other] = [(); 2].map(|()| Backoff { failed: 9 }.next(None));
        assert_ne!(one, other);
    }

    #[test]
    fn a_backend_is_given_the_time_it_asks_for() {
        let ask = |secs| Backoff::default().next(Some(Duration::from_secs(secs)));
        assert_eq!(ask(70), Duration::from_secs(70));
        assert_eq!(ask(u64::MAX), LONGEST_ASKED);
        assert!(ask(0) >= FIRST / 2);
    }
}
