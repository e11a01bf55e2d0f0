//! The passes: every interval, all numbers are gathered once, and encoded for every sink.

mod clock;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::time::MissedTickBehavior;

use self::clock::Clock;
use crate::batch::Batch;
use crate::encoder::Encoder;
use crate::panics::{caught, caught_in};
use crate::point::{Millis, Now, Point, Points, now};
use crate::queue::Queue;
use crate::source::{Gathered, Source};
use crate::stop::Stop;
use crate::timeline::Timeline;

/// Gathering takes no longer than this, however long or short the interval is: a Locust that needs
/// more than an interval is slow, but not down.
const GATHERING: Duration = Duration::from_secs(10);

/// Where points go.
pub(crate) struct Sink {
    encoder: Box<dyn Encoder>,
    queue: Arc<Queue>,
    /// What the pass at hand gave so far.
    batches: Vec<Batch>,
}

impl Sink {
    pub(crate) fn new(encoder: Box<dyn Encoder>, queue: Arc<Queue>) -> Self {
        Self { encoder, queue, batches: Vec::new() }
    }
}

/// Fills the queues, pass by pass.
pub(crate) struct Rounds {
    source: Arc<dyn Source>,
    sinks: Vec<Sink>,
    timeline: Timeline,
    clock: Clock,
    /// The attributes of the last pass.
    resource: Vec<(&'static str, String)>,
    interval: Duration,
    final_timeout: Duration,
    /// The last pass failed by a bug, which was logged.
    is_broken: bool,
    /// The clock was out of all bounds at the last pass, which was logged.
    is_clamped: bool,
}

impl Rounds {
    /// Passes whose times are later than those of anything that waits already.
    pub(crate) fn new(
        source: Arc<dyn Source>,
        sinks: Vec<Sink>,
        interval: Duration,
        final_timeout: Duration,
    ) -> Self {
        let newest = sinks.iter().filter_map(|sink| sink.queue.newest()).max();
        Self {
            source,
            sinks,
            timeline: Timeline::default(),
            clock: Clock::new(newest, now().time),
            resource: Vec::new(),
            // A timer does not take none.
            interval: interval.max(Duration::from_millis(1)),
            final_timeout,
            is_broken: false,
            is_clamped: false,
        }
    }

    /// Goes round until it is stopped; then once more, and ends every series. The queues are closed
    /// afterwards.
    ///
    /// A pass that takes longer than the interval makes the next ones come late or not at all: they
    /// are not made up for.
    pub(crate) async fn run(mut self, stop: Stop) {
        let mut ticks = tokio::time::interval(self.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                biased;
                _ = stop.told() => break,
                _ = ticks.tick() => {}
            }
            // What is gathered when the end is told would not be the last word.
            let gathered = tokio::select! {
                biased;
                _ = stop.told() => break,
                gathered = self.gather(GATHERING) => gathered,
            };
            let now = self.now();
            self.pass(gathered, now).await;
        }
        // The other half is for what is pushed then.
        let gathered = self.gather(GATHERING.min(self.final_timeout / 2)).await;
        let now = self.now();
        self.pass(gathered, now).await;
        self.end().await;
        for sink in &self.sinks {
            sink.queue.close();
        }
    }

    /// The time of a pass. One that the clock says wrongly is counted, and told once.
    fn now(&mut self) -> Millis {
        let Now { time, is_clamped } = now();
        let was_clamped = std::mem::replace(&mut self.is_clamped, is_clamped);
        if is_clamped {
            self.sinks.iter().for_each(|sink| sink.queue.stats().clamped());
        }
        if is_clamped && !was_clamped {
            tracing::warn!(
                unix_milliseconds = time,
                "the system's clock is before 1970 or after 9999: pushed points have the nearest \
                 time within; set the clock"
            );
        }
        time
    }

    /// All numbers, or what a panic said.
    fn gather(
        &self,
        within: Duration,
    ) -> impl Future<Output = Result<Gathered, String>> + Send + use<> {
        let source = Arc::clone(&self.source);
        let native = self.sinks.iter().any(|sink| sink.encoder.takes_native());
        let deadline = Instant::now() + within;
        caught_in(async move { source.gather(deadline, native).await })
    }

    async fn pass(&mut self, gathered: Result<Gathered, String>, now: Millis) {
        let done = gathered.and_then(|Gathered { families, resource }| {
            if let Some(time) = self.clock.set_back(now) {
                self.end_all(time)?;
            }
            if resource != self.resource {
                self.end_resource(resource, now)?;
            }
            let time = self.clock.next(now);
            let timeline = &mut self.timeline;
            encode(&mut self.sinks, |out| timeline.pass(&*families, time, out))
        });
        self.note(done);
        self.put().await;
    }

    /// Ends what is of other attributes than these.
    fn end_resource(
        &mut self,
        resource: Vec<(&'static str, String)>,
        now: Millis,
    ) -> Result<(), String> {
        let time = self.clock.next(now);
        let done = self.end_all(time);
        for Sink { encoder, .. } in &mut self.sinks {
            encoder.resource(&resource);
        }
        self.resource = resource;
        done
    }

    async fn end(&mut self) {
        let time = self.clock.end();
        let done = self.end_all(time);
        self.note(done);
        self.put().await;
    }

    /// Ends every series: what comes afterwards begins anew.
    fn end_all(&mut self, time: Millis) -> Result<(), String> {
        let timeline = &mut self.timeline;
        encode(&mut self.sinks, |out| timeline.end(time, out))
    }

    /// Queues what a pass gave, for all sinks at once: on disk this takes time.
    async fn put(&mut self) {
        let puts = self.sinks.iter_mut().map(|Sink { queue, batches, .. }| {
            let batches = std::mem::take(batches);
            async move { queue.put(batches).await }
        });
        join_all(puts).await;
    }

    /// Passes go on after a bug: the next one may have other numbers.
    fn note(&mut self, done: Result<(), String>) {
        let was_broken = std::mem::replace(&mut self.is_broken, done.is_err());
        if let (Err(panic), false) = (done, was_broken) {
            tracing::error!(panic, "a bug in the exporter: nothing, or not all, is pushed now");
        }
    }
}

/// Hands points to every encoder, and takes their batches.
fn encode(sinks: &mut [Sink], give: impl FnOnce(&mut dyn Points)) -> Result<(), String> {
    caught(|| {
        give(&mut Fan { sinks });
        for Sink { encoder, batches, .. } in &mut *sinks {
            encoder.finish(&mut |batch| batches.push(batch));
        }
    })
}

/// Gives each point to all.
struct Fan<'a> {
    sinks: &'a mut [Sink],
}

impl Points for Fan<'_> {
    fn point(&mut self, point: &Point<'_>) {
        for Sink { encoder, batches, .. } in &mut *self.sinks {
            encoder.point(point, &mut |batch| batches.push(batch));
        }
    }
}
