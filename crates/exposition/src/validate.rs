//! What a sample must be before any sink may show it.

use crate::family::{Family, Kind, Reject, Sample, Value};
use crate::histogram::{Buckets, Classic, Histogram, Native, Summary};

/// Checks a sample of `family`.
///
/// Whether two samples have the same labels is not checked: that would take memory.
///
/// # Errors
///
/// The reason why the sample must be left out.
#[inline]
pub fn validate(family: &Family<'_>, sample: &Sample<'_>) -> Result<(), Reject> {
    if family.names.len() != sample.labels.values.len() {
        return Err(Reject::Labels);
    }
    match (family.meta.kind, &sample.value) {
        // NaN fails the comparison as it should.
        (Kind::Counter, Value::Number(value)) if *value >= 0.0 => Ok(()),
        (Kind::Counter, Value::Number(_)) => Err(Reject::NotACount),
        (Kind::Gauge | Kind::Unknown, Value::Number(_)) => Ok(()),
        (Kind::Summary, Value::Summary(summary)) => consistent(is_summary(summary)),
        (Kind::Histogram, Value::Histogram(histogram)) => consistent(is_histogram(histogram)),
        _ => Err(Reject::Kind),
    }
}

fn consistent(is: bool) -> Result<(), Reject> {
    if is { Ok(()) } else { Err(Reject::Inconsistent) }
}

fn is_summary(summary: &Summary<'_>) -> bool {
    let shares = summary.quantiles.iter().all(|quantile| (0.0..=1.0).contains(&quantile.q));
    shares && summary.quantiles.is_sorted_by(|a, b| a.q < b.q)
}

fn is_histogram(histogram: &Histogram<'_>) -> bool {
    histogram.classic.is_none_or(|classic| is_classic(&classic, histogram.count))
        && histogram.native.is_none_or(|native| is_native(&native, histogram))
}

fn is_classic(classic: &Classic<'_>, count: u64) -> bool {
    classic.counts.len() == classic.bounds.len() + 1
        && classic.bounds.iter().all(|bound| bound.is_finite())
        && classic.bounds.is_sorted_by(|a, b| a < b)
        && total(classic.counts) == Some(count)
}

fn is_native(native: &Native<'_>, histogram: &Histogram<'_>) -> bool {
    let in_buckets = total(native.positive.counts).zip(total(native.negative.counts)).and_then(
        |(positive, negative)| positive.checked_add(negative)?.checked_add(native.zero_count),
    );
    // An observation that is NaN is counted but lies in no bucket; the sum tells of it.
    let counted = in_buckets.is_some_and(|in_buckets| {
        in_buckets == histogram.count || (histogram.sum.is_nan() && in_buckets < histogram.count)
    });
    (-4..=8).contains(&native.schema)
        && native.zero_threshold.is_finite()
        && native.zero_threshold >= 0.0
        && counted
        // The wire format has signed differences of counts.
        && i64::try_from(histogram.count).is_ok()
        && are_buckets(&native.positive)
        && are_buckets(&native.negative)
}

fn total(counts: &[u64]) -> Option<u64> {
    counts.iter().try_fold(0_u64, |total, count| total.checked_add(*count))
}

/// Whether the spans do not overlap, stay within the indexes of the wire format, and hold as many
/// buckets as there are counts.
fn are_buckets(buckets: &Buckets<'_>) -> bool {
    let mut length = 0_u64;
    let mut next = 0_i64;
    for (i, span) in buckets.spans.iter().enumerate() {
        if i > 0 && span.offset < 0 {
            return false;
        }
        length += u64::from(span.length);
        next += i64::from(span.offset) + i64::from(span.length);
        if i32::try_from(next).is_err() {
            return false;
        }
    }
    length == buckets.counts.len() as u64
}
