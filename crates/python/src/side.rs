//! What belongs to one process and cannot be inherited by its children: the threads that serve and
//! push.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use locust_exporter::pushing::{Ended, Plan, Pushing, Unusable, Work};
use tokio_util::sync::CancellationToken;
use web::Hooks;

use crate::guard;
use crate::inside::{Inside, Metrics};
use crate::server::{Serving, Unserved};
use crate::thread::spawn_giving_way_until;

/// The threads of one process.
pub(crate) struct Side {
    process: u32,
    /// The server's, if it runs.
    serving: Mutex<Option<Serving>>,
    /// The one that pushes, if it runs or has run.
    pushing: Mutex<Option<Pushing>>,
}

/// The threads of this process: after a fork there are none yet.
pub(crate) struct Sides(ArcSwap<Side>);

impl Side {
    fn new() -> Self {
        Self { process: std::process::id(), serving: Mutex::default(), pushing: Mutex::default() }
    }

    /// Listens, in the server's thread, which is started if need be; answers the addresses.
    pub(crate) fn listen(
        &self,
        config: web::Config,
        inside: &Arc<Inside>,
    ) -> Result<Vec<String>, Unserved> {
        let mut serving = lock(&self.serving);
        let serving = match &mut *serving {
            Some(serving) => serving,
            none => {
                install_tls();
                let started = Serving::start()
                    .map_err(|cause| format!("the server's thread cannot start: {cause}"))?;
                none.insert(started)
            }
        };
        let hooks = Hooks {
            gather: Arc::new(Metrics(Arc::clone(inside))),
            probe: None,
            reload: None,
            ready: Arc::new(true.into()),
            quit: CancellationToken::new(),
        };
        serving.serve(config, hooks)
    }

    /// Ends the server's thread; scrapes in flight have `grace`.
    pub(crate) fn close(&self, grace: Duration) {
        let serving = lock(&self.serving).take();
        if let Some(serving) = serving {
            serving.close(grace);
        }
    }

    /// Starts the thread that pushes, if something is to be pushed; whether it is.
    pub(crate) fn push(&self, plan: Plan, inside: &Arc<Inside>) -> Result<bool, Unusable> {
        let mut pushing = lock(&self.pushing);
        // One that was told to stop, by an earlier session of this process, is no longer it.
        if pushing.as_ref().is_some_and(Pushing::goes_on) {
            return Ok(true);
        }
        install_tls();
        let source = Arc::new(Metrics(Arc::clone(inside)));
        let spawn = |work: Work| {
            let guarded = || guard::quietly(work).flatten();
            // Once the load is over, there is nothing to give way to any more.
            spawn_giving_way_until("locust-exporter-push", guarded, |last_push| {
                guard::quietly(last_push).unwrap_or_default();
            })
        };
        *pushing = Pushing::start(plan, &inside.own(), source, spawn)?;
        Ok(pushing.is_some())
    }

    /// Begins the last push, and answers how long it may take.
    pub(crate) fn stop_pushing(&self) -> Duration {
        lock(&self.pushing).as_ref().map(Pushing::stop).unwrap_or_default()
    }

    /// Whether the thread that pushes runs.
    pub(crate) fn is_pushing(&self) -> bool {
        lock(&self.pushing).as_ref().is_some_and(|pushing| !pushing.has_ended())
    }

    /// What tells when the last push is over; none where nothing is pushed.
    pub(crate) fn last_push_ended(&self) -> Option<Ended> {
        lock(&self.pushing).as_ref().map(Pushing::ended)
    }

    /// What waits to be delivered: sinks, points, and why.
    pub(crate) fn undelivered(&self) -> Vec<(&'static str, u64, Option<String>)> {
        lock(&self.pushing).as_ref().map(Pushing::undelivered).unwrap_or_default()
    }

    /// Whether this process shows what it records by itself.
    pub(crate) fn is_shown(&self) -> bool {
        lock(&self.serving).as_ref().is_some_and(Serving::answers) || self.is_pushing()
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

/// Another user of the same library may have set it: then it is that one.
fn install_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

fn lock<T>(thread: &Mutex<T>) -> MutexGuard<'_, T> {
    thread.lock().unwrap_or_else(PoisonError::into_inner)
}
