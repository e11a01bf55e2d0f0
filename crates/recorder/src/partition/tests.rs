//! Every boundary, from both sides, against references that use whole numbers alone.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::float_cmp,
    reason = "numbers are small, and meant to be exactly these"
)]

use proptest::prelude::*;

use super::*;

/// A whole number of any size: 32 bits each, least first.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Big(Vec<u64>);

impl Big {
    fn new(value: u64) -> Self {
        Self(vec![value & 0xffff_ffff, value >> 32]).trimmed()
    }

    fn trimmed(mut self) -> Self {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
        self
    }

    fn squared(&self) -> Self {
        let mut product = vec![0_u64; self.0.len() * 2 + 1];
        for (i, a) in self.0.iter().enumerate() {
            let mut carry = 0;
            for (j, b) in self.0.iter().enumerate() {
                let sum = product[i + j] + a * b + carry;
                product[i + j] = sum & 0xffff_ffff;
                carry = sum >> 32;
            }
            product[i + self.0.len()] += carry;
        }
        Self(product).trimmed()
    }

    /// Whether it is at most 2^exponent.
    fn is_at_most_two_to(&self, exponent: usize) -> bool {
        let Some(top) = self.0.last() else { return true };
        let bits = self.0.len() * 32 - (top.leading_zeros() as usize - 32);
        let is_power =
            top.is_power_of_two() && self.0.iter().rev().skip(1).all(|&digit| digit == 0);
        bits <= exponent || (bits == exponent + 1 && is_power)
    }
}

/// Whether a positive normal number is at most 2^(bucket/32): its 32nd power is at most 2^bucket.
fn is_at_most(seconds: f64, bucket: i32) -> bool {
    let mantissa = seconds.to_bits() & ((1 << 52) - 1) | 1 << 52;
    let exponent = (seconds.to_bits() >> 52) as i32 - 1023 - 52;
    let mut power = Big::new(mantissa);
    for _ in 0..5 {
        power = power.squared();
    }
    // mantissa^32 * 2^(32 * exponent) <= 2^bucket
    let limit = bucket - 32 * exponent;
    usize::try_from(limit).is_ok_and(|limit| power.is_at_most_two_to(limit))
}

/// The native bucket, looked for one by one.
fn native_reference(seconds: f64) -> Option<i16> {
    if seconds <= ZERO_THRESHOLD {
        return None;
    }
    let guess = (seconds.log2() * 32.0).floor() as i32 - 2;
    let bucket = (guess.max(-639)..545).find(|&bucket| is_at_most(seconds, bucket));
    Some(bucket.unwrap_or(545) as i16)
}

/// Python's `round`: the nearest multiple, halves to the even one. Exact: a time in milliseconds
/// is a whole number of 2^-60 ms here.
fn locust_reference(millis: f64) -> u64 {
    const SCALE: u32 = 60;
    let step: u128 = match millis {
        ..100.0 => 1,
        100.0..1000.0 => 10,
        1000.0..10_000.0 => 100,
        _ => 1000,
    };
    let bits = millis.to_bits();
    let exponent = (bits >> 52) as i32 - 1075 + SCALE as i32;
    let mantissa = u128::from(bits & ((1 << 52) - 1) | 1 << 52);
    let fixed = if exponent >= 0 { mantissa << exponent } else { mantissa >> (-exponent).min(127) };
    let unit = step << SCALE;
    let (quotient, rest) = (fixed / unit, fixed % unit);
    let up = rest * 2 > unit || (rest * 2 == unit && quotient % 2 == 1);
    u64::try_from((quotient + u128::from(up)) * step).expect("a short time")
}

fn classic_reference(seconds: f64, bounds: &[f64]) -> u8 {
    bounds.iter().filter(|&&bound| bound < seconds).count() as u8
}

fn check(partition: &Partition, millis: f64) {
    let cell = partition.cell(millis);
    let piece = partition.piece(cell).expect("a cell of the partition");
    let seconds = millis / 1000.0;
    assert_eq!(piece.native, native_reference(seconds), "{millis:?} ms, native");
    assert_eq!(piece.classic, classic_reference(seconds, &partition.bounds), "{millis:?} ms");
    match piece.key {
        Key::Millis(key) => {
            assert_eq!(u64::from(key), locust_reference(millis), "{millis:?} ms");
            assert_eq!(rounded(millis), f64::from(key), "{millis:?} ms");
        }
        Key::Long => assert!(millis > 4_096_000.0, "{millis:?} ms"),
        Key::Negative => panic!("{millis:?} ms is not negative"),
    }
}

fn configurations() -> [Vec<f64>; 5] {
    [
        Config::default().buckets,
        vec![0.0105, 0.1, 0.105, 0.105_000_1, 1.05, 9.95, 10.5],
        vec![f64::MIN_POSITIVE, 1e-7, 1e200],
        (0..100).map(|i| 1.0 + f64::from(i) * 1e-4).collect(),
        vec![2.0_f64.powi(-20), 1.0, 2.0_f64.powi(17), 2.0_f64.powi(18), f64::MAX],
    ]
}

