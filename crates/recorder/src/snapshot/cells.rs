//! Adding up cells, and walking them.

use crate::Cells;
use crate::partition::{Key, Partition, rounded};

/// All cells, to add sparse ones up in.
pub(super) struct Dense(Vec<u64>);

impl Dense {
    pub(super) fn new(cells: usize) -> Self {
        Self(vec![0; cells])
    }

    pub(super) fn add(&mut self, cells: &Cells) {
        for &(cell, count) in &cells.0 {
            // A cell of another partition is none of ours.
            if let Some(sum) = self.0.get_mut(usize::from(cell)) {
                *sum = sum.saturating_add(count);
            }
        }
    }

    /// The sums; zeros remain.
    pub(super) fn take(&mut self) -> Cells {
        let sums = (0..).zip(self.0.iter_mut().map(std::mem::take));
        Cells(sums.filter(|&(_, sum)| sum != 0).collect())
    }
}

/// Response times of one thing, as ascending cells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times<'a> {
    cells: &'a [(u16, u64)],
    /// How many there are.
    pub(super) count: u64,
    /// Of how many requests percentiles are shares.
    total: u64,
}

impl<'a> Times<'a> {
    pub(super) fn new(cells: &'a [(u16, u64)]) -> Self {
        let count = cells.iter().fold(0_u64, |sum, &(_, count)| sum.saturating_add(count));
        Self { cells, count, total: count }
    }

    /// The same, but percentiles are shares of more requests than these.
    pub(super) fn and_others(self, others: u64) -> Self {
        Self { total: self.count.saturating_add(others), ..self }
    }

    /// The middle one in milliseconds as Locust rounds them, of two the lower one; 0 where there is
    /// none (`median_from_dict`).
    pub(super) fn lower_median(self, extremes: (f64, f64), partition: &Partition) -> f64 {
        let mut before = self.count.saturating_sub(1) / 2;
        for &(cell, times) in self.cells {
            if before < times {
                return millis(cell, extremes, partition);
            }
            before -= times;
        }
        0.0
    }

    /// The time that a share of all did not exceed, in milliseconds as Locust rounds them; 0 where
    /// there is none (`calculate_response_time_percentile`).
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "Python's int(), of a number of requests"
    )]
    pub(super) fn percentile(self, q: f64, extremes: (f64, f64), partition: &Partition) -> f64 {
        let below = (self.total as f64 * q) as u64;
        let mut left = self.total;
        for &(cell, times) in self.cells.iter().rev() {
            left = left.saturating_sub(times);
            if left <= below {
                return millis(cell, extremes, partition);
            }
        }
        0.0
    }
}

/// A cell's times as Locust rounds them.
fn millis(cell: u16, (min, max): (f64, f64), partition: &Partition) -> f64 {
    match partition.piece(cell).map(|piece| piece.key) {
        Some(Key::Millis(millis)) => f64::from(millis),
        Some(Key::Negative) => rounded(min),
        Some(Key::Long) | None => rounded(max),
    }
}
