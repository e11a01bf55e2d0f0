//! One partition of all response times, fine enough for everything that counts them.
//!
//! Locust rounds times to about two digits, a native histogram has exponential buckets, a classic
//! one has its configured bounds. A *cell* is a piece of the common refinement of the three, so
//! that one increment serves them all. Each of the three numbers its own pieces in ascending
//! order: the sum of these ranks grows with the time wherever any of them does, and is the number
//! of the cell. Where bounds coincide, a number is left out; nothing is ever counted there.

mod locust;
mod native;
#[cfg(test)]
mod tests;

use std::sync::{Arc, LazyLock};

use crate::Config;

pub(crate) use locust::rounded;

/// Schema of the native buckets that cells know: 32 buckets for each doubling.
pub(crate) const NATIVE_SCHEMA: i8 = 5;
/// Seconds up to which a time is in the native zero bucket: 2^-20.
pub(crate) const ZERO_THRESHOLD: f64 = 1.0 / 1_048_576.0;

/// The cell of negative times. They are in no distribution, but Locust counts them.
pub(crate) const NEGATIVE: u16 = 0;
/// So many cells there are at most, whatever the configuration.
pub(crate) const MOST_CELLS: usize =
    1 + native::LAST_RANK as usize + locust::LAST_RANK as usize + Config::MOST_BUCKETS + 1;

/// The cells of one configuration.
#[derive(Debug)]
pub(crate) struct Partition {
    /// The classic buckets' upper bounds in seconds.
    bounds: Arc<[f64]>,
    /// The same with an infinite one at the end, where every search stops.
    classic: Box<[f64]>,
    /// By native rank, the first classic bucket that a time of this rank can be in.
    first_classic: Box<[u8]>,
    /// By cell.
    pieces: Box<[Piece]>,
}

/// What a cell is to each of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// The native bucket; `None` is the zero bucket, or none at all for [`NEGATIVE`].
    pub(crate) native: Option<i16>,
    /// Locust's rounded time.
    pub(crate) key: Key,
    /// The classic bucket, counted from 0; the last one is that above all bounds.
    pub(crate) classic: u8,
}

/// The key of Locust's `response_times` that a cell's times have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// The rounded time in milliseconds.
    Millis(u32),
    /// That of a negative time; the cell keeps them together.
    Negative,
    /// That of a time so long that the cell keeps together what Locust keeps apart.
    Long,
}

impl Partition {
    /// Cuts the times for the configured buckets, which have been checked.
    pub(crate) fn new(config: &Config) -> Self {
        let bounds: Arc<[f64]> = config.buckets.as_slice().into();
        let classic: Box<[f64]> = bounds.iter().copied().chain([f64::INFINITY]).collect();
        let first_classic = (0..=native::LAST_RANK)
            .map(|rank| {
                let below = native::upper_bound_of(rank).map_or(f64::NEG_INFINITY, |at| at);
                index(bounds.partition_point(|&bound| bound <= below))
            })
            .collect();
        let pieces = pieces(&bounds);
        Self { bounds, classic, first_classic, pieces }
    }

    /// The classic buckets' upper bounds in seconds.
    pub(crate) fn bounds(&self) -> &Arc<[f64]> {
        &self.bounds
    }

    /// How many cells there are.
    pub(crate) fn len(&self) -> usize {
        self.pieces.len()
    }

    /// What a cell is; `None` where there is no such cell.
    pub(crate) fn piece(&self, cell: u16) -> Option<Piece> {
        self.pieces.get(usize::from(cell)).copied()
    }

    /// The cell of a time in milliseconds, which must be a finite number.
    #[inline]
    pub(crate) fn cell(&self, millis: f64) -> u16 {
        if millis < 0.0 {
            return NEGATIVE;
        }
        let seconds = millis / 1000.0;
        let native = native::rank(seconds);
        1 + native + locust::rank(millis) + self.classic_rank(seconds, native)
    }

    /// The classic bucket of a time in seconds, whose native rank is known.
    #[inline]
    fn classic_rank(&self, seconds: f64, native: u16) -> u16 {
        let mut rank = self.first_classic.get(usize::from(native)).map_or(0, |&at| u16::from(at));
        // Mostly no bound lies within the native bucket, or one; the infinite one ends it.
        while self.classic.get(usize::from(rank)).is_some_and(|&bound| seconds > bound) {
            rank += 1;
        }
        rank
    }
}

/// There are at most 100 classic buckets, and the one above.
fn index(bucket: usize) -> u8 {
    u8::try_from(bucket).unwrap_or(u8::MAX)
}

/// What ends at the same time: the greatest one in milliseconds that is still below.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
struct End {
    last: f64,
    of: Of,
}

#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
enum Of {
    Native,
    Locust,
    Classic,
}

/// The ends of native buckets and of Locust's keys, which no configuration moves.
static FIXED: LazyLock<Box<[End]>> = LazyLock::new(|| {
    let native = (0..native::LAST_RANK)
        .map(|rank| End { last: last_millis(native::upper_bound(rank)), of: Of::Native });
    let locust =
        (0..locust::LAST_RANK).map(|rank| End { last: locust::last(rank), of: Of::Locust });
    let mut ends: Vec<_> = native.chain(locust).collect();
    ends.sort_unstable_by(|a, b| a.last.total_cmp(&b.last));
    ends.into()
});

/// The greatest time in milliseconds that is not above a bound in seconds, once divided by 1,000.
fn last_millis(seconds: f64) -> f64 {
    let mut millis = seconds * 1000.0;
    if !millis.is_finite() {
        return f64::MAX;
    }
    while millis / 1000.0 > seconds {
        millis = millis.next_down();
    }
    while millis.next_up() / 1000.0 <= seconds {
        millis = millis.next_up();
    }
    millis
}

/// Walks all ends upwards, and notes what lies before each.
fn pieces(bounds: &[f64]) -> Box<[Piece]> {
    let mut classic = bounds.iter().map(|&bound| last_millis(bound)).peekable();
    let mut fixed = FIXED.iter().copied().peekable();
    let (mut native_rank, mut locust_rank, mut classic_rank) = (0, 0, 0);
    let mut pieces = Vec::with_capacity(FIXED.len() + bounds.len() + 2);
    pieces.push(Piece { native: None, key: Key::Negative, classic: 0 });
    loop {
        pieces.push(Piece {
            native: native::bucket(native_rank),
            key: locust::key(locust_rank),
            classic: index(classic_rank),
        });
        let of = match (fixed.peek(), classic.peek()) {
            (Some(end), Some(&last)) if end.last <= last => end.of,
            (Some(end), None) => end.of,
            (_, Some(_)) => Of::Classic,
            (None, None) => return pieces.into(),
        };
        match of {
            Of::Native => native_rank += u16::from(fixed.next().is_some()),
            Of::Locust => locust_rank += u16::from(fixed.next().is_some()),
            Of::Classic => classic_rank += usize::from(classic.next().is_some()),
        }
    }
}