fn partition(buckets: &[f64]) -> Partition {
    let config = Config { buckets: buckets.to_vec(), ..Config::default() };
    config.check().expect("good bounds");
    Partition::new(&config)
}

#[test]
fn every_boundary_lies_where_whole_numbers_say() {
    for buckets in configurations() {
        let partition = partition(&buckets);
        let classic = buckets.iter().map(|&bound| last_millis(bound));
        for last in FIXED.iter().map(|end| end.last).chain(classic) {
            for millis in [last.next_down(), last, last.next_up()] {
                if millis.is_finite() {
                    check(&partition, millis);
                }
            }
        }
    }
}

#[test]
fn bounds_of_native_buckets_are_exact() {
    for rank in 0..native::LAST_RANK {
        let (bound, bucket) = (native::upper_bound(rank), i32::from(rank) - 640);
        assert!(is_at_most(bound, bucket), "bucket {bucket}");
        assert!(!is_at_most(bound.next_up(), bucket), "bucket {bucket}");
        assert_eq!(native::rank(bound), rank);
        assert_eq!(native::rank(bound.next_up()), rank + 1);
    }
}

#[test]
fn ties_go_to_the_even_key_as_pythons_do() {
    let partition = partition(&Config::default().buckets);
    let ties = [
        (0.5, 0),
        (1.5, 2),
        (99.5, 100),
        (105.0, 100),
        (115.0, 120),
        (995.0, 1000),
        (1050.0, 1000),
        (1150.0, 1200),
        (9950.0, 10_000),
        (10_500.0, 10_000),
        (11_500.0, 12_000),
    ];
    for (millis, key) in ties {
        let piece = partition.piece(partition.cell(millis)).expect("a cell");
        assert_eq!(piece.key, Key::Millis(key), "{millis} ms");
    }
}

#[test]
fn a_tie_broken_by_the_last_bit_is_none() {
    let partition = partition(&Config::default().buckets);
    let piece = partition.piece(partition.cell(105.0_f64.next_up())).expect("a cell");
    assert_eq!(piece.key, Key::Millis(110));
    let piece = partition.piece(partition.cell(11_500.0_f64.next_down())).expect("a cell");
    assert_eq!(piece.key, Key::Millis(11_000));
}

#[test]
fn extreme_times_have_cells() {
    let partition = partition(&Config::default().buckets);
    let at = |millis| partition.piece(partition.cell(millis)).expect("a cell");
    assert_eq!(at(-1e-300).key, Key::Negative);
    assert_eq!(at(-0.0), at(0.0));
    assert_eq!(at(f64::from_bits(1)), at(0.0), "the least number above 0");
    assert_eq!((at(0.0).native, at(0.0).key), (None, Key::Millis(0)));
    assert_eq!(at(f64::MAX), at(1e9), "both are beyond all");
    assert_eq!(usize::from(partition.cell(f64::MAX)), partition.len() - 1);
}

#[test]
fn no_configuration_has_more_cells_than_there_are_pages_for() {
    let most = partition(&(1..=Config::MOST_BUCKETS).map(|i| i as f64).collect::<Vec<_>>());
    assert!(most.len() <= MOST_CELLS);
}

#[test]
fn very_long_times_are_rounded_as_python_rounds_them() {
    // round(x, -3) in Python
    assert_eq!(rounded(9_007_199_254_740_994.0), 9_007_199_254_741_000.0);
    assert_eq!(rounded(4_611_686_018_427_388_416.0), 4_611_686_018_427_388_000.0);
    assert_eq!(rounded(9_007_199_254_741_500.0), 9_007_199_254_742_000.0);
    assert_eq!(rounded(9_007_199_254_742_500.0), 9_007_199_254_742_000.0);
    assert_eq!(rounded(1e300), 1e300);
    assert_eq!(rounded(-3.5), -4.0);
    assert_eq!(rounded(-2.5), -2.0);
}

/// Times of every magnitude, and near what is round.
fn times() -> impl Strategy<Value = f64> {
    prop_oneof![
        0.0..200.0,
        0.0..20_000.0,
        0.0..5e6,
        (-20.0..30.0).prop_map(f64::exp2),
        (0_u32..5_000_000, -2_i64..=2).prop_map(|(half, ulps)| {
            let millis = f64::from(half) / 2.0;
            f64::from_bits(millis.to_bits().saturating_add_signed(ulps).min(1e9_f64.to_bits()))
        }),
    ]
}

proptest! {
    #[test]
    fn every_time_is_in_the_piece_that_each_of_the_three_says(millis in times()) {
        for buckets in configurations() {
            check(&partition(&buckets), millis);
        }
    }

    #[test]
    fn cells_ascend_with_times(a in times(), b in times()) {
        let partition = partition(&Config::default().buckets);
        let (low, high) = if a <= b { (a, b) } else { (b, a) };
        prop_assert!(partition.cell(low) <= partition.cell(high));
    }
}
