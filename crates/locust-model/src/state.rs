//! States of a runner or a worker.

use crate::Text;

/// The state of a runner or of a worker, in Locust's words.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// No test has been started yet.
    Ready,
    /// Users are being started. Locust 1.0 and 1.1 say `hatching`.
    Spawning,
    /// All users are started.
    Running,
    /// A local test has ended and is being cleaned up.
    Cleanup,
    /// A distributed test is being stopped.
    Stopping,
    /// The test has ended.
    Stopped,
    /// A worker that no longer answers, or a web UI without a runner.
    Missing,
    /// A state that no known Locust has.
    Other(Text),
}

impl State {
    /// The states that are known, in the order in which a test passes through them.
    pub const KNOWN: [Self; 7] = [
        Self::Ready,
        Self::Spawning,
        Self::Running,
        Self::Cleanup,
        Self::Stopping,
        Self::Stopped,
        Self::Missing,
    ];

    /// Reads Locust's word.
    pub fn from_word(word: &str) -> Self {
        match word {
            "ready" => Self::Ready,
            "spawning" | "hatching" => Self::Spawning,
            "running" => Self::Running,
            "cleanup" => Self::Cleanup,
            "stopping" => Self::Stopping,
            "stopped" => Self::Stopped,
            "missing" => Self::Missing,
            other => Self::Other(other.into()),
        }
    }

    /// Locust's word (`spawning`, also where an old Locust said `hatching`).
    pub fn as_str(&self) -> &str {
        match self {
            Self::Ready => "ready",
            Self::Spawning => "spawning",
            Self::Running => "running",
            Self::Cleanup => "cleanup",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Missing => "missing",
            Self::Other(word) => word,
        }
    }

    /// Whether a test is making load, or about to: users are spawning or running.
    pub fn is_active(&self) -> bool {
        matches!(self, Self::Spawning | Self::Running)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hatching_is_the_old_word_for_spawning() {
        assert_eq!(State::from_word("hatching"), State::Spawning);
        assert_eq!(State::from_word("hatching").as_str(), "spawning");
    }

    #[test]
    fn an_unknown_state_keeps_its_word() {
        assert_eq!(State::from_word("napping").as_str(), "napping");
    }
}
