//! One watched Locust: looks at it when asked, once for all who ask at the same time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use locust_api::{Client, Look};
use locust_model::{Bounds, Text};
use schema::{Collector, Own, Sighting};

use crate::files::IdleShare;
use crate::health::Health;

/// Too little to ask anything in; a look ends a little before its deadline.
const LEAST: Duration = Duration::from_millis(10);

/// A look that all who ask at the same time share.
#[derive(Clone)]
struct Flight {
    look: Shared<BoxFuture<'static, Arc<Sighting>>>,
    began: Instant,
    deadline: Instant,
}

/// A flight, for as long as somebody waits for it.
struct Departed {
    look: WeakShared<BoxFuture<'static, Arc<Sighting>>>,
    began: Instant,
    deadline: Instant,
}

/// What a look has seen.
#[derive(Clone)]
pub(crate) struct Seen {
    pub(crate) sighting: Arc<Sighting>,
    /// When the look began: nothing in it is older. It may have been under way when it was joined.
    pub(crate) began: Instant,
}

/// A Locust, with what must be remembered of it between two looks: no statistics.
pub(crate) struct Watch {
    client: Client,
    target: Option<Text>,
    timeout: Duration,
    bounds: Bounds,
    own: Arc<Own>,
    flight: Mutex<Option<Departed>>,
    health: Arc<Mutex<Health>>,
    /// Its share of the idle connections, for as long as it lives.
    _idle: Option<IdleShare>,
}

/// What a [`Watch`] is made of.
pub(crate) struct Watched {
    /// Asks the Locust.
    pub(crate) client: Client,
    /// What the log says of it.
    pub(crate) health: Arc<Mutex<Health>>,
    /// Its share of the idle connections, where targets share them.
    pub(crate) idle: Option<IdleShare>,
    /// The value of the label `target`, where several Locusts are watched.
    pub(crate) target: Option<Text>,
    /// How long it may take.
    pub(crate) timeout: Duration,
    /// How much is kept apart.
    pub(crate) bounds: Bounds,
    /// Where to count.
    pub(crate) own: Arc<Own>,
}

impl Watch {
    /// Watches from now on; nothing is asked yet.
    pub(crate) fn new(watched: Watched) -> Arc<Self> {
        let Watched { client, health, idle, target, timeout, bounds, own } = watched;
        let flight = Mutex::new(None);
        Arc::new(Self { client, target, timeout, bounds, own, flight, health, _idle: idle })
    }

    /// Looks, or joins the look that is under way. Never later than `deadline`.
    pub(crate) async fn look(self: &Arc<Self>, deadline: Instant) -> Seen {
        let asked = Instant::now();
        let deadline = deadline.min(asked + self.timeout);
        loop {
            let Flight { look, began, deadline: landing } = self.board(deadline);
            // A look that ends at this deadline may need a moment more to end: dropped just before,
            // it would log nothing.
            let patience = if landing <= deadline { deadline + GRACE } else { deadline };
            match tokio::time::timeout_at(patience.into(), look).await {
                // Whoever took off had less time than there is here: once more.
                Ok(seen) if seen.snapshot.is_none() && is_over(landing) && !is_over(deadline) => {}
                Ok(sighting) => return Seen { sighting, began },
                // Only who joined a look with a later deadline comes here.
                Err(_) => {
                    let sighting = Arc::new(Sighting {
                        target: self.target.clone(),
                        snapshot: None,
                        took: asked.elapsed(),
                        collectors: Vec::new(),
                    });
                    return Seen { sighting, began };
                }
            }
        }
    }

    fn board(self: &Arc<Self>, deadline: Instant) -> Flight {
        let mut slot = self.flight.lock().unwrap_or_else(PoisonError::into_inner);
        let under_way = slot.as_ref().and_then(|departed| {
            let Departed { began, deadline, .. } = *departed;
            Some(Flight { look: departed.look.upgrade()?, began, deadline })
        });
        // A look that has landed is as old as its answer: who comes later gets a fresh one.
        if let Some(flight) = under_way.filter(|flight| flight.look.peek().is_none()) {
            return flight;
        }
        let watch = Arc::clone(self);
        let look = async move { Arc::new(Box::pin(watch.take_off(deadline)).await) };
        let look = look.boxed().shared();
        let began = Instant::now();
        *slot = look.downgrade().map(|look| Departed { look, began, deadline });
        Flight { look, began, deadline }
    }

    async fn take_off(&self, deadline: Instant) -> Sighting {
        let look = Box::pin(self.client.look(deadline)).await;
        self.health.lock().unwrap_or_else(PoisonError::into_inner).note(&look);
        for (reason, count) in &look.rejected {
            self.own.rejected(reason, *count);
        }
        let Look { snapshot, collectors, took, folded: unkept, .. } = look;
        let snapshot = snapshot.ok().map(|mut snapshot| {
            let beyond = snapshot.bound(&self.bounds);
            self.own.folded(unkept);
            self.own.folded(beyond);
            let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
            health.note_folded(&unkept, &beyond, &self.bounds);
            snapshot
        });
        let collectors = collectors
            .into_iter()
            .map(|c| Collector { name: c.name, success: c.success, took: c.took })
            .collect();
        Sighting { target: self.target.clone(), snapshot, took, collectors }
    }
}

/// How long after its deadline a look may end.
const GRACE: Duration = Duration::from_millis(100);

/// Whether a look with this deadline has no time left, or as good as none.
fn is_over(deadline: Instant) -> bool {
    Instant::now() + LEAST >= deadline
}
