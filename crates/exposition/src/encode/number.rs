//! Numbers as the text formats write them.

/// From here on not every integer is a `f64`, and shortest digits say more than an integer does.
const EXACT: u64 = 1 << 53;

/// Appends `value` so that it parses back to the same bits (any NaN to a NaN).
#[expect(clippy::cast_possible_truncation, reason = "compared with the original")]
#[inline]
pub(super) fn float(out: &mut Vec<u8>, value: f64) {
    let integer = value as i64;
    // The bits tell -0 and NaN from 0.
    if (integer as f64).to_bits() == value.to_bits() && integer.unsigned_abs() < EXACT {
        out.extend_from_slice(itoa::Buffer::new().format(integer).as_bytes());
    } else if value.is_finite() {
        out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
    } else if value.is_nan() {
        out.extend_from_slice(b"NaN");
    } else if value > 0.0 {
        out.extend_from_slice(b"+Inf");
    } else {
        out.extend_from_slice(b"-Inf");
    }
}

/// Appends a count.
pub(super) fn count(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(value: f64) -> String {
        let mut out = Vec::new();
        float(&mut out, value);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn integers_have_no_point() {
        assert_eq!(text(0.0), "0");
        assert_eq!(text(-7.0), "-7");
        assert_eq!(text(9_007_199_254_740_991.0), "9007199254740991");
    }

    #[test]
    fn minus_zero_keeps_its_sign() {
        assert_eq!(text(-0.0), "-0.0");
    }

    #[test]
    fn what_is_not_finite_is_spelled_as_prometheus_does() {
        assert_eq!(text(f64::NAN), "NaN");
        assert_eq!(text(f64::INFINITY), "+Inf");
        assert_eq!(text(f64::NEG_INFINITY), "-Inf");
    }

    proptest! {
        #[test]
        fn any_number_parses_back_to_its_bits(bits: u64) {
            let value = f64::from_bits(bits);
            let back: f64 = text(value).parse().unwrap();
            prop_assert!(back.to_bits() == bits || (back.is_nan() && value.is_nan()));
        }

        #[test]
        fn any_integer_parses_back_to_its_bits(integer: i64) {
            let value = integer as f64;
            let back: f64 = text(value).parse().unwrap();
            prop_assert_eq!(back.to_bits(), value.to_bits());
        }
    }
}
