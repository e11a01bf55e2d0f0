//! What happens to a Locust.

use std::time::SystemTime;

use crate::Text;

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When.
    pub time: SystemTime,
    /// What.
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum EventKind {
    /// A test began.
    TestStarted,
    /// All users have been started.
    SpawningComplete {
        /// How many there are.
        users: u64,
    },
    /// The test ended.
    TestStopped,
    /// A worker no longer answers.
    WorkerLost {
        /// Its id.
        worker: Text,
    },
    /// Locust warns that a process uses so much CPU that its measurements may be wrong.
    CpuWarning {
        /// Usage in percent of one core, as Locust gives it.
        percent: f64,
    },
}
