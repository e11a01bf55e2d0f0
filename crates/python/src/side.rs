//! What belongs to one process and cannot be inherited by its children: threads.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use locust_exporter::pushing::Pushing;

use crate::server::Serving;

/// The threads of one process.
pub(crate) struct Side {
    process: u32,
    serving: Mutex<Option<Serving>>,
    pushing: Mutex<Option<Pushing>>,
}

/// The threads of this process: after a fork there are none yet.
pub(crate) struct Sides(ArcSwap<Side>);

impl Side {
    fn new() -> Self {
        Self { process: std::process::id(), serving: Mutex::default(), pushing: Mutex::default() }
    }

    /// The server's thread, if it runs.
    pub(crate) fn serving(&self) -> MutexGuard<'_, Option<Serving>> {
        lock(&self.serving)
    }

    /// The thread that pushes, if it runs or has run.
    pub(crate) fn pushing(&self) -> MutexGuard<'_, Option<Pushing>> {
        lock(&self.pushing)
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
        // Its locks may be held for ever, by threads that live in the parent alone; and its
        // threads are not ours to end.
        std::mem::forget(parents);
        fresh
    }
}

fn lock<T>(thread: &Mutex<T>) -> MutexGuard<'_, T> {
    thread.lock().unwrap_or_else(PoisonError::into_inner)
}
