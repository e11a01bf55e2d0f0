//! Points that a backend refuses, and its warnings: what is said of them.

use std::time::Duration;

use tokio::time::Instant;

use super::limit::Limit;
use crate::stats::{Dropped, Stats};

/// A backend that has refused nothing for so long takes all again.
const TAKES_ALL: Duration = Duration::from_mins(5);

/// What one backend refuses, and warns of. It may refuse a few points of each pass, and name them:
/// not each time is worth a line.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    now: Option<Refused>,
    refused: Limit,
    /// The warning that was last told.
    warning: String,
    warned: Limit,
}

/// Points that the backend refuses.
#[derive(Debug)]
struct Refused {
    /// How many, since it last took all for a while.
    points: u64,
    /// Why it refused those that were last spoken of.
    why: String,
    /// When it refused the last ones.
    last: Instant,
}

/// Says at the end what the backend refused in all, if anything.
pub(crate) fn tell_refused(stats: &Stats) {
    let Some(why) = stats.refused_for() else { return };
    let now = stats.status();
    let points = now.dropped(Dropped::Refused);
    tracing::warn!(
        sink = now.sink,
        points,
        taken = now.sent_points,
        why,
        "the backend refused points in this run: they are lost"
    );
}

impl Refusals {
    /// The backend refused so many points.
    pub(super) fn refused(&mut self, sink: &'static str, points: u64, why: String) {
        let before = self.now.take();
        let is_told = before.as_ref().is_some_and(|before| before.why == why);
        let sum = before.as_ref().map_or(0, |before| before.points) + points;
        let why = if is_told || !self.refused.allows() {
            before.map_or(String::new(), |before| before.why)
        } else {
            tracing::warn!(sink, points, why, "the backend refuses points: they are dropped");
            why
        };
        self.now = Some(Refused { points: sum, why, last: Instant::now() });
    }

    /// The backend took all points of a batch, and warns of something, perhaps.
    pub(super) fn took_all(&mut self, sink: &'static str, warning: Option<String>) {
        if let Some(warning) = warning.filter(|warning| *warning != self.warning)
            && self.warned.allows()
        {
            tracing::warn!(sink, warning, "the backend takes all points, but warns");
            self.warning = warning;
        }
        if let Some(refused) = self.now.take_if(|refused| refused.last.elapsed() >= TAKES_ALL) {
            let points = refused.points;
            tracing::info!(
                sink,
                points,
                "the backend takes all points again: so many were dropped"
            );
        }
    }
}
