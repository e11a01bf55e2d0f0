//! What an encoder is lent.

use std::time::SystemTime;

use exposition::{Meta, Value};

/// A time in milliseconds since 1970.
pub(crate) type Millis = i64;

/// The end of the year 9999: the formats in which times are written know no later one.
pub(crate) const LATEST: Millis = 253_402_300_799_999;

/// What the system's clock says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Now {
    /// The time, from 1970 up to [`LATEST`].
    pub(crate) time: Millis,
    /// The clock says a time out of these bounds, and this is the nearest one.
    pub(crate) is_clamped: bool,
}

/// What the system's clock says.
pub(crate) fn now() -> Now {
    at(SystemTime::now())
}

fn at(time: SystemTime) -> Now {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    let millis =
        since.as_ref().map(|since| Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX));
    let millis = millis.unwrap_or_default();
    Now { time: millis.min(LATEST), is_clamped: since.is_err() || millis > LATEST }
}

/// One series (of a histogram or summary: all its series) at the time of a pass.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point<'a> {
    /// Name, help, unit, type of its family. Points of one family come one after the other.
    pub(crate) meta: &'a Meta,
    /// Every label as name and value, by name in ascending order of bytes, none twice, none empty.
    pub(crate) labels: &'a [(&'a str, &'a str)],
    /// What it says.
    pub(crate) reading: Reading<'a>,
    /// When it began to count: known of counters, summaries and histograms only, and not of all.
    /// Not after `time`.
    pub(crate) start: Option<Millis>,
    /// When it was first seen since it began, came back, or fell: what stands for a start that is
    /// not known. Not after `time`, not before a known `start`.
    pub(crate) first: Millis,
    /// When this was so. It grows from pass to pass.
    pub(crate) time: Millis,
}

/// What a point says.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reading<'a> {
    /// The value, fit to be shown (`exposition::validate`).
    Value(Value<'a>),
    /// The series is no more: what was there of it until now.
    Ended(Shape<'a>),
}

/// Of which series a value consists.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shape<'a> {
    /// One number.
    Number,
    /// A summary of these quantiles, in ascending order; its count, and its sum where it has one.
    Summary { quantiles: &'a [f64], has_sum: bool },
    /// A histogram: the bounds of its classic buckets (`+Inf` implied), and whether it has native
    /// ones.
    Histogram { bounds: Option<&'a [f64]>, is_native: bool },
}

/// Takes the points of a pass: an encoder.
pub(crate) trait Points {
    /// Takes one.
    fn point(&mut self, point: &Point<'_>);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_clock_before_1970_or_after_9999_is_clamped() {
        let epoch = SystemTime::UNIX_EPOCH;
        let (early, late) = (Duration::from_secs(1), Duration::from_hours(70_389_528));
        for (time, millis, is_clamped) in [
            (epoch, 0, false),
            (epoch - early, 0, true),
            (epoch + late - Duration::from_millis(1), LATEST, false),
            (epoch + late, LATEST, true),
            (epoch + 9 * late, LATEST, true),
        ] {
            assert_eq!(at(time), Now { time: millis, is_clamped });
        }
    }
}
