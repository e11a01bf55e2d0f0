//! What Locust's current numbers look at: counts of the last seconds, and response times of about
//! the last ten.

use crate::recent::{Copies, since};
use crate::{Cells, Second};

/// Seconds that are kept. Locust looks at those from twelve to three before the last request, and
/// workers' clocks differ a little.
pub(super) const MOST: usize = 32;
const KEPT: u64 = MOST as u64;

/// A clock that is so many seconds ahead is wrong: its seconds would push out all others.
pub(super) const AHEAD: u64 = 3600;

/// Counts of the last seconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seconds(Vec<Second>);

impl Seconds {
    /// Adds what happened in a second. Only the newest ones are kept, whatever came first.
    pub(crate) fn add(&mut self, change: Second, now: u64) {
        let newest = self.0.last().map_or(0, |last| last.second);
        if change.second > now.saturating_add(AHEAD) || change.second.saturating_add(KEPT) <= newest
        {
            return;
        }
        match self.0.binary_search_by_key(&change.second, |kept| kept.second) {
            Ok(at) => {
                let kept = &mut self.0[at];
                kept.requests = kept.requests.saturating_add(change.requests);
                kept.failures = kept.failures.saturating_add(change.failures);
            }
            Err(at) => {
                self.0.insert(at, change);
                let newest = newest.max(change.second);
                self.0.retain(|kept| kept.second + KEPT > newest);
            }
        }
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn as_slice(&self) -> &[Second] {
        &self.0
    }
}

/// Response times of all requests, with copies of the last seconds: Locust's
/// `response_times_cache`, as its master keeps it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Times {
    /// By cell.
    counts: Vec<u64>,
    copies: Copies<Cells>,
}

impl Times {
    /// Nothing yet.
    pub(crate) fn begin(&mut self, now: u64) {
        self.counts.clear();
        self.restart(now);
    }

    /// From now on only times that are added later are current.
    pub(crate) fn restart(&mut self, now: u64) {
        self.copies = Copies::default();
        self.keep(now, 0);
    }

    pub(crate) fn add(&mut self, cells: &[(u16, u64)]) {
        let Some((last, _)) = cells.last() else { return };
        if usize::from(*last) >= self.counts.len() {
            self.counts.resize(usize::from(*last) + 1, 0);
        }
        for &(cell, count) in cells {
            let place = &mut self.counts[usize::from(cell)];
            *place = place.saturating_add(count);
        }
    }

    /// Keeps a copy of a second.
    pub(crate) fn keep(&mut self, second: u64, window: u64) {
        self.copies.keep(second, window, self.counted());
    }

    /// Those of the last seconds of the window: since the copy of its beginning, or of one near it.
    pub(crate) fn current(&self, now: u64, window: u64) -> Option<Cells> {
        let then = self.copies.before(now, window)?;
        Some(since(self.counted(), then))
    }

    fn counted(&self) -> Cells {
        let counts = (0..).zip(&self.counts).map(|(cell, &count)| (cell, count));
        Cells(counts.filter(|&(_, count)| count != 0).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(second: u64, requests: u32) -> Second {
        Second { second, requests, failures: 0 }
    }

    #[test]
    fn late_counts_of_a_second_are_added_and_old_seconds_go() {
        let mut seconds = Seconds::default();
        for change in [second(100, 1), second(102, 2), second(101, 3), second(102, 4)] {
            seconds.add(change, 102);
        }
        assert_eq!(seconds.as_slice(), [second(100, 1), second(101, 3), second(102, 6)]);
        seconds.add(second(133, 1), 133);
        assert_eq!(seconds.as_slice(), [second(102, 6), second(133, 1)]);
        seconds.add(second(101, 1), 133);
        seconds.add(second(133 + 2 * AHEAD, 1), 133);
        assert_eq!(seconds.as_slice(), [second(102, 6), second(133, 1)]);
    }

    #[test]
    fn current_are_the_times_since_the_copy_of_ten_seconds_ago() {
        let mut times = Times::default();
        times.begin(100);
        times.add(&[(3, 5)]);
        times.keep(104, 10);
        times.add(&[(3, 1), (9, 2)]);
        assert_eq!(times.current(114, 10), Some(Cells(vec![(3, 1), (9, 2)])));
        assert_eq!(times.current(111, 10), Some(Cells(vec![(3, 6), (9, 2)])), "one second off");
        assert_eq!(times.current(130, 10), None);
    }
}
