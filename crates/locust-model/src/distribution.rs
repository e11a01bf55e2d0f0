//! Observations in buckets.

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

/// A run of consecutive exponential buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BucketSpan {
    /// Index of the first bucket in the first span; later, the gap to the end of the span before.
    pub offset: i32,
    /// Number of buckets.
    pub length: u32,
}
