//! Native buckets as OTLP has them: dense, and indexed by their lower bound.

use exposition::{Buckets, Native};

/// Buckets that a point may have on one side. Beyond that neighbours are put together, which
/// halves the resolution.
const MOST_BUCKETS: i64 = 4_096;

/// The buckets of a point. It keeps its memory from point to point.
#[derive(Debug, Default)]
pub(super) struct Exponential {
    /// Resolution: bucket `i` holds values in `(base^i, base^(i+1)]` with `base = 2^(2^-scale)`.
    pub(super) scale: i32,
    /// Observations in all buckets, the zero bucket included.
    pub(super) count: u64,
    /// Buckets of the positive values.
    pub(super) positive: Dense,
    /// Buckets of the negative values.
    pub(super) negative: Dense,
}

/// Consecutive buckets.
#[derive(Debug, Default)]
pub(super) struct Dense {
    /// Index of the first.
    pub(super) offset: i32,
    /// Observations in each; ends are not empty.
    pub(super) counts: Vec<u64>,
}

impl Exponential {
    /// Reads native buckets.
    ///
    /// Bucket `i` of OTLP is bucket `i + 1` of a native histogram. A native histogram has a last
    /// bucket for what is infinite, which OTLP has not: what is in it is not counted at all
    /// (OpenTelemetry's specification, Prometheus and OpenMetrics Compatibility, Native
    /// Histograms).
    pub(super) fn read(&mut self, native: &Native<'_>) {
        // The index of the bucket that ends in 2^1024, with which the finite numbers end.
        let last =
            if native.schema >= 0 { 1_024 << native.schema } else { 1_024 >> -native.schema };
        let both = [(&mut self.positive, &native.positive), (&mut self.negative, &native.negative)];
        let mut halvings = 0;
        for (_, buckets) in &both {
            if let Some((first, end)) = range(buckets, last) {
                while !fits(first >> halvings, end >> halvings) {
                    halvings += 1;
                }
            }
        }
        self.scale = i32::from(native.schema) - halvings;
        self.count = native.zero_count;
        for (dense, buckets) in both {
            dense.fill(buckets, last, halvings);
            self.count += dense.counts.iter().sum::<u64>();
        }
    }
}

impl Dense {
    fn fill(&mut self, buckets: &Buckets<'_>, last: i64, halvings: i32) {
        self.counts.clear();
        self.offset = 0;
        let Some((first, end)) = range(buckets, last) else { return };
        let first = first >> halvings;
        self.offset = i32::try_from(first).unwrap_or_default();
        let length = (end >> halvings) - first + 1;
        self.counts.resize(usize::try_from(length).unwrap_or_default(), 0);
        for (index, count) in taken(buckets, last) {
            let place = usize::try_from((index >> halvings) - first).unwrap_or(usize::MAX);
            if let Some(bucket) = self.counts.get_mut(place) {
                *bucket += count;
            }
        }
    }
}

/// Whether buckets from one index to another are few enough, and begin within the wire format.
fn fits(first: i64, end: i64) -> bool {
    end - first < MOST_BUCKETS && i32::try_from(first).is_ok()
}

/// The first and last index (of OTLP) of the buckets that are not empty.
fn range(buckets: &Buckets<'_>, last: i64) -> Option<(i64, i64)> {
    let mut indexes = taken(buckets, last).map(|(index, _)| index);
    let first = indexes.next()?;
    Some((first, indexes.last().unwrap_or(first)))
}

/// Indexes (of OTLP) and counts of the buckets that are not empty, up to native index `last`.
fn taken(buckets: &Buckets<'_>, last: i64) -> impl Iterator<Item = (i64, u64)> {
    let mut next = 0_i64;
    let indexes = buckets.spans.iter().flat_map(move |span| {
        let first = next + i64::from(span.offset);
        next = first + i64::from(span.length);
        first..next
    });
    indexes
        .zip(buckets.counts.iter().copied())
        .filter(move |(index, count)| *index <= last && *count > 0)
        .map(|(index, count)| (index - 1, count))
}

