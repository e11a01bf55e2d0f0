//! What the server's owner decides.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{Gather, Listen, Probe};

/// How the server behaves.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen. Not used with [`Config::systemd_socket`].
    pub listen: Vec<Listen>,
    /// Take the listening sockets from systemd.
    pub systemd_socket: bool,
    /// The web configuration file: TLS, basic authentication, headers, rate limit.
    pub config_file: Option<PathBuf>,
    /// The path of the metrics.
    pub telemetry_path: String,
    /// Scrapes that are gathered at the same time, where those that wait for the same fetch count as
    /// one; likewise probes; and answers that are sent at the same time. Others wait, and are
    /// answered with 503 if their time is over. A peer has at most as many as are left to others. 0
    /// means no limit.
    pub max_requests: usize,
    /// Who may reload and quit.
    pub lifecycle: Lifecycle,
    /// How long a client may take.
    pub timeouts: Timeouts,
    /// Connections at most. For one more, the peer that has the most loses the one that has been
    /// idle longest. Lowered to what the process's limit of open files has room for.
    pub max_connections: usize,
    /// Open files that are left for what is not a connection to the server.
    pub reserved_files: usize,
    /// The longest a scrape may take, whatever the scraper would wait. Not for probes.
    pub scrape_timeout: Duration,
    /// Write `_created` samples in OpenMetrics.
    pub created: bool,
    /// What the landing page says.
    pub landing: Landing,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: Vec::new(),
            systemd_socket: false,
            config_file: None,
            telemetry_path: "/metrics".to_owned(),
            max_requests: 40,
            lifecycle: Lifecycle::default(),
            timeouts: Timeouts::default(),
            max_connections: 1024,
            reserved_files: 64,
            scrape_timeout: Duration::from_secs(10),
            created: false,
            landing: Landing::default(),
        }
    }
}

/// Who may call `/-/reload` and `/quitquitquit`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lifecycle {
    /// Peers on a loopback address that ask for a loopback name or address. Forwarded headers count
    /// for nothing.
    #[default]
    LoopbackPeer,
    /// Everybody (who passes basic authentication, if that is on).
    AnyPeer,
    /// Nobody: there are no such routes.
    Nobody,
}

/// How long a client may take before its connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For the TLS handshake.
    pub handshake: Duration,
    /// From the first byte of a request to the end of its headers.
    pub header: Duration,
    /// To take what is ready to be sent: at most 1 MiB of body, or what the socket's buffer holds.
    pub write: Duration,
    /// Between requests.
    pub idle: Duration,
    /// For requests in flight when the server is told to stop.
    pub shutdown: Duration,
    /// Between two looks at the web configuration file and the files it names.
    pub watch: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            header: Duration::from_secs(10),
            write: Duration::from_secs(30),
            idle: Duration::from_mins(5),
            shutdown: Duration::from_secs(8),
            watch: Duration::from_millis(500),
        }
    }
}

/// What the landing page and the health answers say.
#[derive(Clone, Debug, Default)]
pub struct Landing {
    /// The program's name.
    pub name: String,
    /// What it does, in a sentence.
    pub description: String,
    /// Its version.
    pub version: String,
    /// Address and text of further links. The server's own routes are added.
    pub links: Vec<(String, String)>,
}

/// What the server calls.
#[derive(Clone)]
pub struct Hooks {
    /// Gives the metrics.
    pub gather: Arc<dyn Gather>,
    /// Answers probes; without it there is no `/probe`.
    pub probe: Option<Arc<dyn Probe>>,
    /// Rereads whatever the owner can reread; an error is shown to the caller of `/-/reload`.
    /// Called on a thread that may block.
    pub reload: Option<ReloadHook>,
    /// What `/-/ready` says.
    pub ready: Arc<AtomicBool>,
    /// Cancelled by `/quitquitquit`.
    pub quit: CancellationToken,
}

/// Rereads the owner's configuration.
pub type ReloadHook = Arc<dyn Fn() -> Result<(), String> + Send + Sync>;

impl std::fmt::Debug for Hooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hooks")
            .field("probe", &self.probe.is_some())
            .field("reload", &self.reload.is_some())
            .field("ready", &self.ready)
            .finish_non_exhaustive()
    }
}
