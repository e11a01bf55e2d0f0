//! What both faces do about pushing: it has a thread of its own, which they only start and end.

use std::io;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError, mpsc};
use std::time::Duration;

use futures_util::FutureExt as _;
use outgoing::{ConfigError, Credentials, Target};
use push::{Config, Protocol, Push, Source, Spool, SpoolError, Stats, Status, Stop, Version};
use schema::{Own, Pushed};
use tokio::runtime::Builder;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::at_fault::option_at_fault;
use crate::push_args::instance_at;

/// How much longer than the last push its end may take: whoever waits no longer than that hears all
/// of what is said of it.
const SLACK: Duration = push::LAST_WRITE.saturating_add(Duration::from_millis(500));

/// Folders that are tried at most, where each process needs one of its own.
const MOST_FOLDERS: u32 = 1_000;

/// What their names begin with.
const WORKER: &str = "worker-";

/// How long work that cannot be interrupted may go on after the end.
const LAST_WORK: Duration = Duration::from_millis(100);

/// What is to be pushed where.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// It, if anything is.
    pub(crate) config: Option<Config>,
    /// The variable of OpenTelemetry that turned OTLP on, if one did.
    pub(crate) otlp_by: Option<&'static str>,
    /// Which variable of OpenTelemetry keeps OTLP off that another one would have turned on.
    pub(crate) otlp_off: Option<String>,
    /// Variables of OpenTelemetry, and options, that are not heeded, and why.
    pub(crate) ignored: Vec<String>,
    /// Whether the instance was given; else it tells what is listened on.
    pub(crate) is_instance_given: bool,
    /// Whether several processes have this plan, so that each needs a folder of its own.
    pub(crate) is_one_of_many: bool,
}

impl Plan {
    /// Tells which port is listened on, where the system has chosen it.
    pub(crate) fn listens_on(&mut self, port: u16) {
        if let Some(config) = self.config.as_mut().filter(|_| !self.is_instance_given) {
            config.identity.instance = instance_at(Some(port));
        }
    }
}

/// Why nothing is pushed.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// What is configured cannot be used.
    #[error("{flag}: {cause}")]
    Push {
        /// The option that says so.
        flag: String,
        /// Why not.
        #[source]
        cause: push::Error,
    },
    /// The system gives no thread.
    #[error("the thread that pushes cannot start: {0}")]
    Thread(#[source] io::Error),
}

impl Unusable {
    /// Whether an option is mistaken, or a file or folder that it names; else the system refuses.
    pub fn is_mistake(&self) -> bool {
        matches!(self, Self::Push { cause, .. } if !is_in_use(cause))
    }
}

/// A thread that pushes. It ends when this is dropped.
#[derive(Debug)]
pub struct Pushing {
    stats: Vec<Arc<Stats>>,
    stop: Stop,
    ended: Ended,
    longest: Duration,
}

/// What the thread does until the end is told; then it gives the rest, for whichever thread.
pub type Work = Box<dyn FnOnce() -> Option<LastPush> + Send>;

/// The last push.
pub type LastPush = Box<dyn FnOnce() + Send>;

