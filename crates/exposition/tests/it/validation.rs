//! Samples that no sink may show.

use exposition::{
    Buckets, Classic, Emit, Family, Histogram, Kind, LabelName, Labels, Meta, MetricName, Native,
    Quantile, Reject, Sample, Span, Summary, Value, validate,
};

const EMPTY: Histogram<'static> = Histogram { count: 0, sum: 0.0, classic: None, native: None };

const NATIVE: Native<'static> = Native {
    schema: 3,
    zero_threshold: 0.0,
    zero_count: 0,
    positive: Buckets { spans: &[], counts: &[] },
    negative: Buckets { spans: &[], counts: &[] },
};

fn checked(kind: Kind, names: &[LabelName<'_>], sample: &Sample<'_>) -> Result<(), Reject> {
    let meta = Meta::new(MetricName::new("x").unwrap(), "", None, kind);
    validate(&Family::new(&meta, names, &|_: &mut Emit<'_>| {}), sample)
}

fn check(kind: Kind, value: Value<'_>) -> Result<(), Reject> {
    checked(kind, &[], &Sample { labels: Labels::default(), value, created: None })
}

fn quantiles(quantiles: &[f64]) -> Result<(), Reject> {
    let quantiles = quantiles.iter().map(|q| Quantile { q: *q, value: 1.0 }).collect::<Vec<_>>();
    check(Kind::Summary, Value::Summary(Summary { count: 1, sum: None, quantiles: &quantiles }))
}

fn classic(count: u64, bounds: &[f64], counts: &[u64]) -> Result<(), Reject> {
    let classic = Some(Classic { bounds, counts });
    check(Kind::Histogram, Value::Histogram(Histogram { count, classic, ..EMPTY }))
}

fn native(count: u64, sum: f64, native: Native<'_>) -> Result<(), Reject> {
    let native = Some(native);
    check(Kind::Histogram, Value::Histogram(Histogram { count, sum, native, ..EMPTY }))
}

/// A native histogram whose positive spans are these, each an offset and a length, of buckets that
/// hold one observation each.
fn runs(runs: &[(i32, u32)]) -> Result<(), Reject> {
    let spans: Vec<_> =
        runs.iter().map(|(offset, length)| Span { offset: *offset, length: *length }).collect();
    let count = runs.iter().map(|(_, length)| u64::from(*length)).sum::<u64>();
    let counts = vec![1; usize::try_from(count).unwrap()];
    native(count, 0.0, Native { positive: Buckets { spans: &spans, counts: &counts }, ..NATIVE })
}

#[test]
fn a_value_is_of_the_familys_kind() {
    let number = Value::Number(1.0);
    let summary = Value::Summary(Summary { count: 0, sum: None, quantiles: &[] });
    let histogram = Value::Histogram(EMPTY);
    for kind in [Kind::Counter, Kind::Gauge, Kind::Unknown, Kind::Summary, Kind::Histogram] {
        let takes = |value| check(kind, value) == Ok(());
        let is_number = !matches!(kind, Kind::Summary | Kind::Histogram);
        assert_eq!(takes(number), is_number, "{kind:?}");
        assert_eq!(takes(summary), kind == Kind::Summary);
        assert_eq!(takes(histogram), kind == Kind::Histogram);
    }
    assert_eq!(check(Kind::Gauge, summary), Err(Reject::Kind));
}

#[test]
fn a_label_has_a_name_and_a_value() {
    let names = [LabelName::from_static("a")];
    let sample = |values| Sample {
        labels: Labels { base: &[], values },
        value: Value::Number(1.0),
        created: None,
    };
    assert_eq!(checked(Kind::Gauge, &names, &sample(&["1"])), Ok(()));
    assert_eq!(checked(Kind::Gauge, &names, &sample(&[])), Err(Reject::Labels));
    assert_eq!(checked(Kind::Gauge, &names, &sample(&["1", "2"])), Err(Reject::Labels));
}

#[test]
fn quantiles_are_shares_in_ascending_order() {
    assert_eq!(quantiles(&[]), Ok(()));
    assert_eq!(quantiles(&[0.0, 0.5, 1.0]), Ok(()));
    for bad in [&[0.5, 0.5][..], &[0.9, 0.5], &[-0.1], &[1.1], &[f64::NAN], &[0.5, f64::NAN]] {
        assert_eq!(quantiles(bad), Err(Reject::Inconsistent), "{bad:?}");
    }
}

#[test]
fn classic_buckets_are_bounded_and_add_up() {
    assert_eq!(classic(6, &[1.0, 2.0], &[1, 2, 3]), Ok(()));
    assert_eq!(classic(3, &[], &[3]), Ok(()));
    for (count, bounds, counts) in [
        (7, &[1.0, 2.0][..], &[1, 2, 3][..]),
        (3, &[1.0, 2.0], &[1, 2]),
        (6, &[2.0, 1.0], &[1, 2, 3]),
        (6, &[1.0, 1.0], &[1, 2, 3]),
        (6, &[-0.0, 0.0], &[1, 2, 3]),
        (6, &[1.0, f64::INFINITY], &[1, 2, 3]),
        (6, &[f64::NAN, 1.0], &[1, 2, 3]),
        (0, &[1.0], &[1, u64::MAX]),
        (0, &[], &[]),
    ] {
        let found = classic(count, bounds, counts);
        assert_eq!(found, Err(Reject::Inconsistent), "{count} {bounds:?} {counts:?}");
    }
}

#[test]
fn native_spans_do_not_overlap_or_leave_the_indexes() {
    assert_eq!(runs(&[]), Ok(()));
    assert_eq!(runs(&[(-5, 2), (0, 1), (3, 0)]), Ok(()));
    assert_eq!(runs(&[(i32::MAX - 1, 1)]), Ok(()));
    for bad in [&[(0, 2), (-1, 1)][..], &[(i32::MAX, 1)], &[(i32::MAX - 5, 2), (7, 1)]] {
        assert_eq!(runs(bad), Err(Reject::Inconsistent), "{bad:?}");
    }
}

#[test]
fn native_buckets_are_as_many_as_the_spans_say() {
    let spans = [Span { offset: 0, length: u32::MAX }];
    let positive = Buckets { spans: &spans, counts: &[1] };
    assert_eq!(native(1, 0.0, Native { positive, ..NATIVE }), Err(Reject::Inconsistent));
    let positive = Buckets { spans: &[], counts: &[1] };
    assert_eq!(native(1, 0.0, Native { positive, ..NATIVE }), Err(Reject::Inconsistent));
}

#[test]
fn native_counts_add_up() {
    let bad = Err(Reject::Inconsistent);
    let zeros = |zero_count| Native { zero_count, ..NATIVE };
    assert_eq!(native(2, 0.0, zeros(2)), Ok(()));
    assert_eq!(native(1, 0.0, zeros(2)), bad);
    assert_eq!(native(3, 0.0, zeros(2)), bad);
    assert_eq!(native(3, f64::NAN, zeros(2)), Ok(()), "an observation was NaN");
    assert_eq!(native(1, f64::NAN, zeros(2)), bad);
    assert_eq!(native(u64::MAX, 0.0, zeros(u64::MAX)), bad, "too many for the wire");
}

#[test]
fn native_resolution_is_one_that_prometheus_has() {
    for (schema, zero_threshold, wanted) in [
        (-4, 0.0, Ok(())),
        (8, 1e-3, Ok(())),
        (-5, 0.0, Err(Reject::Inconsistent)),
        (9, 0.0, Err(Reject::Inconsistent)),
        (0, -1.0, Err(Reject::Inconsistent)),
        (0, f64::NAN, Err(Reject::Inconsistent)),
        (0, f64::INFINITY, Err(Reject::Inconsistent)),
    ] {
        let found = native(0, 0.0, Native { schema, zero_threshold, ..NATIVE });
        assert_eq!(found, wanted, "{schema} {zero_threshold}");
    }
}
