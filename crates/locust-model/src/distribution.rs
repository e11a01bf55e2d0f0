//! Observations in buckets.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Observations, counted in classic buckets and, where wanted, in native ones too.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    /// Inclusive upper bounds of the classic buckets, ascending and finite. Shared by all
    /// distributions of a kind.
    pub bounds: Arc<[f64]>,
    /// Observations in each classic bucket alone, those above the last bound at the end: one more
    /// than `bounds`.
    pub counts: Vec<u64>,
    /// Sum of the observations.
    pub sum: f64,
    /// The same observations in exponential buckets.
    pub native: Option<NativeBuckets>,
}

impl Distribution {
    /// Number of observations.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Adds other observations, if they were counted in the same classic buckets. Native buckets
    /// become those of the coarser of both; where only one has any, or their zero buckets differ,
    /// there are none any more.
    ///
    /// Answers whether the observations could be added; if not, nothing has changed.
    #[must_use]
    pub fn add(&mut self, other: &Self) -> bool {
        if self.bounds != other.bounds || self.counts.len() != other.counts.len() {
            return false;
        }
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count = count.saturating_add(*more);
        }
        self.sum += other.sum;
        self.native = self.native.take().zip(other.native.as_ref()).and_then(|(mut own, other)| {
            let is_alike = own.zero_threshold.to_bits() == other.zero_threshold.to_bits();
            is_alike.then(|| {
                own.add(other);
                own
            })
        });
        true
    }
}

/// Exponential buckets: bucket `i` of schema `s` holds values in `(base^(i-1), base^i]` with
/// `base = 2^(2^-s)`. No value is negative.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NativeBuckets {
    /// Resolution, −4 to 8.
    pub schema: i8,
    /// Values up to this are in the zero bucket.
    pub zero_threshold: f64,
    /// Observations in the zero bucket.
    pub zero_count: u64,
    /// Where runs of consecutive buckets lie.
    pub spans: Vec<BucketSpan>,
    /// Observations in each bucket alone; as many as the spans' lengths together.
    pub counts: Vec<u64>,
}

impl NativeBuckets {
    /// The most buckets that are given of one distribution.
    pub const MOST: usize = 160;

    /// Adds buckets whose zero bucket is as wide, and merges them until there are at most
    /// [`NativeBuckets::MOST`].
    fn add(&mut self, other: &Self) {
        let schema = self.schema.min(other.schema);
        let mut buckets: BTreeMap<i32, u64> = BTreeMap::new();
        for native in [&*self, other] {
            for (index, count) in native.buckets() {
                let sum =
                    buckets.entry(merged(index, native.schema.saturating_sub(schema))).or_default();
                *sum = sum.saturating_add(count);
            }
        }
        self.schema = schema;
        self.zero_count = self.zero_count.saturating_add(other.zero_count);
        while buckets.len() > Self::MOST && self.schema > Self::COARSEST {
            self.schema -= 1;
            let mut wider: BTreeMap<i32, u64> = BTreeMap::new();
            for (index, count) in buckets {
                let sum = wider.entry(merged(index, 1)).or_default();
                *sum = sum.saturating_add(count);
            }
            buckets = wider;
        }
        self.set(&buckets);
    }

    const COARSEST: i8 = -4;

    /// The buckets in which there is anything, with their indices.
    fn buckets(&self) -> impl Iterator<Item = (i32, u64)> {
        let mut next = 0_i32;
        let indices = self.spans.iter().flat_map(move |span| {
            let first = next.saturating_add(span.offset);
            next = first.saturating_add_unsigned(span.length);
            first..next
        });
        indices.zip(self.counts.iter().copied()).filter(|(_, count)| *count > 0)
    }

    /// Takes these buckets instead of its own.
    fn set(&mut self, buckets: &BTreeMap<i32, u64>) {
        self.spans.clear();
        self.counts.clear();
        let mut next = 0;
        for (&index, &count) in buckets {
            match self.spans.last_mut().filter(|_| index == next) {
                Some(span) => span.length += 1,
                None => {
                    self.spans.push(BucketSpan { offset: index.saturating_sub(next), length: 1 });
                }
            }
            self.counts.push(count);
            next = index.saturating_add(1);
        }
    }
}

/// The bucket that holds bucket `index` of a schema that is finer by `steps`: each step joins two,
/// an odd one (by its upper bound) and the even one above it.
fn merged(index: i32, steps: i8) -> i32 {
    (index.saturating_sub(1) >> steps.clamp(0, 31)).saturating_add(1)
}

