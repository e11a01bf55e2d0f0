//! What the server asks of its owner.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use exposition::Families;

/// What a scrape shows.
pub struct Gathered {
    /// What has been gathered.
    pub families: Arc<dyn Families>,
    /// Called once these very families, all of them, have been handed over whole to the
    /// connection. It is dropped uncalled where only some were asked for, or the client hung up.
    pub served: Option<Served>,
}

/// Hears that an answer has been handed over.
pub type Served = Box<dyn FnOnce() + Send + Sync>;

/// Families on their way.
pub type GatherFuture<'a> = Pin<Box<dyn Future<Output = Gathered> + Send + 'a>>;

/// Families of one probed target on their way.
pub type ProbeFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Arc<dyn Families>, ProbeError>> + Send + 'a>>;

/// A scrape's wishes.
#[derive(Clone, Copy, Debug)]
pub struct Ask {
    /// When the answer must be ready. What is not known by then is left out.
    pub deadline: Instant,
    /// Whether the answer can show native histograms: what cannot be shown need not be made.
    pub native: bool,
}

/// Gives what `/metrics` shows.
pub trait Gather: Send + Sync + 'static {
    /// Gathers the families; never later than the deadline, and never failing: what cannot be had
    /// is told by the families themselves (`…_up 0`).
    fn gather(&self, ask: Ask) -> GatherFuture<'_>;

    /// Whether scrapes that wait at the same time wait for the same fetch and share what it has
    /// fetched. Then they count as one against [`Config::max_requests`](crate::Config::max_requests).
    fn is_shared(&self) -> bool {
        false
    }
}

/// Gives what `/probe` shows.
pub trait Probe: Send + Sync + 'static {
    /// Gathers the families of one target; never later than the deadline, which is as far away as
    /// the scraper waits, or a day where it does not say: how long the target may take is the
    /// owner's to decide.
    fn probe(&self, target: ProbeTarget, ask: Ask) -> ProbeFuture<'_>;
}

/// The query of a `/probe` request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProbeTarget {
    /// `target`: what to probe.
    pub target: String,
    /// `module`: how to.
    pub module: Option<String>,
}

/// Why a probe is refused. The message is shown to the client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    /// The query is wrong: answered with 400.
    #[error("{0}")]
    BadRequest(String),
    /// The target is not allowed: answered with 403.
    #[error("{0}")]
    Forbidden(String),
}

impl std::fmt::Debug for Gathered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gathered")
            .field("parts", &self.families.parts())
            .field("served", &self.served.is_some())
            .finish()
    }
}
