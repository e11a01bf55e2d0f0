//! What the merge has to say.

use std::collections::HashSet;
use std::sync::Arc;

use locust_model::{CustomKind, Text};
use recorder::{Notice, ReportError};
use schema::Catalog;

/// Workers of which it says that their reports are refused.
const MOST_NAMED: usize = 100;

/// What is said once.
pub(super) struct Log {
    catalog: Arc<Catalog>,
    /// Whose reports are refused.
    workers: HashSet<String>,
    /// The test's own metrics.
    metrics: Vec<(Text, CustomKind)>,
}

impl Log {
    pub(super) fn new(catalog: Arc<Catalog>) -> Self {
        Self { catalog, workers: HashSet::new(), metrics: Vec::new() }
    }

    pub(super) fn refusal(&mut self, worker: String, error: &ReportError) {
        if self.workers.len() > MOST_NAMED || self.workers.contains(&worker) {
            return;
        }
        if self.workers.len() < MOST_NAMED {
            tracing::warn!(worker, %error, "a worker's report is refused (said once)");
        } else {
            tracing::warn!(
                "reports of more than {MOST_NAMED} workers are refused: those of further ones are \
                 counted, and named no more"
            );
        }
        self.workers.insert(worker);
    }

    pub(super) fn notice(&mut self, notice: Notice) {
        let Notice::Defined { name, kind, labels } = notice else {
            tracing::warn!("{notice} (said once)");
            return;
        };
        // Where all of them are known in one process, it was refused there.
        let others = self.metrics.iter().map(|(name, kind)| (&**name, *kind));
        match self.catalog.admit(&name, kind, &labels, others) {
            Ok(()) => self.metrics.push((name, kind)),
            Err(error) => tracing::warn!("{error} (of a worker; it is left out, said once)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tracing::{Event, Subscriber};
    use tracing_subscriber::Layer;
    use tracing_subscriber::layer::{Context, SubscriberExt as _};

    use super::*;

    struct Count(Arc<AtomicUsize>);

    impl<S: Subscriber> Layer<S> for Count {
        fn on_event(&self, _: &Event<'_>, _: Context<'_, S>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// After so many workers nothing was said of those refused.
    #[test]
    fn that_there_are_more_workers_than_named_is_said_once() {
        let catalog = Catalog::new(&schema::Config::default()).unwrap();
        let mut log = Log::new(Arc::new(catalog));
        let said = Arc::new(AtomicUsize::new(0));
        let subscriber = tracing_subscriber::registry().with(Count(Arc::clone(&said)));
        tracing::subscriber::with_default(subscriber, || {
            for worker in (0..MOST_NAMED + 5).chain([0]) {
                log.refusal(format!("worker {worker}"), &ReportError::Truncated);
            }
        });
        assert_eq!(said.load(Ordering::Relaxed), MOST_NAMED + 1);
    }
}
