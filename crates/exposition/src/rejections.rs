//! How many samples were left out, and why.

use crate::family::Reject;

/// Counts of what was left out, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rejections {
    counts: [u64; Reject::ALL.len()],
}

impl Rejections {
    /// Counts one.
    pub fn add(&mut self, reason: Reject) {
        self.counts[reason as usize] += 1;
    }

    /// The reasons that occurred, with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (Reject, u64)> + use<> {
        Reject::ALL.into_iter().zip(self.counts).filter(|(_, count)| *count > 0)
    }

    /// Whether nothing was left out.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }
}