impl Pushing {
    /// Pushes what `source` gives, in the thread that `spawn` makes, and lets `own` tell of it;
    /// `None` if nothing is to be pushed. What the [`Work`] gives at its end is to be done, too.
    ///
    /// # Errors
    ///
    /// [`Unusable`], where a file or folder that is configured cannot be used, or the system gives
    /// no thread.
    pub fn start(
        plan: Plan,
        own: &Own,
        source: Arc<dyn Source>,
        spawn: impl FnOnce(Work) -> io::Result<()>,
    ) -> Result<Option<Self>, Unusable> {
        for line in &plan.ignored {
            warn!("{line}");
        }
        // As it is wanted, most likely; but then nothing else tells why nothing is pushed.
        if let Some(line) = &plan.otlp_off {
            info!("{line}");
        }
        let Some(config) = plan.config else {
            return Ok(None);
        };
        let longest = config.final_timeout + SLACK;
        let (push, config) = open(config, plan.is_one_of_many)?;
        let stats = push.stats();
        let (stop, ended) = (Stop::default(), Ended::default());
        let (end, told) = (End(ended.clone()), stop.clone());
        let (tell_begun, begun) = mpsc::channel();
        spawn(Box::new(move || {
            // Made here: where another runtime runs, none may be dropped.
            let runtime = match Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(cause) => {
                    let _ = tell_begun.send(Err(cause));
                    return None;
                }
            };
            let _ = tell_begun.send(Ok(()));
            let mut pushing =
                Box::pin(AssertUnwindSafe(push.run(source, told.clone())).catch_unwind());
            let over = runtime.block_on(async {
                tokio::select! {
                    over = &mut pushing => Some(over),
                    _ = told.told() => None,
                }
            });
            if over.is_some() {
                error!("pushing has ended by a bug: nothing is pushed any more");
            }
            Some(Box::new(move || {
                if over.is_none() && runtime.block_on(pushing).is_err() {
                    error!("the last push has ended by a bug");
                }
                runtime.shutdown_timeout(LAST_WORK);
                drop(end);
            }) as LastPush)
        }))
        .map_err(Unusable::Thread)?;
        begun.recv().map_err(io::Error::other).flatten().map_err(Unusable::Thread)?;
        announce(&config, plan.otlp_by);
        tell(own, stats.clone());
        Ok(Some(Self { stats, stop, ended, longest }))
    }

    /// Begins the last push, and answers how long it may take.
    pub fn stop(&self) -> Duration {
        self.stop.tell();
        self.longest
    }

    /// Whether it goes on until it is told to stop: it has not been told yet, and has not ended by
    /// itself.
    pub fn goes_on(&self) -> bool {
        !self.stop.is_told() && !self.has_ended()
    }

    /// Whether the last push is over.
    pub fn has_ended(&self) -> bool {
        self.ended.is_told()
    }

    /// What tells when the last push is over, for who waits for it without holding this.
    pub fn ended(&self) -> Ended {
        self.ended.clone()
    }

    /// What waits to be delivered now: of each sink that has any, its name, the points, and why they
    /// wait, where that is known. What a look that is under way will find is not among them.
    pub fn undelivered(&self) -> Vec<(&'static str, u64, Option<String>)> {
        let waits = |stats: &Arc<Stats>| {
            let Status { sink, queued_points, .. } = stats.status();
            (queued_points > 0).then(|| (sink, queued_points, stats.held_up_by()))
        };
        self.stats.iter().filter_map(waits).collect()
    }

    /// Makes the last push, and waits for it as long as it may take.
    pub(crate) async fn end(self) {
        let longest = self.stop();
        if tokio::time::timeout(longest, self.ended.told()).await.is_err() {
            // It says so itself, but where it got no time to.
            for (sink, points, cause) in self.undelivered() {
                warn!(sink, points, cause, "the last push is cut off: these points are not sent");
            }
            warn!(waited = ?longest, "the last push has not ended in time");
        }
    }
}

impl Drop for Pushing {
    fn drop(&mut self) {
        self.stop.tell();
    }
}

/// Takes hold of what is needed; of many processes, each the first folder that no other has.
fn open(mut config: Config, is_one_of_many: bool) -> Result<(Push, Config), Unusable> {
    let shared = config.spool.clone().filter(|_| is_one_of_many);
    let mut number = 0;
    loop {
        if let Some(shared) = &shared {
            let path = shared.path.join(format!("{WORKER}{number}"));
            config.spool = Some(Spool { path, ..shared.clone() });
        }
        match Push::new(&config) {
            Ok(push) => {
                if let (None, Some(spool)) = (&shared, &config.spool) {
                    tell_workers_left(&spool.path);
                }
                return Ok((push, config));
            }
            Err(error) if shared.is_some() && number < MOST_FOLDERS && is_in_use(&error) => {
                number += 1;
            }
            Err(cause) => {
                return Err(Unusable::Push { flag: flag_at_fault(&config, &cause), cause });
            }
        }
    }
}

/// Says whether batches of workers lie in a spool, which a process that is no worker does not send.
fn tell_workers_left(spool: &Path) {
    let Ok(entries) = spool.read_dir() else { return };
    let names = entries.flatten().map(|entry| entry.file_name());
    let names = names.filter(|name| name.to_string_lossy().starts_with(WORKER));
    // What cannot be looked into is said where it is to be used.
    let bytes: u64 = names.filter_map(|name| push::left_in_spool(&spool.join(name)).ok()).sum();
    if bytes > 0 {
        info!(
            folder = %spool.display(),
            bytes,
            "points of an earlier run of workers wait on disk: workers that push with this spool \
             send them; where none does any more, delete the folders {WORKER}*"
        );
    }
}

fn is_in_use(error: &push::Error) -> bool {
    matches!(error, push::Error::Spool(SpoolError::InUse(_)))
}

