//! A server to test, families to show, and a client that hides nothing.

mod client;
mod families;
mod pki;
mod site;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use exposition::Families;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use web::{Ask, Config, Gather, GatherFuture, Gathered, Hooks, Landing, Server, Timeouts};

pub(crate) use client::{Answer, connect_from, exchange, get, get_from, request};
pub(crate) use families::{Large, Small};
pub(crate) use pki::{Identity, Pki, self_signed_client};
pub(crate) use site::{Site, TLS};

/// Longer than anything here should take.
pub(crate) const LONG: Duration = Duration::from_secs(20);

/// Shows the families it was given, and remembers how it was asked.
pub(crate) struct Source {
    families: Arc<dyn Families>,
    pub(crate) delay: Duration,
    pub(crate) is_shared: bool,
    pub(crate) asked: Mutex<Vec<Duration>>,
    served: Arc<AtomicUsize>,
}

impl Source {
    pub(crate) fn new(families: impl Families + 'static) -> Self {
        Self {
            families: Arc::new(families),
            delay: Duration::ZERO,
            is_shared: false,
            asked: Mutex::default(),
            served: Arc::default(),
        }
    }

    pub(crate) fn served(&self) -> usize {
        self.served.load(Ordering::SeqCst)
    }
}

impl Gather for Source {
    fn is_shared(&self) -> bool {
        self.is_shared
    }

    fn gather(&self, ask: Ask) -> GatherFuture<'_> {
        self.asked.lock().unwrap().push(ask.deadline - Instant::now());
        Box::pin(async {
            tokio::time::sleep(self.delay).await;
            let count = Arc::clone(&self.served);
            Gathered {
                families: Arc::clone(&self.families),
                served: Some(Box::new(move || {
                    count.fetch_add(1, Ordering::SeqCst);
                })),
            }
        })
    }
}

/// A configuration for tests: any port, limits that bite soon.
pub(crate) fn config() -> Config {
    Config {
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        timeouts: Timeouts { watch: Duration::from_millis(20), ..Timeouts::default() },
        landing: Landing {
            name: "test_exporter".to_owned(),
            description: "Tests <things>.".to_owned(),
            version: "1.2.3".to_owned(),
            links: vec![("https://example.org/?a&b".to_owned(), "Home".to_owned())],
        },
        ..Config::default()
    }
}

/// Hooks that only gather.
pub(crate) fn hooks(source: &Arc<Source>) -> Hooks {
    Hooks {
        gather: Arc::clone(source) as Arc<dyn Gather>,
        probe: None,
        reload: None,
        ready: Arc::new(AtomicBool::new(true)),
        quit: CancellationToken::new(),
    }
}

/// A server at work. It ends with the runtime of its test.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) shutdown: CancellationToken,
    pub(crate) ended: JoinHandle<()>,
}

pub(crate) async fn start(config: Config, hooks: Hooks) -> Running {
    let server = Server::bind(config, hooks).await.expect("bind");
    let address = server.addresses()[0];
    let shutdown = CancellationToken::new();
    let ended = tokio::spawn(server.run(shutdown.clone()));
    Running { address, shutdown, ended }
}

/// A server with the small families and nothing special.
pub(crate) async fn plain() -> Running {
    start(config(), hooks(&Arc::new(Source::new(Small)))).await
}

/// Waits until `condition` holds, for as long as a test may take.
pub(crate) async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + LONG;
    while !condition().await {
        assert!(Instant::now() < end, "never happened: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
