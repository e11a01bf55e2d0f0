//! Numbers that one thread writes and others read.
//!
//! There is one writer (`&mut Writer`), so a load and a store are enough to add; nothing is ever
//! locked. Each number is whole by itself. That several belong together is what [`Events`] is for.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
use std::time::{Duration, Instant};

/// A count.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    #[inline]
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    #[inline]
    pub(crate) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn add(&self, more: u64) {
        self.set(self.get().wrapping_add(more));
    }
}

/// Half of a count, where there are so many of them that memory counts.
#[derive(Debug)]
pub(crate) struct Half(AtomicU32);

impl Half {
    pub(crate) const fn new(value: u32) -> Self {
        Self(AtomicU32::new(value))
    }

    #[inline]
    pub(crate) fn get(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    #[inline]
    pub(crate) fn set(&self, value: u32) {
        self.0.store(value, Ordering::Relaxed);
    }
}

/// A number with a fraction.
#[derive(Debug)]
pub(crate) struct Number(AtomicU64);

impl Number {
    pub(crate) const fn new(value: f64) -> Self {
        Self(AtomicU64::new(value.to_bits()))
    }

    #[inline]
    pub(crate) fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }

    #[inline]
    pub(crate) fn set(&self, value: f64) {
        self.0.store(value.to_bits(), Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn add(&self, more: f64) {
        self.set(self.get() + more);
    }
}

/// Counts the changes of numbers that belong together, and lets a reader see whether one was
/// under way: the count is odd meanwhile. One that a panic has cut short is over with the next.
#[derive(Debug, Default)]
pub(crate) struct Events(AtomicU64);

/// So often a reader looks at once: a change takes nanoseconds.
const LOOKS: usize = 64;
/// So long it waits for a writer that the system has stopped in the middle of a change, which on a
/// busy machine may last some time slices.
const PATIENCE: Duration = Duration::from_millis(500);

impl Events {
    /// Announces a change. Every [`begin`](Self::begin) is followed by an [`end`](Self::end).
    #[inline]
    pub(crate) fn begin(&self) {
        self.0.store(self.0.load(Ordering::Relaxed) | 1, Ordering::Relaxed);
        fence(Ordering::Release);
    }

    /// Ends a change.
    #[inline]
    pub(crate) fn end(&self) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(1), Ordering::Release);
    }

    /// Grows with every change; equal values mean that nothing has changed.
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// Reads what belongs together, again until nothing changed meanwhile. The writer knows nothing
    /// of it, and never waits; after some patience it is taken as it is. That is not counted: it
    /// happens where a panic, which is counted, has cut a change short, and where the system has
    /// stopped the writer in the midst of one. Nothing is lost by it: what one request still owes
    /// is there in the next reading.
    pub(crate) fn read(&self, mut read: impl FnMut()) {
        for _ in 0..LOOKS {
            if self.is_settled(&mut read) {
                return;
            }
            std::hint::spin_loop();
        }
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if self.is_settled(&mut read) {
                return;
            }
            std::thread::yield_now();
        }
        read();
    }

    /// Reads, and answers whether nothing changed meanwhile.
    fn is_settled(&self, read: &mut impl FnMut()) -> bool {
        let before = self.get();
        if !before.is_multiple_of(2) {
            return false;
        }
        read();
        fence(Ordering::Acquire);
        self.0.load(Ordering::Relaxed) == before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From then on a settled row passed for one that changes, and a changing one for settled.
    #[test]
    fn a_change_that_a_panic_cut_short_is_over_with_the_next() {
        let events = Events::default();
        events.begin();
        let cut_short = events.get();
        events.begin();
        assert!(!events.is_settled(&mut || {}), "it changes");
        events.end();
        assert!(events.is_settled(&mut || {}), "it is whole");
        assert!(events.get() > cut_short);
        events.begin();
        assert!(!events.is_settled(&mut || {}), "it changes");
    }
}
