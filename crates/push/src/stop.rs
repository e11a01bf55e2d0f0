//! The end, and since when it is told.

use std::sync::{Arc, OnceLock};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Tells pushing to end. What has time until then has it from the telling on, however late the
/// thread that pushes hears of it.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    token: CancellationToken,
    since: Arc<OnceLock<Instant>>,
}

impl Stop {
    /// Tells it. The first time counts.
    pub fn tell(&self) {
        self.since.get_or_init(Instant::now);
        self.token.cancel();
    }

    /// Whether it is told.
    pub fn is_told(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Waits until it is told, and gives since when it is.
    pub async fn told(&self) -> Instant {
        self.token.cancelled().await;
        *self.since.get_or_init(Instant::now)
    }
}
