//! All sinks as one.

#[cfg(test)]
mod tests;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use outgoing::{Client, ConfigError, Http};
use tokio::task::JoinSet;
use tokio::time::timeout_at;

use crate::config::{Config, Otlp, RemoteWrite};
use crate::encoder::Encoder;
use crate::otlp;
use crate::otlp::encode::OtlpEncoder;
use crate::panics::message;
use crate::pushgateway::{self, Gateway};
use crate::queue::{Queue, Room};
use crate::remote_write::encoder::RemoteWriteEncoder;
use crate::remote_write::protocol::Protocol;
use crate::remote_write::transport::RemoteWriteTransport;
use crate::rounds::{Rounds, Sink};
use crate::sender::{Sender, tell_refused};
use crate::source::Source;
use crate::spool::{SpoolError, left_in};
use crate::stats::{Stats, Status};
use crate::stop::Stop;
use crate::transport::Transport;

/// Why nothing can be pushed with a configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A target cannot be asked as configured.
    #[error(transparent)]
    Target(#[from] ConfigError),
    /// The spool cannot be used.
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

/// Sinks that have a spool: their names, and their folders in it.
const REMOTE_WRITE: (&str, &str) = ("remote_write", "remote-write");
const OTLP: (&str, &str) = ("otlp", "otlp");

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
    gateway: Option<(Gateway, Arc<Stats>)>,
    interval: Duration,
    final_timeout: Duration,
}

impl Lane {
    fn remote_write(sink: &RemoteWrite, config: &Config) -> Result<Self, Error> {
        let protocol = Arc::new(Protocol::new(sink.version, sink.native_histograms));
        let client = Client::new(&sink.target, config.timeout, &user_agent(config), Http::One)?;
        let encoder = RemoteWriteEncoder::new(sink, &config.identity, Arc::clone(&protocol));
        let transport = RemoteWriteTransport::new(client, protocol);
        Self::new(REMOTE_WRITE, config, Box::new(encoder), Box::new(transport))
    }

    fn otlp(sink: &Otlp, config: &Config) -> Result<Self, Error> {
        let timeout = sink.timeout.unwrap_or(config.timeout);
        let http = otlp::transport::http(sink.protocol);
        let client = Client::new(&sink.target, timeout, &user_agent(config), http)?;
        let encoder = OtlpEncoder::new(sink, &config.identity);
        let transport = otlp::transport::transport(client, sink.protocol);
        Self::new(OTLP, config, Box::new(encoder), transport)
    }

    fn new(
        (sink, folder): (&'static str, &str),
        config: &Config,
        encoder: Box<dyn Encoder>,
        transport: Box<dyn Transport>,
    ) -> Result<Self, Error> {
        let stats = Arc::new(Stats::new(sink));
        let queue = match &config.spool {
            Some(spool) => {
                let room = Room { memory: config.queue_bytes, spool: spool.max_bytes };
                Queue::on_disk(&spool.path.join(folder), room, Arc::clone(&stats))?
            }
            None => Queue::in_memory(config.queue_bytes, Arc::clone(&stats)),
        };
        Ok(Self { encoder, queue: Arc::new(queue), transport, stats })
    }
}

fn user_agent(config: &Config) -> String {
    let (name, version) = config.identity.program;
    format!("{name}/{version}")
}

impl Push {
    /// All that is configured, and what the spool holds of an earlier run. Nothing is asked yet.
    /// It blocks on the disk, since the spool is looked through.
    ///
    /// # Errors
    ///
    /// An [`Error`] that names what cannot be used.
    pub fn new(config: &Config) -> Result<Self, Error> {
        let mut lanes = Vec::new();
        if let Some(sink) = &config.remote_write {
            lanes.push(Lane::remote_write(sink, config)?);
        }
        if let Some(sink) = &config.otlp {
            lanes.push(Lane::otlp(sink, config)?);
        }
        let gateway = match &config.pushgateway {
            Some(sink) => {
                let gateway = Gateway::new(sink, config.timeout, &user_agent(config))?;
                Some((gateway, Arc::new(Stats::new("pushgateway"))))
            }
            None => None,
        };
        if let Some(spool) = &config.spool {
            tell_left(&spool.path, &lanes);
        }
        let Config { interval, final_timeout, .. } = *config;
        Ok(Self { lanes, gateway, interval, final_timeout })
    }

