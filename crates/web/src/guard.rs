//! What every request passes before it reaches its route.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, Request, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use tower::ServiceExt;

use crate::activity::Activity;
use crate::lifecycle::Peer;
use crate::webconfig::{Active, Admission, Vigil};

/// The bytes of a request's head at most; a longer one is answered with 431. The connection's buffers
/// stop a longer one that does not end, but may take one that arrives at once.
pub(crate) const MAX_HEAD: usize = 32 * 1024;

/// Answers the requests of all connections: first the rate limit, then basic authentication, then
/// the route.
#[derive(Clone)]
pub(crate) struct Guard {
    router: Router,
    vigil: Arc<Vigil>,
}

impl Guard {
    pub(crate) fn new(router: Router, vigil: Arc<Vigil>) -> Self {
        Self { router, vigil }
    }

    /// Answers one request.
    pub(crate) async fn call(
        self,
        peer: SocketAddr,
        activity: Arc<Activity>,
        request: Request<Incoming>,
    ) -> Result<Response, Infallible> {
        let in_flight = Arc::new(activity.request());
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer));
        request.extensions_mut().insert(Arc::clone(&in_flight));
        tracing::debug!(%peer, method = %request.method(), path = request.uri().path(), "request");
        let active = self.vigil.current();
        let refusal = if head_size(&request) > MAX_HEAD {
            Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE.into_response())
        } else {
            refusal(&active, peer, request.headers()).await
        };
        let mut response = match refusal {
            Some(refusal) => refusal,
            None => self.router.oneshot(request).await?,
        };
        for (name, value) in &active.headers {
            response.headers_mut().insert(name, value.clone());
        }
        Ok(response)
    }
}

/// The bytes of a request's head, as HTTP/1 writes it.
fn head_size(request: &Request<Body>) -> usize {
    // "GET ", " HTTP/1.1" and the ends of the first and the last line.
    let line = request.method().as_str().len() + uri_size(request.uri()) + 14;
    // ": " and the end of the line.
    let fields =
        request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    line + fields.sum::<usize>()
}

fn uri_size(uri: &Uri) -> usize {
    let scheme = uri.scheme_str().map_or(0, |scheme| scheme.len() + "://".len());
    let authority = uri.authority().map_or(0, |authority| authority.as_str().len());
    scheme + authority + uri.path_and_query().map_or(0, |path| path.as_str().len())
}

/// The answer to a request that comes too soon, or from nobody known.
async fn refusal(active: &Active, peer: SocketAddr, headers: &HeaderMap) -> Option<Response> {
    if active.rate.as_ref().is_some_and(|rate| !rate.admits(peer.into())) {
        let text = "too many requests: rate_limit of the web configuration file\n";
        return Some((StatusCode::TOO_MANY_REQUESTS, text).into_response());
    }
    let users = active.users.as_ref()?;
    match users.admit(peer.into(), headers.get(AUTHORIZATION)).await {
        Admission::Admitted => None,
        Admission::Refused => {
            let challenge = [(WWW_AUTHENTICATE, "Basic realm=\"exporter\"")];
            Some((StatusCode::UNAUTHORIZED, challenge, "unauthorized\n").into_response())
        }
        Admission::Busy => {
            let later = [(RETRY_AFTER, "1")];
            let text = "too many passwords are being checked; try later\n";
            Some((StatusCode::SERVICE_UNAVAILABLE, later, text).into_response())
        }
    }
}
