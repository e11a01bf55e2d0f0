//! `/-/reload` and `/quitquitquit`.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::header::ALLOW;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::Lifecycle;
use crate::origin::{Foreign, foreign};
use crate::peer::PeerId;
use crate::routes::App;

/// The address at the other end of the connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

impl Peer {
    /// Whose requests share one limit.
    pub(crate) fn id(self) -> PeerId {
        self.0.into()
    }
}

impl Lifecycle {
    /// Whether this peer may reload and quit. `::ffff:127.0.0.1` is how a loopback peer looks on
    /// a socket that takes both IPv6 and IPv4.
    fn allows(self, peer: IpAddr) -> bool {
        match self {
            Self::AnyPeer => true,
            Self::Nobody => false,
            Self::LoopbackPeer => peer.to_canonical().is_loopback(),
        }
    }
}

/// Refuses a method, a peer, or a page of another site.
fn refusal(app: &App, request: &Request, peer: Peer) -> Option<Response> {
    let method = request.method();
    if method != Method::GET && method != Method::POST {
        let allow = [(ALLOW, "GET,POST")];
        return Some((StatusCode::METHOD_NOT_ALLOWED, allow, "use POST\n").into_response());
    }
    if !app.lifecycle.allows(peer.0.ip()) {
        app.log_refusal(peer, "the peer is not on a loopback address");
        let text =
            "only a peer on a loopback address may do this; --web.enable-lifecycle opens it\n";
        return Some((StatusCode::FORBIDDEN, text).into_response());
    }
    let loopback = app.lifecycle == Lifecycle::LoopbackPeer;
    let foreign = foreign(request.uri(), request.headers(), loopback)?;
    let (reason, text) = match foreign {
        Foreign::Host => (
            "the request is sent to another host than this one",
            "the request is sent to another host than this one: use localhost or 127.0.0.1; \
             --web.enable-lifecycle opens it to all names\n",
        ),
        Foreign::Origin => {
            ("a page of another site sends the request", "a page of another site may not do this\n")
        }
    };
    app.log_refusal(peer, reason);
    Some((StatusCode::FORBIDDEN, text).into_response())
}

/// Stands before both routes.
pub(crate) async fn guard(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    request: Request,
    next: Next,
) -> Response {
    match refusal(&app, &request, peer) {
        Some(response) => response,
        None => next.run(request).await,
    }
}

/// Answers `/quitquitquit`.
pub(crate) async fn quit(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
) -> Response {
    tracing::info!(peer = %peer.0, "asked to quit");
    app.quit.cancel();
    "bye\n".into_response()
}

/// Answers `/-/reload`.
pub(crate) async fn reload(State(app): State<Arc<App>>) -> Response {
    match tokio::task::spawn_blocking(move || app.reload()).await {
        Ok(Ok(())) => "reloaded\n".into_response(),
        Ok(Err(why)) => {
            (StatusCode::INTERNAL_SERVER_ERROR, format!("not reloaded: {why}\n")).into_response()
        }
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "not reloaded: a bug, see the log\n")
            .into_response(),
    }
}

impl App {
    /// Logs the first refusal as a warning: whoever is refused cannot fill the log.
    fn log_refusal(&self, peer: Peer, reason: &str) {
        let message = "refused to reload or quit";
        if self.refused.swap(true, Ordering::Relaxed) {
            tracing::debug!(peer = %peer.0, reason, message);
        } else {
            tracing::warn!(peer = %peer.0, reason, "{message}; later refusals are logged as debug");
        }
    }

    /// Rereads what can be reread. Blocks.
    fn reload(&self) -> Result<(), String> {
        let web = self.vigil.reload().map_err(|error| error.to_string());
        let owner = self.reload.as_ref().map_or(Ok(()), |reload| reload());
        web.and(owner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_loopback_peer_may_end_the_server() {
        for local in ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"] {
            assert!(Lifecycle::LoopbackPeer.allows(local.parse().unwrap()), "{local}");
        }
        for remote in ["10.0.0.1", "0.0.0.0", "192.168.1.5", "::", "fe80::1", "::ffff:10.0.0.1"] {
            assert!(!Lifecycle::LoopbackPeer.allows(remote.parse().unwrap()), "{remote}");
            assert!(Lifecycle::AnyPeer.allows(remote.parse().unwrap()), "{remote}");
        }
    }
}
