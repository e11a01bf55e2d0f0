//! All sinks as one.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::encoder::Encoder;
use crate::queue::Queue;
use crate::rounds::{Rounds, Sink};
use crate::sender::{Sender, message};
use crate::source::Source;
use crate::stats::Stats;
use crate::transport::Transport;

/// A backend that gets all that was ever gathered, in order.
struct Lane {
    encoder: Box<dyn Encoder>,
    queue: Arc<Queue>,
    transport: Box<dyn Transport>,
    stats: Arc<Stats>,
}

/// All sinks as one.
pub struct Push {
    lanes: Vec<Lane>,
    interval: Duration,
    final_timeout: Duration,
}

impl Push {
    /// The counters of every sink.
    pub fn stats(&self) -> Vec<Arc<Stats>> {
        self.lanes.iter().map(|lane| Arc::clone(&lane.stats)).collect()
    }

    /// Pushes until it is stopped: then gathers once more, says that every series ends, and sends
    /// what waits, all of it within [`Config::final_timeout`](crate::Config::final_timeout). What
    /// is left then stays in the spool, or is counted as lost, and is logged.
    ///
    /// It needs a runtime with time and I/O; one thread is enough. A disk that does not answer may
    /// still keep a thread of the runtime's busy when this has ended: end the runtime with
    /// [`shutdown_timeout`](tokio::runtime::Runtime::shutdown_timeout).
    pub async fn run(self, source: Arc<dyn Source>, stop: CancellationToken) {
        let Self { lanes, interval, final_timeout } = self;
        let queues: Vec<_> = lanes.iter().map(|lane| Arc::clone(&lane.queue)).collect();
        let mut tasks = JoinSet::new();
        let mut sinks = Vec::new();
        for Lane { encoder, queue, transport, stats } in lanes {
            sinks.push(Sink::new(encoder, Arc::clone(&queue)));
            tasks.spawn(Sender::new(queue, transport, stats).run());
        }
        if !sinks.is_empty() {
            let rounds = Rounds::new(source, sinks, interval, final_timeout);
            tasks.spawn(rounds.run(stop.clone()));
        }
        tokio::select! {
            () = all(&mut tasks) => {}
            () = too_late(&stop, final_timeout) => {}
        }
        tasks.shutdown().await;
        for queue in queues {
            queue.abandon();
        }
    }
}

/// Ends when all tasks have. One that panics does not end the others.
async fn all(tasks: &mut JoinSet<()>) {
    while let Some(task) = tasks.join_next().await {
        if let Err(error) = task
            && let Ok(panic) = error.try_into_panic()
        {
            let panic = message(&*panic);
            tracing::error!(panic, "a bug in the exporter: a part of it no longer pushes");
        }
    }
}

async fn too_late(stop: &CancellationToken, final_timeout: Duration) {
    stop.cancelled().await;
    tokio::time::sleep(final_timeout).await;
}
