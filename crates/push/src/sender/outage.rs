//! When a backend takes nothing, and what is said of it.

use std::time::Duration;

use tokio::time::Instant;

use super::limit::Limit;
use crate::queue::Queue;

/// A backend may fail now and then, or ask for a moment's patience, and take the same a second
/// later: that is worth no line. One that is to be without a success for so long is.
const WORTH_A_LINE: Duration = Duration::from_secs(5);

/// Outages of one backend. However it alternates, there are few lines a minute.
#[derive(Debug, Default)]
pub(super) struct Outages {
    now: Option<Outage>,
    downs: Limit,
    causes: Limit,
}

/// An outage that has not ended.
#[derive(Debug)]
struct Outage {
    /// When the first attempt that failed began.
    since: Instant,
    failures: u32,
    /// The cause that was last told, if one was.
    told: Option<String>,
}

impl Outages {
    /// An attempt failed that began then; the next one comes after `delay`.
    pub(super) fn failed(
        &mut self,
        sink: &'static str,
        queue: &Queue,
        cause: &str,
        began: Instant,
        delay: Duration,
    ) {
        let new = Outage { since: began, failures: 0, told: None };
        let outage = self.now.get_or_insert(new);
        outage.failures = outage.failures.saturating_add(1);
        let is_long = outage.since.elapsed() + delay >= WORTH_A_LINE;
        match &outage.told {
            None if (is_long || outage.failures > 1) && self.downs.allows() => tracing::warn!(
                sink,
                cause,
                again_in = ?Duration::from_secs(delay.as_secs().max(1)),
                kept_in = %queue.place(),
                "cannot push now: what is to be pushed is kept and tried again"
            ),
            Some(told) if told != cause && self.causes.allows() => {
                tracing::warn!(sink, cause, "still cannot push, for another cause now");
            }
            _ => return,
        }
        outage.told = Some(cause.to_owned());
    }

    /// The backend has answered for good.
    pub(super) fn end(&mut self, sink: &'static str, queue: &Queue) {
        if let Some(Outage { since, told: Some(_), .. }) = self.now.take() {
            tracing::info!(
                sink,
                after = ?Duration::from_secs(since.elapsed().as_secs()),
                points = queue.points(),
                "can push again: what was kept is pushed now"
            );
        }
    }
}
