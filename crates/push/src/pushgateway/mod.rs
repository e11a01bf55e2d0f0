//! Pushes the newest state to a Pushgateway.
//!
//! It has no timestamps: what is pushed stands there, as of now, until the next push. So nothing
//! is queued. What could not be pushed is not worth anything any more once there is something
//! newer, and each attempt takes what is newest then.

mod body;
mod gateway;
mod group;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use self::body::Body;
pub(crate) use self::gateway::Gateway;
use crate::panics::caught_in;
use crate::source::Source;
use crate::stats::{Dropped, Stats};
use crate::stop::Stop;
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
    end: Stop,
) {
    let mut pusher = Pusher { gateway, source, stats, failures: 0 };
    // What is under way at the end is dropped: what is pushed then is newer.
    let ended = tokio::select! {
        biased;
        ended = end.told() => ended,
        never = pusher.push_for_ever() => match never {},
    };
    let deadline = ended + final_timeout;
    let deletes = pusher.gateway.deletes_on_exit();
    // Each step leaves the next ones their share, however long it would take.
    let push_until = if deletes { ended + final_timeout.mul_f64(0.75) } else { deadline };
    pusher.push_last(ended + final_timeout / 2, push_until).await;
    if deletes {
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
    async fn push_for_ever(&mut self) -> Infallible {
        let interval = self.gateway.interval();
        loop {
            let started = Instant::now();
            let (outcome, points) = match self.gather(started + self.gateway.timeout()).await {
                Ok(body) => (self.push(&body).await, body.points()),
                Err(bug) => (bug, 0),
            };
            let wait = match self.note(outcome, points) {
                Ok(()) => (started + interval).saturating_duration_since(Instant::now()),
                Err(Failure { after, .. }) => self.wait().max(after.unwrap_or_default()),
            };
            sleep(wait.min(interval)).await;
        }
    }

    /// Pushes what is newest now, gathered until `gather_until`.
    async fn push_last(&mut self, gather_until: Instant, deadline: Instant) {
        let (pushed, points) = match self.gather(gather_until).await {
            Ok(body) => (self.try_until(deadline, &body).await, body.points()),
            Err(bug) => (self.note(bug, 0).map_err(|failure| failure.cause), 0),
        };
        if let Err(cause) = pushed {
            self.stats.dropped(Dropped::Ended, points);
            tracing::warn!(
                sink = self.stats.sink(),
                points,
                %cause,
                "the last push failed: the Pushgateway keeps what it had before"
            );
        }
    }

    /// Pushes, a few times if need be. Gives why it failed in the end.
    async fn try_until(&mut self, deadline: Instant, body: &Body) -> Result<(), String> {
        let mut left = self.gateway.too_late();
        let attempts = async {
            for attempt in 1..=LAST_ATTEMPTS {
                let outcome = self.push(body).await;
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
        if timeout_at(deadline, attempts).await == Ok(true) { Ok(()) } else { Err(left) }
    }

    async fn delete(&self, deadline: Instant) {
        let cause = match timeout_at(deadline, self.gateway.delete()).await {
            Ok(Outcome::Delivered { .. } | Outcome::Had { .. }) => return,
            Ok(Outcome::Later { cause, .. } | Outcome::Refused { cause }) => cause,
            Err(_) => self.gateway.too_late(),
        };
        self.stats.failed();
        let sink = self.stats.sink();
        tracing::warn!(sink, %cause, "the group could not be deleted: it stays in the Pushgateway");
    }

    /// What is newest now. A bug costs this push alone: the next one may have other numbers.
    async fn gather(&self, deadline: Instant) -> Result<Body, Outcome> {
        let gathering = caught_in(async {
            let gathered = self.source.gather(deadline.into_std(), true).await;
            self.gateway.body(&*gathered.families)
        });
        gathering.await.map_err(|panic| Outcome::bug(&panic))
    }

    async fn push(&self, body: &Body) -> Outcome {
        let pushing = caught_in(self.gateway.push(body));
        pushing.await.unwrap_or_else(|panic| Outcome::bug(&panic))
    }

    /// Counts what became of a push, and logs where that is something new.
    fn note(&mut self, outcome: Outcome, points: u64) -> Result<(), Failure> {
        let sink = self.stats.sink();
        let failure = match outcome {
            Outcome::Delivered { .. } | Outcome::Had { .. } => {
                self.stats.sent(points);
                if std::mem::take(&mut self.failures) > 0 {
                    tracing::info!(sink, "the Pushgateway takes what is pushed again");
                }
                return Ok(());
            }
            Outcome::Later { cause, after, .. } => Failure { cause, after, is_worth_another: true },
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
