//! What is recorded and not shown as it happened.

use crate::Folded;

/// What a recorder has put together or left out. It counts events, and only grows for as long as
/// the recorder lives, whatever becomes of the statistics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Events that lost their endpoint's name, error text or exception message, since there were
    /// too many of these.
    pub folded: Folded,
    /// Response times that are none (negative, or not a number): in no distribution.
    pub not_times: u64,
    /// Lengths of responses that are none (negative, or no number of bytes): in no sum.
    pub not_lengths: u64,
    /// Changes of the test's own metrics whose series lost its labels, since there were too many of
    /// these; on a master also workers' series that lost them there.
    pub custom_series: u64,
    /// Metrics of the test's own that are left out, since another worker has defined them
    /// differently.
    pub custom_conflicts: u64,
}

impl Losses {
    /// These and others.
    #[must_use]
    pub fn plus(&self, more: &Self) -> Self {
        self.with(more, u64::saturating_add)
    }

    /// These without those that were known before.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        self.with(before, u64::saturating_sub)
    }

    fn with(&self, other: &Self, each: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            folded: Folded {
                names: each(self.folded.names, other.folded.names),
                errors: each(self.folded.errors, other.folded.errors),
                exceptions: each(self.folded.exceptions, other.folded.exceptions),
                cut_labels: each(self.folded.cut_labels, other.folded.cut_labels),
            },
            not_times: each(self.not_times, other.not_times),
            not_lengths: each(self.not_lengths, other.not_lengths),
            custom_series: each(self.custom_series, other.custom_series),
            custom_conflicts: each(self.custom_conflicts, other.custom_conflicts),
        }
    }
}
