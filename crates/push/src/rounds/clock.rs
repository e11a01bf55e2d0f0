//! The times of passes.

use std::time::Duration;

use crate::point::Millis;

/// Between two passes: room for the end of a part of a series, 1 ms before the second.
const STEP: Millis = 2;
/// A clock that is so far behind what was pushed before is worth a word.
const BEHIND: Millis = 1_000;
/// What is further ahead than this was written by a clock that was wrong: backends take nothing that
/// is so far ahead (Prometheus and Mimir 10 minutes).
const AHEAD: Millis = 10 * 60 * 1_000;

/// Gives passes their times: what the system's clock says, but always later than the pass before.
/// While a clock that was set back has not caught up, passes are 2 ms apart; backends take nothing
/// that is older than what they have. Only one that was set back further than they take what is
/// ahead is followed back at once: [`Self::set_back`].
#[derive(Debug)]
pub(super) struct Clock {
    last: Millis,
    is_behind: bool,
}

impl Clock {
    /// Begins after the newest time that an earlier run has left.
    pub(super) fn new(newest: Option<Millis>, now: Millis) -> Self {
        let is_ahead = |newest: &Millis| is_far(*newest, now);
        if let Some(newest) = newest.filter(is_ahead) {
            tracing::warn!(
                ahead = ?between(now, newest),
                "points that wait on disk are of a time to come: the clock was, or is, wrong; new \
                 points have the time of now"
            );
        }
        let last = newest.filter(|newest| !is_ahead(newest)).unwrap_or(Millis::MIN);
        Self { last, is_behind: false }
    }

    /// Where the clock was set back so far that it cannot be waited for: the time at which all ends
    /// that was told until now, right after the last pass. The next pass has the clock's time.
    pub(super) fn set_back(&mut self, now: Millis) -> Option<Millis> {
        let last = self.last;
        if !is_far(last, now) {
            return None;
        }
        tracing::warn!(
            by = ?between(now, last),
            "the clock was set back: pushed points have its new time, and every series begins anew"
        );
        *self = Self { last: Millis::MIN, is_behind: false };
        Some(last.saturating_add(1))
    }

    /// The time of the next pass.
    pub(super) fn next(&mut self, now: Millis) -> Millis {
        let time = now.max(self.last.saturating_add(STEP));
        let is_behind = time.saturating_sub(now) > BEHIND;
        if is_behind && !self.is_behind {
            tracing::warn!(
                behind = ?between(now, time),
                "the clock was set back: until it has caught up, pushed points are {STEP} ms apart"
            );
        }
        self.is_behind = is_behind;
        self.last = time;
        time
    }

    /// The time at which all ends: right after the last pass.
    pub(super) fn end(&mut self) -> Millis {
        self.last = self.last.saturating_add(1);
        self.last
    }
}

/// Whether a time is so far ahead that it is wrong.
fn is_far(time: Millis, now: Millis) -> bool {
    time.saturating_sub(now) > AHEAD
}

fn between(from: Millis, to: Millis) -> Duration {
    Duration::from_millis(to.saturating_sub(from).unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_follows_the_clock_but_never_back() {
        let mut clock = Clock::new(None, 1_000);
        assert_eq!(clock.next(1_000), 1_000);
        assert_eq!(clock.next(1_000), 1_002);
        assert_eq!(clock.next(5_000), 5_000);
        assert_eq!([clock.next(10), clock.next(1_000), clock.next(5_003)], [5_002, 5_004, 5_006]);
        assert_eq!(clock.next(6_000), 6_000);
        assert_eq!(clock.end(), 6_001);
    }

    #[test]
    fn a_clock_that_is_set_back_further_than_backends_look_ahead_is_followed() {
        let mut clock = Clock::new(None, AHEAD);
        assert_eq!(clock.set_back(AHEAD), None);
        assert_eq!(clock.next(2 * AHEAD), 2 * AHEAD);
        // So far it may still be waited for.
        assert_eq!(clock.set_back(AHEAD), None);
        assert_eq!(clock.next(AHEAD), 2 * AHEAD + 2);
        assert_eq!(clock.set_back(AHEAD), Some(2 * AHEAD + 3));
        assert_eq!(clock.set_back(AHEAD), None);
        assert_eq!([clock.next(AHEAD), clock.next(AHEAD)], [AHEAD, AHEAD + 2]);
    }

    #[test]
    fn it_begins_after_what_was_left_unless_that_cannot_be() {
        assert_eq!(Clock::new(Some(7_000), 5_000).next(5_000), 7_002);
        assert_eq!(Clock::new(Some(3_000), 5_000).next(5_000), 5_000);
        assert_eq!(Clock::new(Some(Millis::MAX), 5_000).next(5_000), 5_000);
        assert_eq!(Clock::new(Some(5_001 + AHEAD), 5_000).next(5_000), 5_000);
    }
}
