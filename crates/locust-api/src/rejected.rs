//! Counting what was left out, or put together.

use locust_model::Folded;

/// Rows, or values of rows, that were left out because they make no sense or are too many, by
/// reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rejected {
    left_out: Vec<(&'static str, u64)>,
    folded: Folded,
}

impl Rejected {
    /// A number that is NaN or infinite.
    pub const NOT_FINITE: &str = "not_finite";
    /// A count below zero.
    pub const NEGATIVE: &str = "negative";
    /// A count of 2^64 or more.
    pub const TOO_LARGE: &str = "too_large";
    /// A value of another type than it has in any version of Locust.
    pub const WRONG_TYPE: &str = "wrong_type";
    /// A row without a name (or, of a worker, without an id).
    pub const NO_NAME: &str = "no_name";
    /// A row that is not an object.
    pub const NOT_AN_OBJECT: &str = "not_an_object";
    /// A row of a CSV with another number of fields than its header.
    pub const WRONG_LENGTH: &str = "wrong_length";
    /// A text that is not UTF-8.
    pub const NOT_UTF8: &str = "not_utf8";
    /// Task sets nested deeper than any test needs.
    pub const TOO_DEEP: &str = "too_deep";
    /// A row of a kind that cannot be put together with others, beyond the memory that the rows of
    /// an answer may take.
    pub const TOO_MANY: &str = "too_many";

    /// Every reason.
    pub const REASONS: [&str; 10] = [
        Self::NOT_FINITE,
        Self::NEGATIVE,
        Self::TOO_LARGE,
        Self::WRONG_TYPE,
        Self::NO_NAME,
        Self::NOT_AN_OBJECT,
        Self::WRONG_LENGTH,
        Self::NOT_UTF8,
        Self::TOO_DEEP,
        Self::TOO_MANY,
    ];

    /// Counts one.
    pub(crate) fn add(&mut self, reason: &'static str) {
        self.add_many(reason, 1);
    }

    /// Takes in another count.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (reason, count) in &other.left_out {
            self.add_many(reason, *count);
        }
        self.folded.names += other.folded.names;
        self.folded.errors += other.folded.errors;
        self.folded.exceptions += other.folded.exceptions;
    }

    /// How many were left out for `reason`.
    pub fn count(&self, reason: &str) -> u64 {
        self.left_out.iter().find(|(known, _)| *known == reason).map_or(0, |(_, count)| *count)
    }

    /// Whether nothing was left out.
    pub fn is_empty(&self) -> bool {
        self.left_out.is_empty() && self.folded == Folded::default()
    }

    /// The reasons and their counts.
    pub fn into_vec(self) -> Vec<(&'static str, u64)> {
        self.left_out
    }

    /// Rows that were put together since they were too many to keep.
    pub fn folded(&self) -> Folded {
        self.folded
    }

    /// Counts a row that was put together with others.
    pub(crate) fn fold(&mut self, count: impl FnOnce(&mut Folded) -> &mut u64) {
        *count(&mut self.folded) += 1;
    }

    fn add_many(&mut self, reason: &'static str, count: u64) {
        match self.left_out.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, known)) => *known += count,
            None => self.left_out.push((reason, count)),
        }
    }
}