/// A run of consecutive exponential buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BucketSpan {
    /// Index of the first bucket in the first span; later, the gap to the end of the span before.
    pub offset: i32,
    /// Number of buckets.
    pub length: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Buckets of one observation each, at these indices.
    fn native(schema: i8, indices: &[i32]) -> NativeBuckets {
        let mut native = NativeBuckets { schema, zero_count: 1, ..NativeBuckets::default() };
        native.set(&indices.iter().map(|index| (*index, 1)).collect());
        native
    }

    fn distribution(native: Option<NativeBuckets>) -> Distribution {
        Distribution { bounds: [1.0].into(), counts: vec![3, 4], sum: 0.5, native }
    }

    fn sum(a: Option<NativeBuckets>, b: Option<NativeBuckets>) -> Distribution {
        let mut sum = distribution(a);
        assert!(sum.add(&distribution(b)));
        sum
    }

    fn native_sum(a: NativeBuckets, b: NativeBuckets) -> NativeBuckets {
        sum(Some(a), Some(b)).native.expect("both have native buckets")
    }

    fn span(offset: i32, length: u32) -> BucketSpan {
        BucketSpan { offset, length }
    }

    #[test]
    fn counts_and_sums_are_added() {
        let sum = sum(None, None);
        assert_eq!((sum.counts, sum.sum, sum.native), (vec![6, 8], 1.0, None));
    }

    #[test]
    fn other_bounds_cannot_be_added_and_change_nothing() {
        let mut sum = distribution(None);
        let other = Distribution { bounds: [2.0].into(), ..distribution(None) };
        assert!(!sum.add(&other));
        assert_eq!(sum, distribution(None));
    }

    #[test]
    fn native_buckets_of_one_resolution_are_joined() {
        let sum = native_sum(native(5, &[-3, -2, 4]), native(5, &[-2, -1, 9]));
        assert_eq!(sum.schema, 5);
        assert_eq!(sum.zero_count, 2);
        assert_eq!(sum.spans, [span(-3, 3), span(4, 1), span(4, 1)]);
        assert_eq!(sum.counts, [1, 2, 1, 1, 1]);
    }

    #[test]
    fn native_buckets_become_as_coarse_as_the_coarser() {
        // Of schema 0, bucket 1 is (1, 2], bucket 2 is (2, 4], bucket 3 is (4, 8]; of schema −1
        // bucket 1 is (1, 4] and bucket 2 is (4, 16].
        for (a, b) in [(0, -1), (-1, 0)] {
            let fine = native(0, &[0, 1, 2, 3]);
            let coarse = native(-1, &[1, 2]);
            let sum = if a == 0 { native_sum(fine, coarse) } else { native_sum(coarse, fine) };
            assert_eq!(sum.schema, a.min(b));
            assert_eq!((sum.spans, sum.counts), (vec![span(0, 3)], vec![1, 3, 2]));
        }
    }

    #[test]
    fn a_bucket_lies_in_the_one_it_is_merged_into() {
        for index in -70_i32..70 {
            for steps in 0..6_i8 {
                let upper =
                    |index: i32, schema: i32| 2_f64.powf(f64::from(index) * 2_f64.powi(-schema));
                let (fine, coarse) = (5, 5 - i32::from(steps));
                let wide = merged(index, steps);
                let rounding = 1.0 + 1e-12;
                assert!(upper(index, fine) <= upper(wide, coarse) * rounding, "{index} {steps}");
                assert!(upper(index - 1, fine) * rounding >= upper(wide - 1, coarse));
            }
        }
    }

    #[test]
    fn there_are_never_more_native_buckets_than_are_allowed() {
        let all: Vec<i32> = (-100..100).collect();
        let (even, odd): (Vec<i32>, Vec<i32>) = all.iter().partition(|index| **index % 2 == 0);
        let sum = native_sum(native(5, &even), native(5, &odd));
        assert_eq!(sum.schema, 4);
        assert!(sum.counts.len() <= NativeBuckets::MOST, "{}", sum.counts.len());
        assert_eq!(sum.counts.iter().sum::<u64>(), 200);
    }

    #[test]
    fn native_buckets_are_lost_where_one_has_none_or_another_zero_bucket() {
        let other = NativeBuckets { zero_threshold: 1e-6, ..native(5, &[1]) };
        for (a, b) in [
            (Some(native(5, &[1])), None),
            (None, Some(native(5, &[1]))),
            (Some(native(5, &[1])), Some(other)),
        ] {
            let sum = sum(a, b);
            assert_eq!((sum.count(), sum.native), (14, None));
        }
    }
}
