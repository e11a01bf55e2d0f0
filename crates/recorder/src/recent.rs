//! What had been counted at the last seconds' ends, for Locust's current percentiles: the times of
//! about the last ten seconds (or as long as its window is) are what is counted now less what was counted then.
//!
//! The rules are those of `StatsEntry`: a copy is made with the first request of a new second, so
//! that none is made where there is no load, and the nearest one to ten seconds ago is taken. A
//! master's are in [`crate::merge`].

use std::collections::VecDeque;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::Cells;
use crate::atomic::Count;

/// Copies that are kept beyond those of the window.
const KEPT_BEYOND: u64 = 10;
/// Copies that are kept at most, whatever the window: an hour's.
const MOST_KEPT: u64 = 3610;
/// So many seconds a copy may be older or younger.
const TOLERANCE: u64 = 8;

/// All response times by cell, and copies of what they were.
#[derive(Debug)]
pub(crate) struct Recent {
    cells: Box<[Count]>,
    copies: ArcSwap<Copies<Arc<Cells>>>,
}

/// What had been counted at the ends of the last seconds, in the order in which it was kept.
#[derive(Clone, Debug)]
pub(crate) struct Copies<T>(VecDeque<(u64, T)>);

impl<T> Default for Copies<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T> Copies<T> {
    /// Keeps what has been counted as that of a second, for a window of so many seconds.
    pub(crate) fn keep(&mut self, second: u64, window: u64, counted: T) {
        // As in Python's ordered dictionary, a second that is there keeps its place.
        if let Some((_, copy)) = self.0.iter_mut().find(|(at, _)| *at == second) {
            *copy = counted;
            return;
        }
        self.0.push_back((second, counted));
        let kept = window.saturating_add(KEPT_BEYOND).min(MOST_KEPT);
        while self.0.len() as u64 > kept {
            self.0.pop_front();
        }
    }

    /// The copy that current numbers are since; `None` where no one is near enough.
    pub(crate) fn before(&self, now: u64, window: u64) -> Option<&T> {
        let wanted = now.saturating_sub(window);
        let near = self.0.iter().filter(|(second, _)| second.abs_diff(wanted) <= TOLERANCE);
        // The nearest; of two that are equally near, the earlier one.
        let nearest = near.min_by_key(|(second, _)| (second.abs_diff(wanted), *second));
        nearest.map(|(_, copy)| copy)
    }
}

impl Recent {
    /// Begins to count in a second.
    pub(crate) fn new(cells: usize, second: u64) -> Self {
        let mut copies = Copies::default();
        copies.keep(second, 0, Arc::default());
        Self {
            cells: (0..cells).map(|_| Count::default()).collect(),
            copies: ArcSwap::from_pointee(copies),
        }
    }

    /// Counts a time.
    #[inline]
    pub(crate) fn hit(&self, cell: u16) {
        if let Some(count) = self.cells.get(usize::from(cell)) {
            count.add(1);
        }
    }

    /// Counts more times of a cell.
    pub(crate) fn add(&self, cell: u16, more: u64) {
        if let Some(count) = self.cells.get(usize::from(cell)) {
            count.add(more);
        }
    }

    /// From now on only times that are counted later are current.
    pub(crate) fn restart(&self, second: u64) {
        let mut copies = Copies::default();
        copies.keep(second, 0, Arc::new(self.counted()));
        self.copies.store(Arc::new(copies));
    }

    /// Keeps what has been counted as that of a second.
    #[cold]
    pub(crate) fn keep(&self, second: u64, window: u64) {
        let mut copies = Copies::clone(&self.copies.load());
        copies.keep(second, window, Arc::new(self.counted()));
        self.copies.store(Arc::new(copies));
    }

    fn counted(&self) -> Cells {
        let counts = (0..).zip(&self.cells).map(|(cell, count)| (cell, count.get()));
        Cells(counts.filter(|&(_, count)| count != 0).collect())
    }

    /// The times of about the last seconds of the window; `None` where no copy is near enough to
    /// its beginning.
    pub(crate) fn current(&self, second: u64, window: u64) -> Option<Cells> {
        let copies = self.copies.load();
        let then = copies.before(second, window)?;
        Some(since(self.counted(), then))
    }
}

/// What has been counted since; of both, the cells ascend.
pub(crate) fn since(mut now: Cells, then: &Cells) -> Cells {
    let mut then = then.0.iter().peekable();
    now.0.retain_mut(|(cell, count)| {
        while then.next_if(|(old, _)| old < cell).is_some() {}
        if let Some((_, old)) = then.next_if(|(old, _)| old == cell) {
            *count = count.saturating_sub(*old);
        }
        *count != 0
    });
    now
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As `StatsEntry` writes it down: copies in the order in which they came, and the seconds that
    /// will do, the best first.
    #[derive(Default)]
    struct Locust {
        copies: Vec<(u64, u64)>,
        count: u64,
    }

    impl Locust {
        fn keep(&mut self, second: u64, window: usize) {
            match self.copies.iter_mut().find(|copy| copy.0 == second) {
                Some(copy) => copy.1 = self.count,
                None => self.copies.push((second, self.count)),
            }
            while self.copies.len() > window + 10 {
                self.copies.remove(0);
            }
        }

        fn current(&self, second: u64, window: u64) -> Option<u64> {
            let mut seconds = vec![second - window];
            for off in 1..9 {
                seconds.extend([second - window - off, second - window + off]);
            }
            let at = |second| self.copies.iter().find(|copy| copy.0 == second);
            seconds.into_iter().find_map(at).map(|copy| self.count - copy.1)
        }
    }

    proptest! {
        #[test]
        fn the_copy_that_locust_would_take_is_taken(
            // Clocks are set back now and then.
            steps in prop::collection::vec((-9..12_i64, 0..3_u64, 0..40_u64), 0..120),
            window in prop::sample::select(vec![5_u64, 10, 30, 60]),
        ) {
            let mut second: u64 = 1_000;
            let recent = Recent::new(8, second);
            let mut locust = Locust { copies: vec![(second, 0)], count: 0 };
            for (forward, hits, later) in steps {
                second = second.saturating_add_signed(forward / 3);
                for _ in 0..hits {
                    recent.hit(5);
                    locust.count += 1;
                }
                recent.keep(second, window);
                locust.keep(second, usize::try_from(window).unwrap());
                let ours = recent.current(second + later, window);
                let ours = ours.map(|cells| cells.0.iter().map(|&(_, count)| count).sum());
                prop_assert_eq!(ours, locust.current(second + later, window));
            }
        }
    }

    #[test]
    fn what_was_counted_then_is_taken_off() {
        let now = Cells(vec![(1, 5), (3, 2), (7, 9)]);
        let then = Cells(vec![(0, 1), (3, 2), (7, 4)]);
        assert_eq!(since(now, &then), Cells(vec![(1, 5), (7, 5)]));
    }
}