    /// The counters of every sink.
    pub fn stats(&self) -> Vec<Arc<Stats>> {
        let lanes = self.lanes.iter().map(|lane| &lane.stats);
        let gateway = self.gateway.iter().map(|(_, stats)| stats);
        lanes.chain(gateway).cloned().collect()
    }

    /// Pushes until it is stopped: then gathers once more, says that every series ends, and sends
    /// what waits, all of it within [`Config::final_timeout`](crate::Config::final_timeout). What
    /// is left then stays in the spool, or is counted as lost, and is logged; a disk that hangs has
    /// [`LAST_WRITE`](crate::LAST_WRITE) more for that.
    ///
    /// It needs a runtime with time and I/O; one thread is enough. A disk that does not answer may
    /// still keep a thread of the runtime's busy when this has ended: end the runtime with
    /// [`shutdown_timeout`](tokio::runtime::Runtime::shutdown_timeout).
    pub async fn run(self, source: Arc<dyn Source>, stop: Stop) {
        let every = self.stats();
        let Self { lanes, gateway, interval, final_timeout } = self;
        let ends: Vec<_> =
            lanes.iter().map(|lane| (Arc::clone(&lane.queue), Arc::clone(&lane.stats))).collect();
        let mut tasks = JoinSet::new();
        let mut sinks = Vec::new();
        for Lane { encoder, queue, transport, stats } in lanes {
            sinks.push(Sink::new(encoder, Arc::clone(&queue)));
            tasks.spawn(Sender::new(queue, transport, stats).run());
        }
        if let Some((gateway, stats)) = gateway {
            // It shall have the time to tell what it could not do.
            let in_time = final_timeout.mul_f64(0.95);
            let (source, stop) = (Arc::clone(&source), stop.clone());
            tasks.spawn(pushgateway::run(gateway, source, stats, in_time, stop));
        }
        if !sinks.is_empty() {
            let rounds = Rounds::new(source, sinks, interval, final_timeout);
            tasks.spawn(rounds.run(stop.clone()));
        }
        let mut before = Vec::new();
        tokio::select! {
            () = all(&mut tasks) => {}
            told = stop.told() => {
                before.extend(every.iter().map(|stats| stats.status().sent_points));
                let _ = timeout_at(told + final_timeout, all(&mut tasks)).await;
            }
        }
        tasks.shutdown().await;
        for (stats, before) in every.iter().zip(before) {
            tell_last(stats, before);
        }
        for (_, stats) in &ends {
            tell_refused(stats);
        }
        // At once: a disk that hangs has no more time where there are two.
        join_all(ends.iter().map(|(queue, _)| queue.abandon())).await;
    }
}

/// Says that all arrived that was to be sent at the end, and when: nothing else tells whoever looks
/// for it. What did not arrive, and what was refused, is told elsewhere.
fn tell_last(stats: &Stats, sent_before: u64) {
    let Status { sink, queued_points, sent_points, last_success, .. } = stats.status();
    let points = sent_points.saturating_sub(sent_before);
    if queued_points == 0 && points > 0 {
        let at = last_success.map(humantime::format_rfc3339_millis);
        let at = at.map(|at| at.to_string()).unwrap_or_default();
        tracing::info!(sink, points, total = sent_points, at, "the last push has arrived");
    }
}

/// Says where batches lie of a sink that is not configured: nobody sends them, or makes room of them.
fn tell_left(spool: &Path, lanes: &[Lane]) {
    let is_configured = |sink| lanes.iter().any(|lane| lane.stats.sink() == sink);
    for (sink, folder) in [REMOTE_WRITE, OTLP].into_iter().filter(|(sink, _)| !is_configured(*sink))
    {
        let folder = spool.join(folder);
        let path = folder.display();
        match left_in(&folder) {
            Ok(0) => {}
            Ok(bytes) => tracing::warn!(
                sink,
                folder = %path,
                bytes,
                "points of an earlier run wait on disk for a sink that is not configured now: \
                 configure it again to have them sent, or delete the folder"
            ),
            Err(error) => tracing::warn!(
                sink,
                folder = %path,
                %error,
                "it cannot be seen whether points of an earlier run wait on disk for a sink that \
                 is not configured now"
            ),
        }
    }
}

/// Bytes that lie in a spool of whatever sinks, if no exporter has it now.
///
/// # Errors
///
/// What the system says if it cannot be looked through.
pub fn left_in_spool(spool: &Path) -> io::Result<u64> {
    [REMOTE_WRITE, OTLP].iter().map(|(_, folder)| left_in(&spool.join(folder))).sum()
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
