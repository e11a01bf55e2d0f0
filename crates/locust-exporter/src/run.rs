//! The composition root: joins the source, the schemas and the server, and runs until told to end.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use arc_swap::ArcSwap;
use futures_util::future::OptionFuture;
use locust_api::{Client, Rejected};
use locust_model::Bounds;
use schema::{Catalog, Own};
use tokio::runtime::Handle;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use web::{Hooks, ReloadHook, Server};

use crate::at_fault::option_at_fault;
use crate::build;
use crate::files::FileBudget;
use crate::gather::{Metrics, Probes, Pushed};
use crate::health::Health;
use crate::probe_config::ProbeConfig;
use crate::progress::Progress;
use crate::pushing::{Plan, Pushing, Work};
use crate::settings::{Locust, Settings};
use crate::watch::{Watch, Watched};

/// How often a test's end is looked for, when nobody scrapes; more often where the wait is shorter.
const END_POLL: Duration = Duration::from_secs(5);
const END_POLL_LEAST: Duration = Duration::from_millis(250);

/// Signals within this time are one: GNU `timeout` sends two, to the process and to its group, and
/// Kubernetes sends one right after a hook that asked `/quitquitquit`. Inside Locust it is the same.
const ONE_SIGNAL: Duration = Duration::from_secs(1);

/// What keeps the exporter from its work.
#[derive(Debug)]
pub(crate) enum Failure {
    /// An option is mistaken, or a file that it names.
    Options(anyhow::Error),
    /// The system refuses something.
    System(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(cause: anyhow::Error) -> Self {
        Self::System(cause)
    }
}

impl From<web::Error> for Failure {
    fn from(cause: web::Error) -> Self {
        if cause.is_mistake() { Self::Options(cause.into()) } else { Self::System(cause.into()) }
    }
}

/// Serves until a signal, `/quitquitquit` or the test's end.
///
/// # Errors
///
/// What keeps the exporter from starting.
pub(crate) async fn run(settings: Settings, catalog: Catalog) -> Result<(), Failure> {
    let own = Arc::new(Own::new(build::INFO));
    // Known from the start, so that the first rejection is an increase.
    for reason in Rejected::REASONS {
        own.rejected(reason, 0);
    }
    let catalog = Arc::new(catalog);
    let probe_config = match &settings.probe_file {
        Some(path) => {
            let config = ProbeConfig::load(path).map_err(|cause| Failure::Options(cause.into()))?;
            warn_of(path, &config);
            Some(Arc::new(ArcSwap::from_pointee(config)))
        }
        None => None,
    };
    let files = FileBudget::new(
        web::open_files_limit(),
        settings.locusts.len(),
        probe_config.is_some().then_some(settings.web.max_requests),
    );
    let probes = probe_config.clone().map(|config| {
        let (catalog, own) = (Arc::clone(&catalog), Arc::clone(&own));
        Arc::new(Probes::new(config, catalog, own, settings.bounds, files.idle))
    });
    let reload = reload(settings.probe_file.clone(), probe_config);
    let progress = Arc::new(Progress::new(settings.locusts.len()));
    let common = Common {
        targets: settings.schema.targets,
        timeout: settings.timeout,
        bounds: settings.bounds,
        own: &own,
    };
    let watches = settings
        .locusts
        .into_iter()
        .map(|locust| common.watch(locust))
        .collect::<anyhow::Result<_>>()
        .map_err(Failure::Options)?;
    let (telling, progressing) = (Arc::clone(&own), Arc::clone(&progress));
    let metrics = Arc::new(Metrics { watches, catalog, own: telling, progress: progressing });
    let ready = Arc::new(AtomicBool::new(false));
    let quit = CancellationToken::new();
    let hooks = Hooks {
        gather: Arc::clone(&metrics) as _,
        probe: probes.map(|probes| probes as _),
        reload: Some(Arc::clone(&reload)),
        ready: Arc::clone(&ready),
        quit: quit.clone(),
    };
    let path = settings.web.telemetry_path.clone();
    let web = web::Config { reserved_files: files.reserved, ..settings.web };
    let server = bind(web, hooks).await?;
    let mut plan = settings.push;
    if let Some(address) = server.as_ref().and_then(|server| server.addresses().first()) {
        plan.listens_on(address.port());
    }
    let pushing = push(plan, &own, Arc::clone(&metrics))?;
    info!(version = build::VERSION, revision = build::INFO.revision, path, "started");
    ready.store(true, Ordering::Relaxed);

    let ending = Ending {
        timeout: settings.timeout,
        exit_after_test: settings.exit_after_test,
        is_pushing: pushing.is_some(),
    };
    let shutdown = CancellationToken::new();
    let mut signals = Signals::listen()?;
    let serving = tokio::spawn(serve(server, shutdown.clone()));
    tokio::select! {
        signal = signals.next() => info!("ending: {signal}"),
        () = quit.cancelled() => info!("ending: asked to by /quitquitquit"),
        result = hangups(reload) => result?,
        () = ending.test_over(&metrics, &progress) => {}
    }
    let began = Instant::now();
    shutdown.cancel();
    // Beside the last scrapes.
    let pushed = OptionFuture::from(pushing.map(Pushing::end));
    let ended = async { tokio::join!(serving, pushed).0 };
    let end = tokio::select! {
        end = ended => end,
        signal = signals.another(began) => {
            warn!("ending at once: {signal}; what is not pushed yet waits in the spool, or is \
                lost without one");
            return Ok(());
        }
    };
    Ok(end.context("the server ended in an unforeseen way")?)
}

/// Listens; nowhere if told so.
async fn bind(config: web::Config, hooks: Hooks) -> Result<Option<Server>, web::Error> {
    if config.listen.is_empty() && !config.systemd_socket {
        info!("listening nowhere, as told: metrics are pushed alone");
        return Ok(None);
    }
    Server::bind(config, hooks).await.map(Some)
}

async fn serve(server: Option<Server>, shutdown: CancellationToken) {
    match server {
        Some(server) => server.run(shutdown).await,
        None => shutdown.cancelled().await,
    }
}

/// Pushes from now on, if something is to be pushed.
fn push(plan: Plan, own: &Own, metrics: Arc<Metrics>) -> Result<Option<Pushing>, Failure> {
    let source = Arc::new(Pushed { metrics, runtime: Handle::current() });
    let spawn = |work: Work| {
        let all = || work().map_or((), |last_push| last_push());
        std::thread::Builder::new().name("push".to_owned()).spawn(all).map(drop)
    };
    let started = Pushing::start(plan, own, source, spawn);
    started.map_err(|unusable| {
        // It says its cause itself.
        let line = anyhow::Error::msg(unusable.to_string());
        if unusable.is_mistake() { Failure::Options(line) } else { Failure::System(line) }
    })
}

/// What all watched Locusts share.
struct Common<'a> {
    targets: bool,
    timeout: Duration,
    bounds: Bounds,
    own: &'a Arc<Own>,
}

