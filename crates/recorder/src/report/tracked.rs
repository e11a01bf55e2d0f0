//! What the maker of reports remembers of each row: in which report it was new, and in which it
//! last changed.

use std::collections::HashMap;
use std::hash::Hash;

/// Of one row.
#[derive(Clone, Debug)]
pub(crate) struct Mark<T> {
    was: T,
    /// The report in which it was new.
    first: u64,
    /// The report in which it last changed.
    changed: u64,
}

impl<T: PartialEq> Mark<T> {
    pub(crate) fn new(is: T, report: u64) -> Self {
        Self { was: is, first: report, changed: report }
    }

    /// Takes note of how it is.
    pub(crate) fn see(&mut self, is: T, report: u64) {
        if self.was != is {
            self.was = is;
            self.changed = report;
        }
    }

    /// Whether it was new, or changed, in this report.
    pub(crate) fn has_changed_in(&self, report: u64) -> bool {
        self.changed == report
    }

    /// Whether one who has report `base` does not know the row.
    pub(crate) fn is_new_since(&self, base: u64) -> bool {
        self.first > base
    }

    /// Whether one who has report `base` knows no longer how it is.
    pub(crate) fn has_changed_since(&self, base: u64) -> bool {
        self.changed > base
    }
}

/// Marks of rows that keep their places.
#[derive(Debug)]
pub(crate) struct Marks<T>(Vec<Mark<T>>);

impl<T> Default for Marks<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: PartialEq> Marks<T> {
    /// Looks at a row; those before it have been looked at.
    pub(crate) fn see(&mut self, row: usize, is: T, report: u64) -> &Mark<T> {
        if row >= self.0.len() {
            self.0.push(Mark::new(is, report));
        } else {
            self.0[row].see(is, report);
        }
        &self.0[row]
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

/// Values that are written once and numbered.
#[derive(Debug)]
pub(crate) struct Table<T> {
    numbers: HashMap<T, u64>,
    /// The values by number, with the report in which each was new.
    values: Vec<(T, u64)>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { numbers: HashMap::new(), values: Vec::new() }
    }
}

impl<T: Clone + Eq + Hash> Table<T> {
    /// The value's number, which is new if need be.
    pub(crate) fn number(&mut self, value: &T, report: u64) -> u64 {
        if let Some(&number) = self.numbers.get(value) {
            return number;
        }
        let number = self.values.len() as u64;
        self.numbers.insert(value.clone(), number);
        self.values.push((value.clone(), report));
        number
    }

    /// The values that one who has report `base` does not know, and the first one's number.
    pub(crate) fn new_since(&self, base: u64) -> (usize, impl ExactSizeIterator<Item = &T>) {
        let first = self.values.partition_point(|&(_, report)| report <= base);
        (first, self.values[first..].iter().map(|(value, _)| value))
    }

    pub(crate) fn clear(&mut self) {
        self.numbers.clear();
        self.values.clear();
    }
}
