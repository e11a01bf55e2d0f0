//! Pushes the newest state to a Pushgateway.
//!
//! It has no timestamps: what is pushed stands there, as of now, until the next push. So nothing
//! is queued. What could not be pushed is not worth anything any more once there is something
//! newer, and each attempt takes what is newest then.

mod body;
mod gateway;
mod group;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use self::body::Body;
pub(crate) use self::gateway::Gateway;
use crate::source::Source;
use crate::stats::{Dropped, Stats};
use crate::transport::Outcome;

/// How long is waited after a first failure; twice as long after each further one, but never
/// longer than the interval.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// How often the last push is tried.
const LAST_ATTEMPTS: u32 = 3;

/// Pushes at once and then in each interval, until `end` is told. Then it pushes once more, and
/// deletes the group if that is chosen, all within `final_timeout`.
pub(crate) async fn run(
    gateway: Gateway,
    source: Arc<dyn Source>,
    stats: Arc<Stats>,
    final_timeout: Duration,
    end: CancellationToken,
) {
    let mut pusher = Pusher { gateway, source, stats, failures: 0 };
    // What is under way at the end is dropped: what is pushed then is newer.
    end.run_until_cancelled(pusher.push_for_ever()).await;
    let deadline = Instant::now() + final_timeout;
    pusher.push_last(deadline).await;
    if pusher.gateway.deletes_on_exit() {
        pusher.delete(deadline).await;
    }
}

struct Pusher {
    gateway: Gateway,
    source: Arc<dyn Source>,
    stats: Arc<Stats>,
    /// Failures one after the other until now.
    failures: u32,
}

impl Pusher {
    async fn push_for_ever(&mut self) {
        let interval = self.gateway.interval();
        loop {
            let started = Instant::now();
            let body = self.gather(started + self.gateway.timeout()).await;
            let outcome = self.gateway.push(&body).await;
            let wait = match self.note(outcome, body.points()) {
                Ok(()) => (started + interval).saturating_duration_since(Instant::now()),
                Err(Failure { after, .. }) => self.wait().max(after.unwrap_or_default()),
            };
            sleep(wait.min(interval)).await;
        }
    }

    /// Pushes what is newest now, a few times if need be.
    async fn push_last(&mut self, deadline: Instant) {
        let body = self.gather(deadline).await;
        let mut left = "the time was over".to_owned();
        let attempts = async {
            for attempt in 1..=LAST_ATTEMPTS {
                let outcome = self.gateway.push(&body).await;
                let Err(failure) = self.note(outcome, body.points()) else { return true };
                let is_last = attempt == LAST_ATTEMPTS || !failure.is_worth_another;
                left = failure.cause;
                if is_last {
                    break;
                }
                sleep(FIRST_WAIT).await;
            }
            false
        };
        if timeout_at(deadline, attempts).await != Ok(true) {
            let points = body.points();
            self.stats.dropped(Dropped::Ended, points);
            tracing::warn!(
                sink = self.stats.sink(),
                points,
                cause = %left,
                "the last push failed: the Pushgateway keeps what it had before"
            );
        }
    }

    async fn delete(&self, deadline: Instant) {
        let cause = match timeout_at(deadline, self.gateway.delete()).await {
            Ok(Outcome::Delivered { .. }) => return,
            Ok(Outcome::Later { cause, .. } | Outcome::Refused { cause }) => cause,
            Err(_) => "the time was over".to_owned(),
        };
        self.stats.failed();
        let sink = self.stats.sink();
        tracing::warn!(sink, %cause, "the group could not be deleted: it stays in the Pushgateway");
    }

    async fn gather(&self, deadline: Instant) -> Body {
        let gathered = self.source.gather(deadline.into_std(), true).await;
        self.gateway.body(&*gathered.families)
    }

    /// Counts what became of a push, and logs where that is something new.
    fn note(&mut self, outcome: Outcome, points: u64) -> Result<(), Failure> {
        let sink = self.stats.sink();
        let failure = match outcome {
            Outcome::Delivered { .. } => {
                self.stats.sent(points);
                if std::mem::take(&mut self.failures) > 0 {
                    tracing::info!(sink, "the Pushgateway takes what is pushed again");
                }
                return Ok(());
            }
            Outcome::Later { cause, after } => Failure { cause, after, is_worth_another: true },
            Outcome::Refused { cause } => Failure { cause, after: None, is_worth_another: false },
        };
        self.stats.failed();
        if self.failures == 0 {
            let cause = &failure.cause;
            tracing::warn!(sink, %cause, "a push failed: the next ones bring what is newest then");
        }
        self.failures = self.failures.saturating_add(1);
        Err(failure)
    }

    /// How long to wait after the failures until now.
    fn wait(&self) -> Duration {
        let doublings = self.failures.saturating_sub(1).min(16);
        FIRST_WAIT.saturating_mul(1 << doublings)
    }
}

/// Why a push failed.
struct Failure {
    cause: String,
    after: Option<Duration>,
    is_worth_another: bool,
}

#[cfg(test)]
mod tests;
