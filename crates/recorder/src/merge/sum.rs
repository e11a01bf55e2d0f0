//! Sums of floats that do not depend on the order in which they are made.

/// Units in 1: all but the least numbers have a whole number of them.
const UNITS: f64 = (1_u128 << 74) as f64;

/// A sum of changes of floats.
///
/// It is kept in fixed point, with more digits than a float has: adding is exact, so that reports
/// may come in any order and the sum is the same to the last bit. What is infinite or no number
/// is kept apart, where order does not matter either.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sum {
    units: i128,
    /// Sum of what is not finite; else 0.
    infinite: f64,
}

impl Sum {
    /// What has to be added where one float takes the place of another.
    pub(crate) fn change(old: f64, new: f64) -> Self {
        let infinite = if new.is_finite() || new.to_bits() == old.to_bits() { 0.0 } else { new };
        Self { units: units(new).saturating_sub(units(old)), infinite }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.units = self.units.saturating_add(other.units);
        self.infinite += other.infinite;
    }

    pub(crate) fn get(self) -> f64 {
        if self.infinite == 0.0 { self.units as f64 / UNITS } else { self.infinite }
    }
}

/// 0 where there is no such number; the most where there are too many.
#[expect(clippy::cast_possible_truncation, reason = "it saturates")]
fn units(value: f64) -> i128 {
    if value.is_finite() { (value * UNITS) as i128 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_response_time_comes_back_as_it_was(millis in 1e-6..1e12_f64) {
            prop_assert_eq!(Sum::change(0.0, millis).get().to_bits(), millis.to_bits());
        }

        #[test]
        fn order_does_not_matter(mut steps in prop::collection::vec(-1e9..1e9_f64, 0..20)) {
            let all = |steps: &[f64]| {
                let mut sum = Sum::default();
                for step in steps {
                    sum.add(Sum::change(0.0, *step));
                }
                sum.get()
            };
            let one = all(&steps);
            steps.reverse();
            prop_assert_eq!(one.to_bits(), all(&steps).to_bits());
        }
    }

    #[test]
    fn an_infinite_time_makes_the_sum_infinite_however_often_it_is_told() {
        let mut sum = Sum::change(0.0, 5.0);
        sum.add(Sum::change(0.0, f64::INFINITY));
        sum.add(Sum::change(f64::INFINITY, f64::INFINITY));
        assert!(sum.get() == f64::INFINITY);
        sum.add(Sum::change(0.0, f64::NEG_INFINITY));
        assert!(sum.get().is_nan());
    }
}
