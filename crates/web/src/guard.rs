//! What every request passes before it reaches its route.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use tower::ServiceExt;

use crate::activity::Activity;
use crate::lifecycle::Peer;
use crate::webconfig::{Active, Admission, Vigil};

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
        let mut response = match refusal(&active, request.headers()).await {
            Some(refusal) => refusal,
            None => self.router.oneshot(request).await?,
        };
        for (name, value) in &active.headers {
            response.headers_mut().insert(name, value.clone());
        }
        Ok(response)
    }
}

/// The answer to a request that comes too soon, or from nobody known.
async fn refusal(active: &Active, headers: &HeaderMap) -> Option<Response> {
    if active.rate.as_ref().is_some_and(|rate| !rate.admits()) {
        let text = "too many requests: rate_limit of the web configuration file\n";
        return Some((StatusCode::TOO_MANY_REQUESTS, text).into_response());
    }
    let users = active.users.as_ref()?;
    match users.admit(headers.get(AUTHORIZATION)).await {
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
