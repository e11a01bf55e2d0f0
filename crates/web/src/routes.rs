//! Which path leads where. The table stands in the crate's documentation.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::uri::PathAndQuery;
use axum::http::{Method, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{any, get};
use exposition::Options;
use tokio_util::sync::CancellationToken;

use crate::admission::Admission;
use crate::config::ReloadHook;
use crate::connection_table::ConnectionTable;
use crate::webconfig::Vigil;
use crate::{Config, Error, Gather, Hooks, Landing, Lifecycle, Probe, landing, lifecycle, scrape};

/// Paths that are never the telemetry path.
const RESERVED: [&str; 6] =
    ["/-/healthy", "/-/ready", "/-/reload", "/healthz", "/quitquitquit", "/probe"];

/// What the handlers know.
pub(crate) struct App {
    pub(crate) gather: Arc<dyn Gather>,
    pub(crate) probe: Option<Arc<dyn Probe>>,
    pub(crate) admission: Arc<Admission>,
    pub(crate) options: Options,
    pub(crate) scrape_timeout: Duration,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) reload: Option<ReloadHook>,
    pub(crate) vigil: Arc<Vigil>,
    pub(crate) quit: CancellationToken,
    /// Whether a refusal to reload or quit has been logged.
    pub(crate) refused: AtomicBool,
    ready: Arc<AtomicBool>,
    landing: Landing,
    page: String,
}

/// Builds the router.
pub(crate) fn router(
    config: &Config,
    hooks: Hooks,
    vigil: Arc<Vigil>,
    table: &Arc<ConnectionTable>,
) -> Result<Router, Error> {
    let path = config.telemetry_path.as_str();
    check_telemetry_path(path)?;
    let has_probe = hooks.probe.is_some();
    let app = App {
        gather: hooks.gather,
        probe: hooks.probe,
        admission: Admission::new(config.max_requests, Arc::clone(table)),
        options: Options { created: config.created },
        scrape_timeout: config.scrape_timeout,
        lifecycle: config.lifecycle,
        reload: hooks.reload,
        vigil,
        quit: hooks.quit,
        refused: AtomicBool::new(false),
        ready: hooks.ready,
        landing: config.landing.clone(),
        page: landing::page(&config.landing, path, has_probe),
    };
    let app = Arc::new(app);
    // Where captures are written with braces, a colon and an asterisk are letters like others.
    let mut router = Router::new()
        .without_v07_checks()
        .route(path, get(scrape::metrics))
        .route("/-/healthy", get(healthy))
        .route("/healthz", get(healthy))
        .route("/-/ready", get(ready));
    if config.lifecycle != Lifecycle::Nobody {
        let lifecycle = Router::new()
            .route("/-/reload", any(lifecycle::reload))
            .route("/quitquitquit", any(lifecycle::quit))
            .route_layer(from_fn_with_state(Arc::clone(&app), lifecycle::guard));
        router = router.merge(lifecycle);
    }
    if has_probe {
        router = router.route("/probe", get(scrape::probe));
    }
    if path != "/" {
        router = router.route("/", get(page));
    }
    Ok(router
        .fallback(|| async { (StatusCode::NOT_FOUND, "not found\n") })
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(app))
}

fn check_telemetry_path(path: &str) -> Result<(), Error> {
    let fail = |why| Err(Error::TelemetryPath { path: path.to_owned(), why });
    if !path.starts_with('/') {
        return fail("does not begin with a slash: give one such as /metrics");
    }
    if RESERVED.contains(&path) {
        return fail("is a route of the server itself: choose another, such as /metrics");
    }
    // Braces are legal in a path, but stand for captures in a route.
    let is_plain = !path.contains(['?', '#', '{', '}']);
    if !is_plain || path.parse::<PathAndQuery>().is_err() {
        return fail("has characters that no path has: give one such as /metrics");
    }
    Ok(())
}

async fn page(State(app): State<Arc<App>>) -> Html<String> {
    Html(app.page.clone())
}

async fn healthy(State(app): State<Arc<App>>) -> String {
    format!("{} is healthy.\n", app.landing.name)
}

async fn ready(State(app): State<Arc<App>>) -> Response {
    let name = &app.landing.name;
    if app.ready.load(Ordering::Acquire) {
        format!("{name} is ready.\n").into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, format!("{name} is not ready.\n")).into_response()
    }
}

async fn method_not_allowed(method: Method) -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, format!("{method} is not allowed here\n")).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_telemetry_path_that_cannot_be_is_refused() {
        for bad in ["", "metrics", "/-/ready", "/probe", "/a b", "/a?b", "/{x}", "/a#b", "/é\n"] {
            let error = check_telemetry_path(bad).expect_err(bad).to_string();
            assert!(error.contains("--web.telemetry-path"), "{error}");
        }
    }

    struct Nobody;

    impl Gather for Nobody {
        fn gather(&self, _ask: crate::Ask) -> crate::GatherFuture<'_> {
            Box::pin(std::future::pending())
        }
    }

    #[test]
    fn a_telemetry_path_with_a_colon_is_a_route_like_any_other() {
        for good in ["/", "/metrics", "/a/b-c", "/federate.txt", "/:id", "/*", "/a/*b", "/:a/:b"] {
            let hooks = Hooks {
                gather: Arc::new(Nobody),
                probe: None,
                reload: None,
                ready: Arc::default(),
                quit: CancellationToken::new(),
            };
            let config = Config { telemetry_path: good.to_owned(), ..Config::default() };
            let (vigil, table) = (Vigil::new(None).unwrap(), ConnectionTable::new(1));
            assert!(router(&config, hooks, vigil, &table).is_ok(), "{good}");
        }
    }
}