#[cfg(test)]
mod tests {
    use exposition::Span;

    use super::*;

    fn read(schema: i8, zero_count: u64, spans: &[Span], counts: &[u64]) -> Exponential {
        let positive = Buckets { spans, counts };
        let mut read = Exponential::default();
        read.read(&Native {
            schema,
            zero_threshold: 0.0,
            zero_count,
            positive,
            negative: Buckets::default(),
        });
        read
    }

    /// Whether `value` lies in bucket `index` of OTLP, by the definition in `metrics.proto`.
    fn is_in(value: f64, index: i32, scale: i32) -> bool {
        let base = 2_f64.powf(2_f64.powi(-scale));
        base.powi(index) < value && value <= base.powi(index + 1)
    }

    #[test]
    fn a_native_bucket_has_the_index_of_its_lower_bound() {
        // Values that are no powers of the base, with the native bucket that Prometheus puts them
        // in: `ceil(log2(value) * 2^schema)`.
        for (schema, value, native) in
            [(0, 1.5, 1), (0, 3.0, 2), (0, 0.75, 0), (3, 1.5, 5), (-2, 100.0, 2), (5, 0.3, -55)]
        {
            let read = read(schema, 0, &[Span { offset: native, length: 1 }], &[7]);
            assert_eq!((read.positive.offset, &*read.positive.counts), (native - 1, &[7][..]));
            assert!(is_in(value, read.positive.offset, read.scale), "{schema} {value}");
        }
    }

    #[test]
    fn gaps_become_empty_buckets_and_empty_ends_go() {
        let spans = [
            Span { offset: -3, length: 2 },
            Span { offset: 2, length: 2 },
            Span { offset: 1, length: 1 },
        ];
        let read = read(2, 4, &spans, &[0, 5, 6, 7, 0]);
        assert_eq!((read.scale, read.count), (2, 22));
        // Native: -3, -2, then 1, 2, then 4; the first and the last are empty.
        assert_eq!((read.positive.offset, &*read.positive.counts), (-3, &[5, 0, 0, 6, 7][..]));
        assert_eq!((read.negative.offset, read.negative.counts.len()), (0, 0));
    }

    #[test]
    fn what_is_infinite_is_not_counted() {
        for (schema, last) in [(0, 1_024), (8, 262_144), (-4, 64)] {
            let read = read(schema, 0, &[Span { offset: last, length: 2 }], &[1, 2]);
            assert_eq!((read.count, read.positive.offset), (1, last - 1));
            assert_eq!(read.positive.counts, [1]);
        }
    }

    #[test]
    fn too_many_buckets_are_put_together() {
        let spans = [Span { offset: -4_095, length: 1 }, Span { offset: 8_192, length: 1 }];
        let read = read(8, 0, &spans, &[3, 4]);
        // Indexes -4096 and 4097 of OTLP: over 8,000 buckets, so two halvings.
        assert_eq!(read.scale, 6);
        assert_eq!((read.positive.offset, read.positive.counts.len()), (-1_024, 2_049));
        assert_eq!((read.positive.counts[0], read.positive.counts[2_048]), (3, 4));
        assert_eq!(read.count, 7);
    }

    #[test]
    fn indexes_may_be_as_far_apart_as_the_wire_format_lets_them() {
        let spans = [Span { offset: i32::MIN, length: 1 }, Span { offset: i32::MAX, length: 1 }];
        let read = read(8, 0, &spans, &[3, 4]);
        assert_eq!(read.count, 7);
        assert!(read.positive.counts.len() <= 4_096);
        let read = self::read(8, 0, &[Span { offset: i32::MIN, length: 1 }], &[3]);
        assert_eq!((read.positive.offset, read.scale), (-(1 << 30) - 1, 7));
    }
}