/// The option that cannot be used; several, where it may be any of them.
fn flag_at_fault(config: &Config, error: &push::Error) -> String {
    let push::Error::Target(error) = error else {
        return "--push.spool.path".to_owned();
    };
    let targets = [
        config.remote_write.as_ref().map(|sink| &sink.target),
        config.otlp.as_ref().map(|sink| &sink.target),
        config.pushgateway.as_ref().map(|sink| &sink.target),
    ];
    let flags = |target: &Target| target.tls_flags.trim_end_matches(".tls");
    let is_credentials = matches!(error, ConfigError::Header { .. });
    let named = targets.into_iter().flatten().filter_map(|target| {
        let has_token = matches!(target.credentials, Credentials::Bearer(_));
        let option =
            option_at_fault(&target.tls, error).filter(|_| has_token || !is_credentials)?;
        Some(format!("{}.{option}", flags(target)))
    });
    let named: Vec<_> = named.collect();
    if !named.is_empty() {
        return named.join(", ");
    }
    let all = targets.into_iter().flatten().map(|target| format!("{}.*", flags(target)));
    all.collect::<Vec<_>>().join(", ")
}

/// Tells that the thread that pushes has ended.
#[derive(Clone, Debug, Default)]
pub struct Ended {
    token: CancellationToken,
    blocked: Arc<(Mutex<bool>, Condvar)>,
}

impl Ended {
    /// Waits until it has ended, for so long at most; whether it has. This blocks, and needs
    /// neither a runtime nor Python: an interpreter that exits can wait for its last push by it.
    pub fn wait(&self, at_most: Duration) -> bool {
        let (has_ended, news) = &*self.blocked;
        let has_ended = has_ended.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = news.wait_timeout_while(has_ended, at_most, |has_ended| !*has_ended);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn is_told(&self) -> bool {
        self.token.is_cancelled()
    }

    async fn told(&self) {
        self.token.cancelled().await;
    }

    fn tell(&self) {
        self.token.cancel();
        let (has_ended, news) = &*self.blocked;
        *has_ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
        news.notify_all();
    }
}

/// Tells that the thread has ended, however that came. It logs nothing: it may be dropped by a
/// panic, and a second one would abort the process.
struct End(Ended);

impl Drop for End {
    fn drop(&mut self) {
        self.0.tell();
    }
}

/// Says in the log where is pushed.
fn announce(config: &Config, otlp_by: Option<&str>) {
    let Config { interval, remote_write, otlp, pushgateway, .. } = config;
    if let Some(sink) = remote_write {
        let to = outgoing::shown(&sink.target.url);
        let version = match sink.version {
            Version::Auto => "auto",
            Version::V1 => "1.0",
            Version::V2 => "2.0",
        };
        info!(to, version, ?interval, "pushing by remote write");
    }
    if let Some(sink) = otlp {
        let to = outgoing::shown(&sink.target.url);
        let protocol = match sink.protocol {
            Protocol::Grpc => "grpc",
            Protocol::Http => "http/protobuf",
        };
        if let Some(variable) = otlp_by {
            info!(to, protocol, ?interval, variable, "pushing by OTLP, as a variable says");
        } else {
            info!(to, protocol, ?interval, "pushing by OTLP");
        }
    }
    if let Some(sink) = pushgateway {
        let (to, interval) = (outgoing::shown(&sink.target.url), sink.interval);
        info!(to, job = sink.job, ?interval, "pushing to a Pushgateway");
    }
    if let Some(spool) = &config.spool {
        let (folder, max_bytes) = (spool.path.display(), spool.max_bytes);
        info!(%folder, max_bytes, "what waits to be pushed is kept on disk");
    }
}

/// From now on the exporter's own metrics tell what has been pushed.
fn tell(own: &Own, stats: Vec<Arc<Stats>>) {
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
        clamped_times: status.clamped_times,
        dropped: status.dropped.map(|(reason, points)| (reason.as_str(), points)).into(),
        last_success: status.last_success,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_the_thread_that_pushes_tells_the_end_and_no_more() {
        let ended = Ended::default();
        assert!(!ended.wait(Duration::from_millis(1)));
        let end = End(ended.clone());
        let panicked = std::thread::spawn(move || {
            let _end = end;
            std::panic::panic_any("as the test wants it");
        });
        assert!(ended.wait(Duration::from_secs(20)) && ended.is_told());
        assert!(panicked.join().is_err(), "the process is not aborted");
    }
}
