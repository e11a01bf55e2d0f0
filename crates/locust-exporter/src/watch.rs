//! One watched Locust: looks at it when asked, once for all who ask at the same time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use locust_api::{Client, Look};
use locust_model::{Bounds, Text};
use schema::{Collector, Own, Sighting};

use crate::health::Health;

type Flight = Shared<BoxFuture<'static, Arc<Sighting>>>;

/// A Locust, with what must be remembered of it between two looks: nothing that is served.
pub(crate) struct Watch {
    client: Client,
    target: Option<Text>,
    timeout: Duration,
    bounds: Bounds,
    own: Arc<Own>,
    flight: Mutex<Option<WeakShared<BoxFuture<'static, Arc<Sighting>>>>>,
    health: Mutex<Health>,
}

/// What a [`Watch`] is made of.
pub(crate) struct Watched {
    /// Asks the Locust.
    pub(crate) client: Client,
    /// Its address for log lines, without credentials.
    pub(crate) address: String,
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
        let Watched { client, address, target, timeout, bounds, own } = watched;
        let health = Mutex::new(Health::new(address));
        Arc::new(Self { client, target, timeout, bounds, own, flight: Mutex::new(None), health })
    }

    /// Looks, or joins the look that is under way. Never later than `deadline`.
    pub(crate) async fn look(self: &Arc<Self>, deadline: Instant) -> Arc<Sighting> {
        let began = Instant::now();
        let flight = self.board(deadline);
        match tokio::time::timeout_at(deadline.into(), flight).await {
            Ok(sighting) => sighting,
            // Only who joined a look with a later deadline comes here.
            Err(_) => Arc::new(Sighting {
                target: self.target.clone(),
                snapshot: None,
                took: began.elapsed(),
                collectors: Vec::new(),
            }),
        }
    }

    fn board(self: &Arc<Self>, deadline: Instant) -> Flight {
        let mut slot = self.flight.lock().unwrap_or_else(PoisonError::into_inner);
        let under_way = slot.as_ref().and_then(WeakShared::upgrade);
        // A look that has landed is as old as its answer: who comes later gets a fresh one.
        if let Some(flight) = under_way.filter(|flight| flight.peek().is_none()) {
            return flight;
        }
        let watch = Arc::clone(self);
        let deadline = deadline.min(Instant::now() + self.timeout);
        let look = async move { Arc::new(Box::pin(watch.take_off(deadline)).await) };
        let flight = look.boxed().shared();
        *slot = flight.downgrade();
        flight
    }

    async fn take_off(&self, deadline: Instant) -> Sighting {
        let look = Box::pin(self.client.look(deadline)).await;
        self.health.lock().unwrap_or_else(PoisonError::into_inner).note(&look);
        for (reason, count) in &look.rejected {
            self.own.rejected(reason, *count);
        }
        let Look { snapshot, collectors, took, .. } = look;
        let snapshot = snapshot.ok().map(|mut snapshot| {
            self.own.folded(snapshot.bound(&self.bounds));
            snapshot
        });
        let collectors = collectors
            .into_iter()
            .map(|c| Collector { name: c.name, success: c.success, took: c.took })
            .collect();
        Sighting { target: self.target.clone(), snapshot, took, collectors }
    }
}
