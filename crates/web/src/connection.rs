//! One connection, from accept to close.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::Timeouts;
use crate::activity::{Activity, Verdict};
use crate::connection_table::ConnectionGuard;
use crate::guard::{Guard, MAX_HEAD};
use crate::io::Watched;
use crate::tls;
use crate::webconfig::Vigil;

/// What a connection holds in a buffer, about.
const BUFFER: usize = MAX_HEAD;

/// A list of headers in HTTP/2 at most: each counts 32 bytes more than in HTTP/1 (RFC 9113).
const MAX_HEADER_LIST: u32 = 64 * 1024;

/// Requests of one HTTP/2 connection in flight.
const MAX_STREAMS: u32 = 32;

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) guard: Guard,
    pub(crate) vigil: Arc<Vigil>,
    pub(crate) timeouts: Timeouts,
    /// Cancelled when connections shall end after the request in flight.
    pub(crate) shutdown: CancellationToken,
}

/// Serves one connection until it ends.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    stream: TcpStream,
    peer: SocketAddr,
    guard: ConnectionGuard,
) {
    // A socket that cannot do this is no worse than slow.
    let _ = stream.set_nodelay(true);
    // First the subscription, then the configuration: no change falls between the two.
    let changed = shared.vigil.subscribe();
    let active = shared.vigil.current();
    let talk = Talk { shared: &shared, peer, guard: &guard, changed };
    let mut io = Watched::new(stream);
    let Some(tls) = &active.tls else {
        let activity = talk.begin(false);
        io.watch(Arc::clone(&activity));
        return talk.run(io, &activity).await;
    };
    let handshake = tls::accept(Arc::clone(tls), io, peer);
    let accepted = tokio::select! {
        accepted = tokio::time::timeout(shared.timeouts.handshake, handshake) => accepted,
        () = shared.shutdown.cancelled() => return,
        () = guard.close().cancelled() => return,
    };
    match accepted {
        Ok(Some(mut io)) => {
            let is_http2 = io.get_ref().1.alpn_protocol() == Some(b"h2");
            let activity = talk.begin(is_http2);
            io.get_mut().0.watch(Arc::clone(&activity));
            talk.run(io, &activity).await;
        }
        Ok(None) => {}
        Err(_) => tracing::debug!(%peer, "the TLS handshake takes too long"),
    }
}

/// Serves a connection that has no socket.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) async fn serve_stream(
    shared: &Shared,
    io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    guard: &ConnectionGuard,
    is_http2: bool,
) {
    let talk = Talk { shared, peer, guard, changed: shared.vigil.subscribe() };
    let activity = talk.begin(is_http2);
    talk.run(io, &activity).await;
}

/// A connection that speaks HTTP.
struct Talk<'a> {
    shared: &'a Shared,
    peer: SocketAddr,
    guard: &'a ConnectionGuard,
    changed: watch::Receiver<()>,
}

impl Talk<'_> {
    fn begin(&self, is_http2: bool) -> Arc<Activity> {
        let clock = Arc::clone(self.guard.clock());
        let activity = Activity::new(self.shared.timeouts, is_http2, clock);
        self.guard.watch(&activity);
        activity
    }

    async fn run(
        mut self,
        io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        activity: &Arc<Activity>,
    ) {
        let peer = self.peer;
        let service = service_fn({
            let activity = Arc::clone(activity);
            let guard = self.shared.guard.clone();
            move |request| guard.clone().call(peer, Arc::clone(&activity), request)
        });
        let builder = builder(activity.is_multiplexed());
        let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(io), service));
        let mut closing = false;
        let mut deadline = Instant::now();
        loop {
            tokio::select! {
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(%peer, error, "connection failed");
                    }
                    return;
                }
                () = self.shared.shutdown.cancelled(), if !closing => {
                    closing = true;
                    connection.as_mut().graceful_shutdown();
                }
                // What was agreed with the client may not hold under the new configuration.
                Ok(()) = self.changed.changed(), if !closing => {
                    closing = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = self.guard.close().cancelled() => {
                    tracing::debug!(%peer, "connection closed to make room");
                    return;
                }
                () = tokio::time::sleep_until(deadline.into()) => {
                    match activity.verdict(Instant::now()) {
                        Verdict::Until(next) => deadline = next,
                        Verdict::Close(reason) => {
                            tracing::debug!(%peer, reason, "connection closed");
                            return;
                        }
                    }
                }
            }
        }
    }
}

/// HTTP as this server speaks it. Timeouts are the [`Activity`]'s business.
fn builder(http2: bool) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_buf_size(BUFFER)
        .half_close(false);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEADER_LIST)
        .max_send_buf_size(BUFFER);
    if http2 { builder.http2_only() } else { builder.http1_only() }
}
