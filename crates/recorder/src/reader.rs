//! Seeing what is recorded, from any thread, without stopping who writes.

use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use locust_model::{Losses, Snapshot};

use crate::book::Book;
use crate::custom::Customs;
use crate::snapshot::{Buckets, snapshot_of};
use crate::view::View;
use crate::{Counts, LocustSettings, Totals};

/// What the writer and its readers have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    book: ArcSwap<Book>,
    customs: Arc<Customs>,
    settings: ArcSwap<LocustSettings>,
}

impl Shared {
    pub(crate) fn new(book: Arc<Book>, customs: Arc<Customs>) -> Self {
        let settings = ArcSwap::from_pointee(book.config.locust.clone());
        Self { book: ArcSwap::new(book), customs, settings }
    }

    /// From now on Locust computes its statistics so.
    pub(crate) fn set_settings(&self, settings: LocustSettings) {
        self.settings.store(Arc::new(settings));
    }

    /// How Locust computes its statistics.
    pub(crate) fn settings(&self) -> Arc<LocustSettings> {
        self.settings.load_full()
    }

    /// From now on, readers see this book.
    pub(crate) fn turn_to(&self, book: Arc<Book>) {
        self.book.store(book);
    }
}

/// Sees what is recorded. It takes no lock, and the writer knows nothing of it; only for a writer
/// that the system has stopped within an event it waits, at most half a second.
#[derive(Clone, Debug)]
pub struct Reader {
    shared: Arc<Shared>,
}

impl Reader {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// All numbers. Those of one endpoint are of one moment; endpoints are read one after the
    /// other.
    pub fn totals(&self, now: f64) -> Totals {
        self.view().totals(now)
    }

    /// All numbers as a [`snapshot`](crate::snapshot()), by the configuration that they were recorded
    /// with. Half the work of [`totals`](Self::totals) and then a snapshot.
    pub fn snapshot(&self, now: f64, time: SystemTime, buckets: Buckets) -> Snapshot {
        snapshot_of(&self.view(), now, time, buckets)
    }

    /// Requests and failures of all endpoints together.
    pub fn counts(&self) -> Counts {
        let book = self.shared.book.load();
        Counts { requests: book.all.requests.get(), failures: book.all.failures.get() }
    }

    /// Endpoints that there are now.
    pub fn names(&self) -> usize {
        self.view().endpoints()
    }

    /// What a snapshot does not tell.
    pub fn losses(&self) -> Losses {
        self.view().all_losses()
    }

    /// What is recorded now, for reports.
    pub(crate) fn view(&self) -> View {
        let (book, customs) = (self.shared.book.load_full(), Arc::clone(&self.shared.customs));
        View::new(book, customs, self.shared.settings())
    }
}
