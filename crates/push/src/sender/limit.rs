//! How often something is worth a line.

use std::time::Duration;

use tokio::time::Instant;

/// Lets a line of a kind pass once a minute.
#[derive(Debug, Default)]
pub(super) struct Limit(Option<Instant>);

impl Limit {
    pub(super) const EVERY: Duration = Duration::from_mins(1);

    /// Whether a line may be written now. If so, it counts as written.
    pub(super) fn allows(&mut self) -> bool {
        let allows = self.0.is_none_or(|last| last.elapsed() >= Self::EVERY);
        if allows {
            self.0 = Some(Instant::now());
        }
        allows
    }
}
