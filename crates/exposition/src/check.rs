//! Visitors for tests: what would be too dear to check on every scrape.

use std::collections::HashSet;

use crate::family::{Family, Visitor};

/// A series: the family's name, and the labels in order of their names.
pub type Series = (String, Vec<(String, String)>);

/// Finds series that are given twice, which Prometheus would refuse.
///
/// An empty label value is the same as none, and the order of labels means nothing. A label name
/// that stands twice in one sample is found too.
#[derive(Debug, Default)]
pub struct Duplicates {
    seen: HashSet<Series>,
    found: Vec<Series>,
}

impl Duplicates {
    /// The series found, in the order of their second coming.
    pub fn found(&self) -> &[Series] {
        &self.found
    }
}

impl Visitor for Duplicates {
    fn family(&mut self, family: &Family<'_>) {
        let name = family.meta.name.as_str();
        family.each(|sample| {
            let series = (name.to_owned(), sorted(family.labels(sample)));
            let repeats_a_name = series.1.windows(2).any(|pair| pair[0].0 == pair[1].0);
            if repeats_a_name || self.seen.contains(&series) {
                self.found.push(series);
            } else {
                self.seen.insert(series);
            }
        });
    }
}

fn sorted<'a>(labels: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<(String, String)> {
    let present = labels.filter(|(_, value)| !value.is_empty());
    let mut labels: Vec<_> = present.map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
    labels.sort_unstable();
    labels
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::family::{Emit, Kind, Labels, Meta, Sample, Value};
    use crate::name::{LabelName, MetricName};

    /// How many duplicates there are in one family with these labels `a` and `b`.
    fn found(names: [&'static str; 2], values: &[[&str; 2]]) -> usize {
        let meta = Meta::new(MetricName::new("x").unwrap(), "", None, Kind::Gauge);
        let names = names.map(|name| LabelName::new(name).unwrap());
        let mut duplicates = Duplicates::default();
        let each = |emit: &mut Emit<'_>| {
            for values in values {
                let labels = Labels { base: &[], values };
                emit(&Sample { labels, value: Value::Number(1.0), created: None });
            }
        };
        duplicates.family(&Family::new(&meta, &names, &each));
        duplicates.found().len()
    }

    #[test]
    fn series_that_differ_are_no_duplicates() {
        assert_eq!(found(["a", "b"], &[["1", "2"], ["2", "1"], ["1", ""], ["", "1"]]), 0);
    }

    #[test]
    fn a_series_given_twice_is_found() {
        assert_eq!(found(["a", "b"], &[["1", "2"], ["3", "4"], ["1", "2"]]), 1);
    }

    #[test]
    fn a_label_name_that_stands_twice_is_found() {
        assert_eq!(found(["a", "a"], &[["1", "2"]]), 1);
    }
}
