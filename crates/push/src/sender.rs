//! Takes what waits for a backend there, one batch after the other, for as long as it takes.
//!
//! A backend that does not answer, or asks for patience, gets the same batch again: after about a
//! second, then twice as long each time, up to half a minute, or when it says itself within
//! five.

mod backoff;
mod limit;
mod outage;
mod refusals;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use self::backoff::Backoff;
use self::outage::Outages;
use self::refusals::Refusals;
pub(crate) use self::refusals::tell_refused;
use crate::batch::Batch;
use crate::panics::caught_in;
use crate::queue::Queue;
use crate::stats::Stats;
use crate::transport::{Outcome, Transport};

/// Sends what one queue holds.
pub(crate) struct Sender {
    queue: Arc<Queue>,
    transport: Box<dyn Transport>,
    stats: Arc<Stats>,
    backoff: Backoff,
    outages: Outages,
    refusals: Refusals,
    /// It was tried at once when the end was told.
    was_hurried: bool,
}

impl Sender {
    pub(crate) fn new(queue: Arc<Queue>, transport: Box<dyn Transport>, stats: Arc<Stats>) -> Self {
        Self {
            queue,
            transport,
            stats,
            backoff: Backoff::default(),
            outages: Outages::default(),
            refusals: Refusals::default(),
            was_hurried: false,
        }
    }

    /// Sends until the queue is closed and empty. It may be dropped at any time: what it was about
    /// to send is still in the queue.
    pub(crate) async fn run(mut self) {
        while let Some(batch) = self.queue.head().await {
            let began = Instant::now();
            let outcome = self.send(&batch).await;
            let points = self.transport.points(&batch);
            match self.judged(outcome, points) {
                Outcome::Delivered { refused, why } => {
                    self.answered();
                    self.taken(points, refused.min(points), why);
                    self.queue.done().await;
                }
                Outcome::Refused { cause } | Outcome::Had { why: cause, .. } => {
                    self.stats.failed();
                    self.answered();
                    self.refused(points, cause);
                    self.queue.done().await;
                }
                Outcome::Later { cause, after, is_doubtful } => {
                    self.stats.failed();
                    let delay = self.backoff.next(after);
                    self.outages.failed(self.stats.sink(), &self.queue, &cause, began, delay);
                    self.stats.held_up(Some(cause));
                    if is_doubtful {
                        self.queue.doubt();
                    }
                    self.queue.release().await;
                    self.wait(delay).await;
                }
            }
        }
    }

    /// Sends once. A panic is a bug that this batch may cause every time: it is not sent again.
    async fn send(&self, batch: &Batch) -> Outcome {
        let sending = caught_in(async { self.transport.send(batch).await });
        sending.await.unwrap_or_else(|panic| Outcome::bug(&panic))
    }

    /// "It has that already" is as it should be where the batch may have arrived before. Where it
    /// cannot have, somebody else's points are there, and what was not taken now is lost.
    fn judged(&self, outcome: Outcome, points: u64) -> Outcome {
        match outcome {
            Outcome::Had { .. } if self.queue.is_doubtful() => Outcome::WHOLE,
            Outcome::Had { taken: 0, why } => Outcome::Refused { cause: why },
            Outcome::Had { taken, why } => {
                Outcome::Delivered { refused: points.saturating_sub(taken), why: Some(why) }
            }
            outcome => outcome,
        }
    }

    /// Waits before the next attempt. When the end is told there is one at once, also where the
    /// backend asked for patience: it may take the last numbers by now, and there is no later.
    async fn wait(&mut self, delay: Duration) {
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = self.queue.closed(), if !self.was_hurried => {
                self.was_hurried = true;
                self.backoff = Backoff::default();
            }
        }
    }

    /// The backend has judged the batch.
    fn answered(&mut self) {
        self.backoff = Backoff::default();
        self.stats.held_up(None);
        self.outages.end(self.stats.sink(), &self.queue);
    }

    fn taken(&mut self, points: u64, refused: u64, why: Option<String>) {
        if refused < points || refused == 0 {
            self.stats.sent(points - refused);
        }
        if refused == 0 {
            self.refusals.took_all(self.stats.sink(), why);
        } else {
            self.refused(refused, why.unwrap_or_default());
        }
    }

    fn refused(&mut self, points: u64, why: String) {
        self.stats.refused(points, &why);
        self.refusals.refused(self.stats.sink(), points, why);
    }
}
