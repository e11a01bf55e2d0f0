//! What belongs to one process and cannot be inherited by its children: threads.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use crate::server::Serving;

/// The threads of one process.
pub(crate) struct Side {
    process: u32,
    pub(crate) serving: Mutex<Option<Serving>>,
}

/// The threads of this process: after a fork there are none yet.
pub(crate) struct Sides(ArcSwap<Side>);

impl Side {
    fn new() -> Self {
        Self { process: std::process::id(), serving: Mutex::default() }
    }

    /// The server's thread, if it runs.
    pub(crate) fn serving(&self) -> std::sync::MutexGuard<'_, Option<Serving>> {
        self.serving.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sides {
    pub(crate) fn new() -> Self {
        Self(ArcSwap::from_pointee(Side::new()))
    }

    /// Those of this process.
    pub(crate) fn ours(&self) -> Arc<Side> {
        let side = self.0.load_full();
        if side.process == std::process::id() {
            return side;
        }
        let fresh = Arc::new(Side::new());
        let parents = self.0.swap(Arc::clone(&fresh));
        // Its locks may be held for ever, by threads that live in the parent alone; and its server
        // is not ours to close.
        std::mem::forget(parents);
        fresh
    }
}
