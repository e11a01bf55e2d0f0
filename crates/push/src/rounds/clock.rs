//! The times of passes.

use std::time::Duration;

use crate::point::Millis;

/// Between two passes: room for the end of a part of a series, 1 ms before the second.
const STEP: Millis = 2;
/// A clock that is so far behind what was pushed before is worth a word.
const BEHIND: Millis = 1_000;
/// What an earlier run has left, and is further ahead than this, was written by a clock that was
/// wrong: backends take nothing that is so far ahead.
const AHEAD: Millis = 10 * 60 * 1_000;

/// Gives passes their times: what the system's clock says, but always later than the pass before.
/// While a clock that was set back has not caught up, passes are 2 ms apart; backends take nothing
/// that is older than what they have.
#[derive(Debug)]
pub(super) struct Clock {
    last: Millis,
    is_behind: bool,
}

impl Clock {
    /// Begins after the newest time that an earlier run has left.
    pub(super) fn new(newest: Option<Millis>, now: Millis) -> Self {
        let is_ahead = |newest: &Millis| newest.saturating_sub(now) > AHEAD;
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
    fn it_begins_after_what_was_left_unless_that_cannot_be() {
        assert_eq!(Clock::new(Some(7_000), 5_000).next(5_000), 7_002);
        assert_eq!(Clock::new(Some(3_000), 5_000).next(5_000), 5_000);
        assert_eq!(Clock::new(Some(Millis::MAX), 5_000).next(5_000), 5_000);
        assert_eq!(Clock::new(Some(5_001 + AHEAD), 5_000).next(5_000), 5_000);
    }
}
