//! The way to a backend.

use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::batch::Batch;

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The backend has it, but for so many points that it says it did not take, and why. Where
    /// nothing is refused, `why` is a warning.
    Delivered { refused: u64, why: Option<String> },
    /// It says that it has these points, or later ones of the same series, already: it took `taken`
    /// of them now. That is as it should be where the batch may have arrived before, and a loss
    /// where it cannot have.
    Had { taken: u64, why: String },
    /// The backend did not answer, or asks to try again: not before `after`, if it says so.
    Later {
        cause: String,
        after: Option<Duration>,
        /// It may have taken the batch all the same: it broke, or its answer was lost.
        is_doubtful: bool,
    },
    /// The backend will never take it.
    Refused { cause: String },
}

impl Outcome {
    /// Delivered, all of it.
    pub(crate) const WHOLE: Self = Self::Delivered { refused: 0, why: None };

    /// A panic kept it from being sent, and may do so every time.
    pub(crate) fn bug(panic: &str) -> Self {
        Self::Refused { cause: format!("a bug in the exporter: {panic}") }
    }
}

/// Takes batches to a backend. A cause is one line that says what happened and what to do, and
/// holds no credential.
pub(crate) trait Transport: Send + Sync {
    /// Sends once. It ends within the configured timeout, and may be dropped at any time.
    fn send<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Outcome>;

    /// How many points of a batch are sent: all of them, unless some are left out on purpose.
    fn points(&self, batch: &Batch) -> u64 {
        batch.points()
    }
}
