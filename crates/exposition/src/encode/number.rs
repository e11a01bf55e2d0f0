//! Numbers as the text formats write them.

#![expect(clippy::inline_always, reason = "see the module `pen`")]

use super::pen::Pen;

/// From here on not every integer is a `f64`, and shortest digits say more than an integer does.
const EXACT: u64 = 1 << 53;

/// Writes `value` so that it parses back to the same bits (any NaN to a NaN).
#[expect(clippy::cast_possible_truncation, reason = "compared with the original")]
#[inline(always)]
pub(super) fn float(pen: &mut Pen<'_>, value: f64) {
    let integer = value as i64;
    // The bits tell -0 and NaN from 0.
    if (integer as f64).to_bits() == value.to_bits() && integer.unsigned_abs() < EXACT {
        match u32::try_from(integer) {
            Ok(small @ ..100_000_000) => pen.small(small),
            _ => pen.put(itoa::Buffer::new().format(integer).as_bytes()),
        }
    } else if value.is_finite() {
        pen.put(zmij::Buffer::new().format_finite(value).as_bytes());
    } else if value.is_nan() {
        pen.put(b"NaN");
    } else if value > 0.0 {
        pen.put(b"+Inf");
    } else {
        pen.put(b"-Inf");
    }
}

/// Writes a count.
#[inline(always)]
pub(super) fn count(pen: &mut Pen<'_>, value: u64) {
    match u32::try_from(value) {
        Ok(small @ ..100_000_000) => pen.small(small),
        _ => pen.put(itoa::Buffer::new().format(value).as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(value: f64) -> String {
        let mut out = Vec::new();
        let mut pen = Pen::new(&mut out, 0);
        float(&mut pen, value);
        let end = pen.at();
        out.truncate(end);
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

    #[test]
    fn integers_of_every_length_are_written_whole() {
        for power in 0..15 {
            let power = 10_u64.pow(power);
            for integer in [power, power - 1, power + 1, 9 * power, power * 10 - 1] {
                assert_eq!(text(integer as f64), integer.to_string());
            }
        }
    }

    proptest! {
        #[test]
        fn any_small_integer_has_its_digits(integer in 0..200_000_000_u32) {
            prop_assert_eq!(text(f64::from(integer)), integer.to_string());
        }

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
