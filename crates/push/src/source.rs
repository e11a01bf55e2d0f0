//! Where the numbers come from.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use exposition::Families;

/// What has been gathered.
pub struct Gathered {
    /// The families.
    pub families: Arc<dyn Families>,
    /// Attributes of OTLP's resource that are known only while it runs, such as the test's. Where
    /// they change, what was told of them before ends.
    pub resource: Vec<(&'static str, String)>,
}

/// Families on their way.
pub type SourceFuture<'a> = Pin<Box<dyn Future<Output = Gathered> + Send + 'a>>;

/// Gives the families of a pass.
pub trait Source: Send + Sync + 'static {
    /// Gathers anew, with native histograms where `native` says that somebody takes them; never
    /// later than `deadline`, and never failing: what cannot be had is told by the families
    /// themselves (`…_up 0`). It is polled on the runtime that pushes.
    fn gather(&self, deadline: Instant, native: bool) -> SourceFuture<'_>;
}
