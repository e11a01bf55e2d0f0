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
        if self.workers.len() < MOST_NAMED && !self.workers.contains(&worker) {
            tracing::warn!(worker, %error, "a worker's report is refused (said once)");
            self.workers.insert(worker);
        }
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
