//! Where the numbers come from.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use exposition::Families;

/// Families on their way.
pub type SourceFuture<'a> = Pin<Box<dyn Future<Output = Arc<dyn Families>> + Send + 'a>>;

/// Gives the families of a pass.
pub trait Source: Send + Sync + 'static {
    /// Gathers anew, with native histograms where `native` says that somebody takes them; never
    /// later than `deadline`, and never failing: what cannot be had is told by the families
    /// themselves (`…_up 0`). It is polled on the runtime that pushes.
    fn gather(&self, deadline: Instant, native: bool) -> SourceFuture<'_>;
}