impl Common<'_> {
    fn watch(&self, locust: Locust) -> anyhow::Result<Arc<Watch>> {
        let Locust { client, address } = locust;
        let tls = client.tls.clone();
        let client = Client::new(client).map_err(|cause| {
            let option = option_at_fault(&tls, &cause).unwrap_or("uri");
            anyhow::Error::new(cause).context(format!("Locust {address}: --locust.{option}"))
        })?;
        Ok(Watch::new(Watched {
            client,
            target: self.targets.then(|| address.as_str().into()),
            health: Arc::new(Mutex::new(Health::new(address, None))),
            idle: None,
            timeout: self.timeout,
            bounds: self.bounds,
            own: Arc::clone(self.own),
        }))
    }
}

/// Logs what a configuration file of `/probe` allows too widely.
fn warn_of(path: &Path, config: &ProbeConfig) {
    for warning in config.warnings() {
        warn!(file = %path.display(), "configuration file: {warning}");
    }
}

/// Rereads the configuration file of `/probe`, if there is one. It blocks.
fn reload(path: Option<PathBuf>, config: Option<Arc<ArcSwap<ProbeConfig>>>) -> ReloadHook {
    Arc::new(move || {
        let (Some(path), Some(config)) = (&path, &config) else {
            return Ok(());
        };
        match ProbeConfig::load(path) {
            Ok(fresh) => {
                warn_of(path, &fresh);
                config.store(Arc::new(fresh));
                info!(file = %path.display(), "configuration file read again");
                Ok(())
            }
            Err(cause) => {
                error!(error = %cause, "configuration file not read again: what was read before stays");
                Err(cause.to_string())
            }
        }
    })
}

/// What tells the program to end.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> anyhow::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?,
            interrupt: signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?,
        })
    }

    /// Returns on SIGTERM or SIGINT, and which it was.
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }

    /// Returns on a signal that is not the one with which the end began, and which it was.
    async fn another(&mut self, began: Instant) -> &'static str {
        loop {
            let signal = self.next().await;
            if began.elapsed() >= ONE_SIGNAL {
                return signal;
            }
            info!("{signal} within a second: the end is under way, and the last push is made");
        }
    }
}

/// Reloads on each SIGHUP, one after the other; never returns but where it cannot begin.
async fn hangups(reload: ReloadHook) -> anyhow::Result<()> {
    let mut hangup = signal(SignalKind::hangup()).context("cannot listen for SIGHUP")?;
    loop {
        hangup.recv().await;
        let reload = Arc::clone(&reload);
        // The file may lie on a file system that is slow to answer. The outcome is logged.
        let _ = tokio::task::spawn_blocking(move || reload()).await;
    }
}

/// Whether and how the program ends with the test.
struct Ending {
    /// How long a look at Locust may take.
    timeout: Duration,
    /// How long the last scrape is waited for; without it, there is no end.
    exit_after_test: Option<Duration>,
    /// Whether the last numbers are pushed at the end, so that no scrape is needed.
    is_pushing: bool,
}

impl Ending {
    /// Returns once the test is over, if the program is to end then.
    async fn test_over(&self, metrics: &Metrics, progress: &Progress) {
        let Some(bound) = self.exit_after_test else {
            return std::future::pending().await;
        };
        let pause = bound.clamp(END_POLL_LEAST, END_POLL);
        loop {
            tokio::select! {
                () = progress.final_served() => {
                    info!("ending: the test has ended and has been scraped");
                    return;
                }
                () = tokio::time::sleep(pause) => {
                    let is_final = metrics.look_for_the_last(Instant::now() + self.timeout).await;
                    if is_final && self.is_pushing {
                        info!("ending: the test has ended; its last numbers are pushed now");
                        return;
                    }
                    if progress.over_for(bound, Instant::now()) {
                        if self.is_pushing {
                            warn!(waited = ?bound, "ending: the test has ended, or Locust has gone; \
                                what was seen of it last is pushed now");
                        } else {
                            warn!(waited = ?bound, "ending: the test has ended, and no scrape came in time");
                        }
                        return;
                    }
                }
            }
        }
    }
}
