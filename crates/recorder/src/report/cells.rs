//! Counts by cell: gaps between cells are mostly 1, counts mostly about as great as those before.

use super::ReportError;
use super::bits::{BitReader, BitWriter};

/// Expects of a count what the last ones were.
struct Expected(u64);

impl Expected {
    /// Counts are this many times in the average.
    const WEIGHT: u64 = 4;

    fn new() -> Self {
        Self(Self::WEIGHT * 4)
    }

    fn scale(&self) -> u32 {
        (self.0 / Self::WEIGHT).checked_ilog2().unwrap_or(0)
    }

    fn learn(&mut self, count: u64) {
        self.0 = self.0 - self.0 / Self::WEIGHT + count.min(1 << 32);
    }
}

/// Writes ascending cells, no count 0.
pub(crate) fn encode<'a>(cells: &[(u16, u64)], mut out: BitWriter<'a>) -> BitWriter<'a> {
    out.small(cells.len() as u64);
    let mut next = 0;
    let mut expected = Expected::new();
    for &(cell, count) in cells {
        out = out.pair(u64::from(cell) - next, count.saturating_sub(1), expected.scale());
        next = u64::from(cell) + 1;
        expected.learn(count);
    }
    out
}

/// Appends the cells read.
pub(crate) fn decode(
    from: &mut BitReader<'_>,
    cells: &mut Vec<(u16, u64)>,
) -> Result<(), ReportError> {
    let length = from.small()?;
    let mut next = 0;
    let mut expected = Expected::new();
    for _ in 0..length {
        let (gap, count) = from.pair(expected.scale())?;
        let (cell, count) = (gap.saturating_add(next), count.saturating_add(1));
        let cell16 = u16::try_from(cell).map_err(|_| ReportError::Malformed("a cell"))?;
        expected.learn(count);
        cells.push((cell16, count));
        next = cell + 1;
    }
    Ok(())
}
