//! Takes what waits for a backend there, one batch after the other, for as long as it takes.
//!
//! A backend that does not answer, or asks for patience, gets the same batch again: after about a
//! second, then twice as long each time, up to half a minute, or when it says itself.

mod backoff;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use self::backoff::Backoff;
use crate::batch::Batch;
use crate::panics::caught_in;
use crate::queue::Queue;
use crate::stats::{Dropped, Stats};
use crate::transport::{Outcome, Transport};

/// Sends what one queue holds.
pub(crate) struct Sender {
    queue: Arc<Queue>,
    transport: Box<dyn Transport>,
    stats: Arc<Stats>,
    backoff: Backoff,
    /// Since when the backend takes nothing.
    down: Option<Instant>,
    refused: Option<Refused>,
    /// It was tried at once when the end was told.
    was_hurried: bool,
}

/// Points that the backend refuses.
struct Refused {
    /// How many, since it last took all for a while.
    points: u64,
    /// Why it refused those that were last spoken of, and when that was.
    why: String,
    told: Instant,
    /// When it refused the last ones.
    last: Instant,
}

/// A backend may refuse a few points of each pass, and name them: not each time is worth a line.
const REFUSED_AGAIN: Duration = Duration::from_mins(1);
/// A backend that has refused nothing for so long takes all again.
const TAKES_ALL: Duration = Duration::from_mins(5);

impl Sender {
    pub(crate) fn new(queue: Arc<Queue>, transport: Box<dyn Transport>, stats: Arc<Stats>) -> Self {
        Self {
            queue,
            transport,
            stats,
            backoff: Backoff::default(),
            down: None,
            refused: None,
            was_hurried: false,
        }
    }

    /// Sends until the queue is closed and empty. It may be dropped at any time: what it was about
    /// to send is still in the queue.
    pub(crate) async fn run(mut self) {
        while let Some(batch) = self.queue.head().await {
            match self.send(&batch).await {
                Outcome::Delivered { refused, why } => {
                    self.is_up();
                    let refused = refused.min(batch.points());
                    self.stats.sent(batch.points() - refused);
                    match why {
                        why if refused > 0 => self.refused(refused, why.unwrap_or_default()),
                        _ => self.took_all(),
                    }
                    self.queue.done().await;
                }
                Outcome::Refused { cause } => {
                    self.stats.failed();
                    self.is_up();
                    self.refused(batch.points(), cause);
                    self.queue.done().await;
                }
                Outcome::Later { cause, after } => {
                    self.stats.failed();
                    self.is_down(&cause);
                    self.queue.release();
                    self.wait(after).await;
                }
            }
        }
    }

    /// Sends once. A panic is a bug that this batch may cause every time: it is not sent again.
    async fn send(&self, batch: &Batch) -> Outcome {
        let sending = caught_in(async { self.transport.send(batch).await });
        sending.await.unwrap_or_else(|panic| Outcome::bug(&panic))
    }

    /// Waits before the next attempt. When the end is told there is one at once, unless the
    /// backend asked for patience: it may be reachable by now, and there is little time left.
    async fn wait(&mut self, after: Option<Duration>) {
        let delay = self.backoff.next(after);
        let may_hurry = after.is_none() && !self.was_hurried;
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = self.queue.closed(), if may_hurry => {
                self.was_hurried = true;
                self.backoff = Backoff::default();
            }
        }
    }

    fn is_down(&mut self, cause: &str) {
        if self.down.is_none() {
            self.down = Some(Instant::now());
            tracing::warn!(
                sink = self.stats.sink(),
                cause,
                kept_in = %self.queue.place(),
                "cannot push now: what is to be pushed is kept and tried again"
            );
        }
    }

    fn is_up(&mut self) {
        self.backoff = Backoff::default();
        if let Some(since) = self.down.take() {
            tracing::info!(
                sink = self.stats.sink(),
                after = ?Duration::from_secs(since.elapsed().as_secs()),
                points = self.queue.points(),
                "can push again: what was kept is pushed now"
            );
        }
    }

    fn refused(&mut self, points: u64, why: String) {
        self.stats.dropped(Dropped::Refused, points);
        let now = Instant::now();
        let before = self.refused.take();
        let sum = before.as_ref().map_or(0, |before| before.points) + points;
        self.refused = Some(match before {
            Some(told) if told.why == why || told.told.elapsed() < REFUSED_AGAIN => {
                Refused { points: sum, last: now, ..told }
            }
            _ => {
                let sink = self.stats.sink();
                tracing::warn!(sink, points, why, "the backend refuses points: they are dropped");
                Refused { points: sum, why, told: now, last: now }
            }
        });
    }

    fn took_all(&mut self) {
        if let Some(refused) = self.refused.take_if(|refused| refused.last.elapsed() >= TAKES_ALL) {
            let (sink, points) = (self.stats.sink(), refused.points);
            tracing::info!(
                sink,
                points,
                "the backend takes all points again: so many were dropped"
            );
        }
    }
}
