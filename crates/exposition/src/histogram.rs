//! Values that are more than one number.

/// A quantile of a [`Summary`]: at most `value` for the share `q` of the observations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantile {
    /// Between 0 and 1.
    pub q: f64,
    /// In the family's unit.
    pub value: f64,
}

/// A summary: what was counted, and the quantiles that somebody else computed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary<'a> {
    /// Number of observations.
    pub count: u64,
    /// Sum of the observations, in the family's unit, where it is known.
    pub sum: Option<f64>,
    /// In ascending order of `q`; may be empty.
    pub quantiles: &'a [Quantile],
}

/// A histogram: classic buckets, native buckets, or both over the same observations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Histogram<'a> {
    /// Number of observations.
    pub count: u64,
    /// Sum of the observations, in the family's unit.
    pub sum: f64,
    /// Buckets with explicit bounds.
    pub classic: Option<Classic<'a>>,
    /// Buckets with exponential bounds. Only the protobuf format can carry them.
    pub native: Option<Native<'a>>,
}

/// Classic buckets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Classic<'a> {
    /// Inclusive upper bounds, ascending, finite: `+Inf` is implied.
    pub bounds: &'a [f64],
    /// Observations in each bucket alone (not cumulated), the `+Inf` bucket last:
    /// one more than `bounds`. Their sum is the histogram's count.
    pub counts: &'a [u64],
}

/// Native (exponential) buckets.
///
/// Bucket `i` of schema `s` holds values in `(base^(i-1), base^i]` with `base = 2^(2^-s)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Native<'a> {
    /// Resolution, −4 to 8.
    pub schema: i8,
    /// Width of the zero bucket: values in `[-zero_threshold, zero_threshold]`.
    pub zero_threshold: f64,
    /// Observations in the zero bucket.
    pub zero_count: u64,
    /// Buckets of the positive values.
    pub positive: Buckets<'a>,
    /// Buckets of the negative values.
    pub negative: Buckets<'a>,
}

/// Runs of consecutive native buckets.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Buckets<'a> {
    /// Where the runs lie.
    pub spans: &'a [Span],
    /// Observations in each bucket alone; as many as the spans' lengths together.
    pub counts: &'a [u64],
}

/// A run of consecutive native buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Index of the first bucket in the first span; later, the gap to the end of the span before.
    pub offset: i32,
    /// Number of buckets.
    pub length: u32,
}
