//! What `tests/locustfiles/known.py` has as its quantiles, and how near to them a histogram comes.

use anyhow::{Context as _, Result, ensure};

use crate::collector::Value;

/// The name of its requests.
pub const NAME: &str = "/about/";

/// The native histogram's buckets are so much wider at the top than at the bottom. It starts with
/// schema 5 (2.2 %), and is merged down to 160 buckets: the range of `known.py` needs 4.
const NATIVE_ERROR: f64 = 0.045;

/// Upper bounds of the classic buckets, in seconds.
const BOUNDS: [f64; 12] = [0.004, 0.0065, 0.025, 0.075, 0.15, 0.3, 0.5, 1.0, 2.5, 5.0, 20.0, 120.0];

const QUANTILES: [f64; 5] = [0.05, 0.5, 0.9, 0.95, 0.99];

/// The quantile of its response times, in seconds.
fn truth(q: f64) -> f64 {
    0.002 * 4000_f64.powf(((q * 1000.0).ceil() - 1.0) / 999.0)
}

/// Judges quantiles that `ask` gives of native buckets.
///
/// # Errors
///
/// If one is further from the truth than the buckets allow, or `ask` fails.
pub fn native(ask: impl Fn(f64) -> Result<f64>) -> Result<()> {
    for q in QUANTILES {
        let (native, truth) = (ask(q)?, truth(q));
        let error = (native / truth - 1.0).abs();
        ensure!(error <= NATIVE_ERROR, "native {q}: {native}, the truth is {truth}");
    }
    Ok(())
}

/// Judges quantiles that `ask` gives of the classic buckets.
///
/// # Errors
///
/// If one is not in the truth's bucket, or `ask` fails.
pub fn classic(ask: impl Fn(f64) -> Result<f64>) -> Result<()> {
    for q in QUANTILES {
        let (classic, truth) = (ask(q)?, truth(q));
        let above = BOUNDS.partition_point(|bound| *bound < truth);
        let lower = above.checked_sub(1).map_or(0.0, |below| BOUNDS[below]);
        let within = lower <= classic && classic <= BOUNDS[above];
        ensure!(within, "classic {q}: {classic} is not in the bucket of {truth}");
    }
    Ok(())
}

/// A quantile of a histogram as the collector shows it: the middle of its bucket.
///
/// # Errors
///
/// If it is none, or holds less than the quantile needs.
pub fn quantile(value: &Value, q: f64) -> Result<f64> {
    let Value::Histogram { count, buckets, .. } = value else {
        anyhow::bail!("{value:?} is not a histogram");
    };
    let rank = q * *count as f64;
    let mut below = 0;
    let found = buckets.iter().find(|bucket| {
        below += bucket.count;
        below as f64 >= rank
    });
    let bucket = found.with_context(|| format!("no bucket has quantile {q}: {value:?}"))?;
    // The first bucket of a classic histogram has no lower bound, but times are not negative.
    Ok(f64::midpoint(bucket.lower.max(0.0), bucket.upper))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::Bucket;

    #[test]
    fn the_truth_passes_and_what_is_beside_it_does_not() {
        assert!(
            native(|q| Ok(truth(q) * 1.04)).is_ok() && native(|q| Ok(truth(q) * 1.05)).is_err()
        );
        assert!(classic(|q| Ok(truth(q))).is_ok() && classic(|q| Ok(truth(q) * 3.0)).is_err());
    }

    #[test]
    fn a_quantile_lies_in_its_bucket() {
        let bucket = |lower, upper, count| Bucket { lower, upper, count };
        let buckets = vec![bucket(0.0, 1.0, 1), bucket(1.0, 3.0, 9)];
        let value = Value::Histogram { count: 10, sum: 7.0, buckets };
        let of = |q| quantile(&value, q).unwrap().to_bits();
        assert_eq!((of(0.1), of(0.2)), (0.5_f64.to_bits(), 2_f64.to_bits()));
    }
}
