//! Numbers in label values: `le` and `quantile`.
//!
//! A label value is opaque to a monitoring system, so a bound must be spelled alike by everybody,
//! or its series changes its identity with the format. The spelling is the one of `OpenMetrics`
//! 1.0, "Considerations: Canonical Numbers": shortest digits, an exponent of two digits below 1e-4
//! and from 1e6 on, and `.0` after what would look like an integer.

/// A list of numbers as values of a label, each written `label="0.5"} ` to end a line's labels.
/// Kept because the next series nearly always has the same list.
#[derive(Debug)]
pub(super) struct Spellings {
    label: &'static str,
    numbers: Vec<f64>,
    texts: Vec<String>,
}

impl Spellings {
    pub(super) fn new(label: &'static str) -> Self {
        Self { label, numbers: Vec::new(), texts: Vec::new() }
    }

    /// The spellings of `numbers`, in their order.
    pub(super) fn of(&mut self, numbers: impl Iterator<Item = f64> + Clone) -> &[String] {
        let same = |a: &f64, b: f64| a.to_bits() == b.to_bits();
        let mut kept = self.numbers.iter();
        let all_kept = numbers.clone().all(|number| kept.next().is_some_and(|k| same(k, number)));
        if !all_kept || kept.next().is_some() {
            self.numbers.clear();
            self.numbers.extend(numbers);
            self.texts.clear();
            let text = |number: &f64| format!("{}=\"{}\"}} ", self.label, spell(*number));
            self.texts.extend(self.numbers.iter().map(text));
        }
        &self.texts
    }
}

/// A finite number as a value of the labels `le` and `quantile`, spelled alike in every format.
pub fn spell(number: f64) -> String {
    if number == 0.0 {
        return "0.0".to_owned();
    }
    let shortest = format!("{number:e}");
    match shortest.split_once('e').map(|(digits, exponent)| (digits, exponent.parse::<i32>())) {
        Some((digits, Ok(exponent @ ..-4))) => format!("{digits}e-{:02}", -exponent),
        Some((digits, Ok(exponent @ 6..))) => format!("{digits}e+{exponent:02}"),
        // Here the standard library writes the fewest digits, a point, and no exponent.
        _ => format!("{number:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_spelled_as_openmetrics_lists_them() {
        let listed = [
            "0.0", "0.001", "0.002", "0.01", "0.1", "0.9", "0.95", "0.99", "0.999", "1.0", "1.7",
            "10.0", "1e-10", "1e-09", "1e-05", "0.0001", "100000.0", "1e+06", "1e+10",
        ];
        for text in listed {
            assert_eq!(spell(text.parse().unwrap()), text);
        }
    }

    #[test]
    fn numbers_beyond_the_list_are_spelled_as_go_does() {
        for text in ["0.0025", "60.0", "1.234567e+06", "123456.7", "-2.5", "1e+100", "2.5e-07"] {
            assert_eq!(spell(text.parse().unwrap()), text);
        }
        assert_eq!(spell(-0.0), "0.0");
    }

    #[test]
    fn spellings_follow_a_list_that_changes() {
        let mut spellings = Spellings::new("le");
        assert_eq!(spellings.of([1.0, 2.0].into_iter()), [r#"le="1.0"} "#, r#"le="2.0"} "#]);
        assert_eq!(spellings.of([1.0].into_iter()), [r#"le="1.0"} "#]);
        assert_eq!(spellings.of([1.0, 3.0].into_iter()), [r#"le="1.0"} "#, r#"le="3.0"} "#]);
        assert!(spellings.of(std::iter::empty()).is_empty());
    }
}
