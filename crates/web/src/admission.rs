//! Which scrapes are answered, and when, if there are too many.
//!
//! A scrape takes a place for each phase that costs the exporter something: one while it is
//! gathered, and another one while its answer is encoded and sent; it keeps the first until it has
//! the second. Both are shared fairly among peers ([`Places`]). Scrapes that wait for the same fetch
//! have one place together. A client that does not take its answer loses it when others wait for
//! the place.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::ProbeTarget;
use crate::connection_table::ConnectionTable;
use crate::peer::PeerId;
use crate::places::{Place, Places};

/// Scrapes that wait for a place, at most.
const QUEUE: usize = 1024;

/// How often those that wait for a place look whether a client is slow.
const TICK: Duration = Duration::from_millis(100);

/// A client that takes nothing for so long is slow, if others wait for its place.
const STALLED_TICKS: u64 = 5;

/// What is gathered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fetch {
    /// What `/metrics` shows.
    Metrics {
        /// Whether those that wait at the same time wait for the same fetch.
        shared: bool,
    },
    /// One target.
    Probe(ProbeTarget),
}

impl Fetch {
    fn is_shared(&self) -> bool {
        !matches!(self, Self::Metrics { shared: false })
    }
}

/// The scrape found no place in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Busy;

/// The places of scrapes.
#[derive(Debug)]
pub(crate) struct Admission {
    metrics: Arc<Places>,
    probes: Arc<Places>,
    /// Fetches that are under way.
    fetches: Mutex<HashMap<Fetch, Weak<Place>>>,
    /// Notified when a fetch begins, so that those that wait may join it.
    begun: Notify,
    sending: Arc<Places>,
    table: Arc<ConnectionTable>,
    ticking: AtomicBool,
}

impl Admission {
    /// At most `most` scrapes, and as many probes, that are being gathered, and as many answers that
    /// are being sent; 0 means no limit.
    pub(crate) fn new(most: usize, table: Arc<ConnectionTable>) -> Arc<Self> {
        let most = if most == 0 { usize::MAX } else { most };
        Arc::new(Self {
            metrics: Places::new(most, QUEUE),
            probes: Places::new(most, QUEUE),
            fetches: Mutex::default(),
            begun: Notify::new(),
            sending: Places::new(most, QUEUE),
            table,
            ticking: AtomicBool::new(false),
        })
    }

    /// Waits for a place to gather in, or joins those that gather the same.
    pub(crate) async fn gather(
        &self,
        fetch: Fetch,
        peer: PeerId,
        deadline: Instant,
    ) -> Result<Arc<Place>, Busy> {
        let places = match fetch {
            Fetch::Metrics { .. } => &self.metrics,
            Fetch::Probe(_) => &self.probes,
        };
        let mut taking = std::pin::pin!(places.take(peer));
        loop {
            let mut begun = std::pin::pin!(self.begun.notified());
            begun.as_mut().enable();
            if let Some(place) = self.under_way(&fetch) {
                return Ok(place);
            }
            tokio::select! {
                place = &mut taking => return Ok(self.begin(fetch, place.map_err(|_| Busy)?)),
                () = begun => {}
                () = tokio::time::sleep_until(deadline.into()) => return Err(Busy),
            }
        }
    }

    /// Waits for a place to send an answer from. Meanwhile clients that have stalled lose theirs.
    pub(crate) async fn send(
        self: &Arc<Self>,
        peer: PeerId,
        deadline: Instant,
    ) -> Result<Place, Busy> {
        let mut taking = std::pin::pin!(self.sending.take(peer));
        let place = loop {
            tokio::select! {
                biased;
                place = &mut taking => break place.map_err(|_| Busy)?,
                () = tokio::time::sleep_until(deadline.into()) => return Err(Busy),
                // The first time at once.
                () = std::future::ready(()) => self.table.close_slowest_client(STALLED_TICKS),
            }
            tokio::select! {
                biased;
                place = &mut taking => break place.map_err(|_| Busy)?,
                () = tokio::time::sleep(TICK) => {}
            }
        };
        self.tick_while_sending();
        Ok(place)
    }

    fn fetches(&self) -> MutexGuard<'_, HashMap<Fetch, Weak<Place>>> {
        self.fetches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn under_way(&self, fetch: &Fetch) -> Option<Arc<Place>> {
        self.fetches().get(fetch)?.upgrade().filter(|_| fetch.is_shared())
    }

    fn begin(&self, fetch: Fetch, place: Place) -> Arc<Place> {
        let place = Arc::new(place);
        let mut fetches = self.fetches();
        fetches.retain(|_, place| place.strong_count() > 0);
        fetches.insert(fetch, Arc::downgrade(&place));
        drop(fetches);
        self.begun.notify_waiters();
        place
    }

    /// Lets the clock of the answers run until none is being sent.
    fn tick_while_sending(self: &Arc<Self>) {
        if self.ticking.swap(true, Ordering::AcqRel) {
            return;
        }
        let admission = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(TICK).await;
                admission.table.clock.tick();
                if admission.sending.held() > 0 {
                    continue;
                }
                admission.ticking.store(false, Ordering::Release);
                // An answer may have begun in between.
                if admission.sending.held() == 0 || admission.ticking.swap(true, Ordering::AcqRel) {
                    return;
                }
            }
        });
    }
}
