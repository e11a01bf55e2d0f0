//! What both faces do about pushing.

use std::sync::Arc;

use push::{Config, Protocol, Stats, Status};
use schema::{Own, Pushed};
use tracing::info;

/// What is to be pushed where.
#[derive(Clone, Debug)]
pub struct Plan {
    /// It.
    pub config: Config,
}

/// Says in the log where is pushed.
pub fn announce(plan: &Plan) {
    let Config { interval, remote_write, otlp, pushgateway, .. } = &plan.config;
    if let Some(sink) = remote_write {
        let (to, version) = (outgoing::shown(&sink.target.url), sink.version);
        info!(to, ?version, ?interval, "pushing by remote write");
    }
    if let Some(sink) = otlp {
        let to = outgoing::shown(&sink.target.url);
        let protocol = match sink.protocol {
            Protocol::Grpc => "grpc",
            Protocol::Http => "http/protobuf",
        };
        info!(to, protocol, ?interval, "pushing by OTLP");
    }
    if let Some(sink) = pushgateway {
        let (to, interval) = (outgoing::shown(&sink.target.url), sink.interval);
        info!(to, job = sink.job, ?interval, "pushing to a Pushgateway");
    }
    if let Some(spool) = &plan.config.spool {
        let (folder, max_bytes) = (spool.path.display(), spool.max_bytes);
        info!(%folder, max_bytes, "what waits to be pushed is kept on disk");
    }
}

/// From now on the exporter's own metrics tell what has been pushed.
pub fn tell(own: &Own, stats: Vec<Arc<Stats>>) {
    own.tells_pushed(move || stats.iter().map(|stats| pushed(&stats.status())).collect());
}

fn pushed(status: &Status) -> Pushed {
    Pushed {
        sink: status.sink,
        queued_points: status.queued_points,
        queued_bytes: status.queued_bytes,
        spooled_bytes: status.spooled_bytes,
        sent_points: status.sent_points,
        failures: status.failures,
        dropped: status.dropped.map(|(reason, points)| (reason.as_str(), points)).into(),
        last_success: status.last_success,
    }
}
