//! Listening, tasks, stopping.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use inherited::Noted;
use listenfd::ListenFd;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::connection::{self, Shared};
use crate::connection_table::ConnectionTable;
use crate::guard::Guard;
use crate::webconfig::Vigil;
use crate::{Config, Error, Hooks, open_files_limit, routes};

/// The pause after a failed accept, lest the loop spins.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// A server that listens, and serves once it is [run](Server::run).
pub struct Server {
    listeners: Vec<Noted<TcpListener>>,
    addresses: Vec<SocketAddr>,
    shared: Arc<Shared>,
    table: Arc<ConnectionTable>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

impl Server {
    /// Reads the web configuration file and binds every address. Clients may connect from now on,
    /// but are not answered before [`Server::run`].
    ///
    /// # Errors
    ///
    /// [`Error`] names the address, the file or the value, and what to do.
    pub async fn bind(config: Config, hooks: Hooks) -> Result<Self, Error> {
        let path = config.config_file.clone();
        let vigil = tokio::task::spawn_blocking(move || Vigil::new(path)).await??;
        let table = ConnectionTable::new(connection_limit(&config, open_files_limit()));
        let router = routes::router(&config, hooks, Arc::clone(&vigil), &table)?;
        let listeners = if config.systemd_socket {
            from_systemd(&mut ListenFd::from_env())?
        } else {
            bind_all(&config).await?
        };
        let mut addresses = Vec::with_capacity(listeners.len());
        for listener in &listeners {
            let unknown = |cause| Error::Listen { address: "a socket".to_owned(), cause };
            addresses.push(listener.inner.local_addr().map_err(unknown)?);
        }
        let shared = Arc::new(Shared {
            guard: Guard::new(router, Arc::clone(&vigil)),
            vigil,
            timeouts: config.timeouts,
            shutdown: CancellationToken::new(),
        });
        Ok(Self { listeners, addresses, shared, table })
    }

    /// The addresses listened on, with the ports that the system chose.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Serves until `shutdown` is cancelled. Then new connections are refused, and requests in
    /// flight have [`Timeouts::shutdown`](crate::Timeouts::shutdown) to end.
    pub async fn run(self, shutdown: CancellationToken) {
        let connections = TaskTracker::new();
        let abandon = CancellationToken::new();
        let mut tasks = JoinSet::new();
        for listener in self.listeners {
            let acceptor = Acceptor {
                listener,
                shared: Arc::clone(&self.shared),
                table: Arc::clone(&self.table),
                connections: connections.clone(),
                abandon: abandon.clone(),
            };
            tasks.spawn(acceptor.run());
        }
        let tls = self.shared.vigil.current().tls.is_some();
        for address in &self.addresses {
            tracing::info!(%address, tls, "listening");
        }
        let vigil = Arc::clone(&self.shared.vigil);
        tasks.spawn(vigil.watch(self.shared.timeouts.watch));
        shutdown.cancelled().await;
        // Aborting drops the listeners: who comes now is refused by the system.
        tasks.shutdown().await;
        self.shared.shutdown.cancel();
        connections.close();
        let grace = self.shared.timeouts.shutdown;
        if tokio::time::timeout(grace, connections.wait()).await.is_err() {
            tracing::warn!(open = connections.len(), ?grace, "connections cut at shutdown");
            abandon.cancel();
            connections.wait().await;
        }
    }
}

/// The most connections: what the configuration says, or fewer where the process may not open so
/// many files beside those that its owner needs.
fn connection_limit(config: &Config, open_files: Option<usize>) -> usize {
    let room = open_files
        .map_or(usize::MAX, |files| files.saturating_sub(config.reserved_files).max(files / 4));
    config.max_connections.min(room)
}

async fn bind_all(config: &Config) -> Result<Vec<Noted<TcpListener>>, Error> {
    if config.listen.is_empty() {
        return Err(Error::NoAddress);
    }
    let mut listeners = Vec::with_capacity(config.listen.len());
    for listen in &config.listen {
        listeners.push(Noted::new(listen.bind().await?));
    }
    Ok(listeners)
}

/// The sockets that systemd handed over.
fn from_systemd(fds: &mut ListenFd) -> Result<Vec<Noted<TcpListener>>, Error> {
    let mut listeners = Vec::with_capacity(fds.len());
    for index in 0..fds.len() {
        let unusable = |error: io::Error| {
            Error::Systemd(format!(
                "socket {index} is not a TCP socket ({error}): give ListenStream= a port"
            ))
        };
        let Some(listener) = fds.take_tcp_listener(index).map_err(unusable)? else { continue };
        listener.set_nonblocking(true).map_err(unusable)?;
        listeners.push(Noted::new(TcpListener::from_std(listener).map_err(unusable)?));
    }
    if listeners.is_empty() {
        return Err(Error::Systemd(
            "systemd handed over no socket: start the program by its .socket unit, or leave the \
             flag away and give --web.listen-address"
                .to_owned(),
        ));
    }
    Ok(listeners)
}

/// Accepts on one listener.
struct Acceptor {
    listener: Noted<TcpListener>,
    shared: Arc<Shared>,
    table: Arc<ConnectionTable>,
    connections: TaskTracker,
    abandon: CancellationToken,
}

impl Acceptor {
    async fn run(self) {
        let mut told = false;
        loop {
            match self.listener.inner.accept().await {
                Ok((stream, peer)) => {
                    told = false;
                    let Some(guard) = self.table.add(peer.into()) else {
                        tracing::debug!(%peer, "connection refused: too many of this peer");
                        continue;
                    };
                    let shared = Arc::clone(&self.shared);
                    let abandon = self.abandon.clone();
                    self.connections.spawn(async move {
                        abandon
                            .run_until_cancelled(connection::serve(shared, stream, peer, guard))
                            .await;
                    });
                }
                // The client has gone before it was accepted.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    if !std::mem::replace(&mut told, true) {
                        tracing::warn!(%error, "cannot accept a connection; closing an idle one");
                    }
                    // Most likely there are too many open files.
                    self.table.close_one();
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_the_files_that_the_owner_needs() {
        let config = Config { max_connections: 1000, reserved_files: 300, ..Config::default() };
        let limits = [None, Some(100_000), Some(1024), Some(310)];
        assert_eq!(limits.map(|files| connection_limit(&config, files)), [1000, 1000, 724, 77]);
    }

    #[test]
    fn without_sockets_from_systemd_the_flag_is_an_error() {
        let error = from_systemd(&mut ListenFd::empty()).expect_err("none").to_string();
        assert!(error.contains("--web.systemd-socket") && error.contains(".socket"), "{error}");
    }
}
