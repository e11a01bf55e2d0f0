//! What the server's routes show.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use arc_swap::ArcSwap;
use exposition::Families;
use futures_util::future::join_all;
use locust_api::Client;
use locust_model::Bounds;
use push::{Source, SourceFuture};
use schema::{Catalog, Exposition, Own};
use tokio::runtime::Handle;
use web::{
    Ask, Gather, GatherFuture, Gathered, Probe, ProbeError, ProbeFuture, ProbeTarget, Served,
};

use crate::files::IdleConnections;
use crate::health::Health;
use crate::kept::Kept;
use crate::probe_config::{Module, ProbeConfig, Refused};
use crate::progress::Progress;
use crate::quota::LogQuota;
use crate::settings;
use crate::watch::{Seen, Watch, Watched};

/// Clients that probes keep, for the sake of their connections and logins.
const MAX_PROBED: usize = 256;

/// Targets of which is known what the log has said of them.
const MAX_LOGGED: usize = 4096;

/// `/metrics`: all watched Locusts.
pub(crate) struct Metrics {
    pub(crate) watches: Vec<Arc<Watch>>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) own: Arc<Own>,
    pub(crate) progress: Arc<Progress>,
}

impl Metrics {
    /// Looks at every Locust at once.
    pub(crate) async fn look(&self, deadline: Instant) -> Vec<Seen> {
        let seen = join_all(self.watches.iter().map(|watch| watch.look(deadline))).await;
        let snapshots = seen.iter().map(|seen| seen.sighting.snapshot.as_ref());
        self.progress.note(snapshots, Instant::now());
        seen
    }

    /// What these looks have seen, named.
    fn exposition(&self, seen: Vec<Seen>) -> Exposition {
        let sightings = seen.into_iter().map(|seen| seen.sighting).collect();
        Exposition::new(Arc::clone(&self.catalog), Arc::clone(&self.own), sightings)
    }

    /// Looks at every Locust at once; whether that has shown the last numbers of every test.
    pub(crate) async fn look_for_the_last(&self, deadline: Instant) -> bool {
        let seen = self.look(deadline).await;
        self.is_final(&seen)
    }

    /// Whether these looks show the last numbers of every test.
    fn is_final(&self, seen: &[Seen]) -> bool {
        let looks = seen.iter().map(|seen| (seen.sighting.snapshot.as_ref(), seen.began));
        self.progress.is_final(looks)
    }
}

impl Gather for Metrics {
    fn is_shared(&self) -> bool {
        true
    }

    fn gather(&self, ask: Ask) -> GatherFuture<'_> {
        Box::pin(async move {
            self.own.scraped();
            let seen = self.look(ask.deadline).await;
            let served = self.is_final(&seen).then(|| {
                let progress = Arc::clone(&self.progress);
                Box::new(move || progress.served_final()) as Served
            });
            Gathered { families: Arc::new(self.exposition(seen)), served }
        })
    }
}

/// What is pushed: the same, which is no scrape. The Locusts are asked on the runtime that has the
/// connections to them.
pub(crate) struct Pushed {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) runtime: Handle,
}

impl Source for Pushed {
    fn gather(&self, deadline: Instant, _native: bool) -> SourceFuture<'_> {
        let metrics = Arc::clone(&self.metrics);
        let gathered = self.runtime.spawn(async move {
            let seen = metrics.look(deadline).await;
            metrics.exposition(seen)
        });
        Box::pin(async move {
            // A look that panicked has seen nothing; what the exporter knows of itself is left.
            let exposition = gathered.await.unwrap_or_else(|_| self.metrics.exposition(Vec::new()));
            // Which run it is, nothing outside tells.
            push::Gathered { families: Arc::new(exposition), resource: Vec::new() }
        })
    }
}

/// `/probe`: one Locust, by the configuration file.
pub(crate) struct Probes {
    pub(crate) config: Arc<ArcSwap<ProbeConfig>>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) own: Arc<Own>,
    pub(crate) bounds: Bounds,
    idle: IdleConnections,
    quota: Arc<LogQuota>,
    kept: Mutex<Probed>,
}

/// A target's address, and the module that it is probed with.
type Key = (String, String);

/// What is kept of targets, as long as the configuration stays the same.
struct Probed {
    config: Arc<ProbeConfig>,
    watches: Kept<Key, Arc<Watch>>,
    healths: Kept<Key, Arc<Mutex<Health>>>,
}

impl Probed {
    fn new(config: Arc<ProbeConfig>) -> Self {
        Self { config, watches: Kept::new(MAX_PROBED), healths: Kept::new(MAX_LOGGED) }
    }

    /// What the log has said of a target, also where its client is not kept.
    fn health(&mut self, key: &Key, quota: &Arc<LogQuota>, now: Instant) -> Arc<Mutex<Health>> {
        if let Some(health) = self.healths.get(key, now) {
            return health;
        }
        let health = Health::new(key.0.clone(), Some(Arc::clone(quota)));
        let health = Arc::new(Mutex::new(health));
        self.healths.put(key.clone(), Arc::clone(&health), now);
        health
    }
}

impl Probes {
    /// Probes by `config`, which may be exchanged while they run. All targets together keep at most
    /// `idle` connections.
    pub(crate) fn new(
        config: Arc<ArcSwap<ProbeConfig>>,
        catalog: Arc<Catalog>,
        own: Arc<Own>,
        bounds: Bounds,
        idle: usize,
    ) -> Self {
        let kept = Mutex::new(Probed::new(config.load_full()));
        let (idle, quota) = (IdleConnections::new(idle), Arc::new(LogQuota::new()));
        Self { config, catalog, own, bounds, idle, quota, kept }
    }

    fn watch(&self, target: &ProbeTarget) -> Result<Arc<Watch>, ProbeError> {
        let config = self.config.load_full();
        let (url, name, module) = config.admit(&target.target, target.module.as_deref())?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if !Arc::ptr_eq(&kept.config, &config) {
            *kept = Probed::new(config);
        }
        let (key, now) = ((settings::address(&url), name), Instant::now());
        if let Some(watch) = kept.watches.get(&key, now) {
            return Ok(watch);
        }
        let health = kept.health(&key, &self.quota, now);
        let watch = self.new_watch(url, &module, health).map_err(ProbeError::BadRequest)?;
        kept.watches.put(key, Arc::clone(&watch), now);
        Ok(watch)
    }

    fn new_watch(
        &self,
        url: url::Url,
        module: &Module,
        health: Arc<Mutex<Health>>,
    ) -> Result<Arc<Watch>, String> {
        let idle = self.idle.share();
        let mut config = settings::module_client(url, module)?;
        config.idle_connections = idle.connections;
        Ok(Watch::new(Watched {
            client: Client::new(config).map_err(|error| error.to_string())?,
            health,
            idle: Some(idle),
            target: None,
            timeout: module.timeout,
            bounds: self.bounds,
            own: Arc::clone(&self.own),
        }))
    }
}

impl Probe for Probes {
    fn probe(&self, target: ProbeTarget, ask: Ask) -> ProbeFuture<'_> {
        Box::pin(async move {
            self.own.scraped();
            let watch = self.watch(&target)?;
            let Seen { sighting, .. } = watch.look(ask.deadline).await;
            let exposition =
                Exposition::new(Arc::clone(&self.catalog), Arc::clone(&self.own), vec![sighting]);
            Ok(Arc::new(exposition) as Arc<dyn Families>)
        })
    }
}

impl From<Refused> for ProbeError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotAllowed(_) => Self::Forbidden(refused.to_string()),
            _ => Self::BadRequest(refused.to_string()),
        }
    }
}
