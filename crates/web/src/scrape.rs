//! `/metrics` and `/probe`: gather, negotiate, hand over.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::activity::InFlight;
use crate::deadline::allowance;
use crate::negotiated::Negotiated;
use crate::routes::App;
use crate::stream::{Exposition, Parts};
use crate::{Ask, Gathered, ProbeError, ProbeTarget};

/// The longest a probe may take where the scraper does not say: [`crate::Probe`] knows how long its
/// target may take, and that is shorter.
const PROBE_CAP: Duration = Duration::from_hours(24);

type Pairs = Query<Vec<(String, String)>>;

/// Bounds the scrapes in flight.
#[derive(Clone, Debug)]
pub(crate) struct Limit {
    most: usize,
    free: Arc<Semaphore>,
}

impl Limit {
    /// At most that many; 0 means no limit.
    pub(crate) fn new(most: usize) -> Self {
        Self { most, free: Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS))) }
    }

    fn admit(&self) -> Result<Option<OwnedSemaphorePermit>, Refusal> {
        if self.most == 0 {
            return Ok(None);
        }
        Arc::clone(&self.free).try_acquire_owned().map(Some).map_err(|_| Refusal::Busy(self.most))
    }
}

/// Why a scrape or probe is not answered with families.
enum Refusal {
    Busy(usize),
    Query(&'static str),
    Probe(ProbeError),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Busy(most) => {
                let text = format!(
                    "{most} scrapes are in flight, the most that may be (web.max-requests); try later\n"
                );
                (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
            }
            Self::Query(text) => (StatusCode::BAD_REQUEST, format!("{text}\n")).into_response(),
            Self::Probe(error) => {
                let status = match error {
                    ProbeError::BadRequest(_) => StatusCode::BAD_REQUEST,
                    ProbeError::Forbidden(_) => StatusCode::FORBIDDEN,
                };
                (status, format!("{error}\n")).into_response()
            }
        }
    }
}

/// Answers `/metrics`.
pub(crate) async fn metrics(
    State(app): State<Arc<App>>,
    Query(query): Pairs,
    request: Request,
) -> Response {
    let permit = match app.limit.admit() {
        Ok(permit) => permit,
        Err(refusal) => return refusal.into_response(),
    };
    let negotiated = Negotiated::new(request.headers());
    let ask = ask(request.headers(), app.scrape_timeout, negotiated);
    let gathered = app.gather.gather(ask).await;
    answer(&app, &request, &query, negotiated, gathered, permit)
}

/// Answers `/probe`.
pub(crate) async fn probe(
    State(app): State<Arc<App>>,
    Query(query): Pairs,
    request: Request,
) -> Response {
    let Some(probe) = &app.probe else { return StatusCode::NOT_FOUND.into_response() };
    let target = match target(&query) {
        Ok(target) => target,
        Err(refusal) => return refusal.into_response(),
    };
    let permit = match app.limit.admit() {
        Ok(permit) => permit,
        Err(refusal) => return refusal.into_response(),
    };
    let negotiated = Negotiated::new(request.headers());
    match probe.probe(target, ask(request.headers(), PROBE_CAP, negotiated)).await {
        Ok(families) => {
            let gathered = Gathered { families, served: None };
            answer(&app, &request, &query, negotiated, gathered, permit)
        }
        Err(error) => Refusal::Probe(error).into_response(),
    }
}

fn ask(headers: &HeaderMap, cap: Duration, negotiated: Negotiated) -> Ask {
    let deadline = Instant::now() + allowance(headers, cap);
    Ask { deadline, native: negotiated.is_native() }
}

/// What the query of a probe names.
fn target(query: &[(String, String)]) -> Result<ProbeTarget, Refusal> {
    let target = only(query, "target", "target is given twice: probe one target at a time")?;
    let module = only(query, "module", "module is given twice: choose one")?;
    let Some(target) = target.filter(|target| !target.is_empty()) else {
        return Err(Refusal::Query("target is missing: ask for /probe?target=…"));
    };
    Ok(ProbeTarget { target, module: module.filter(|module| !module.is_empty()) })
}

fn only(
    query: &[(String, String)],
    name: &str,
    twice: &'static str,
) -> Result<Option<String>, Refusal> {
    let mut values = query.iter().filter(|(key, _)| key == name).map(|(_, value)| value);
    let value = values.next().cloned();
    if values.next().is_some() { Err(Refusal::Query(twice)) } else { Ok(value) }
}

fn answer(
    app: &App,
    request: &Request,
    query: &[(String, String)],
    mut negotiated: Negotiated,
    gathered: Gathered,
    permit: Option<OwnedSemaphorePermit>,
) -> Response {
    let names = query.iter().filter(|(key, _)| key == "name[]").map(|(_, name)| name.clone());
    let names: Vec<String> = names.collect();
    let Gathered { families, served } = gathered;
    // HEAD is answered as GET would be, but nobody has been served; nor whole, with a choice.
    let served = served.filter(|_| request.method() == Method::GET && names.is_empty());
    let (encoder, compressor) = negotiated.writers(app.options);
    let parts = Parts::new(families, names, encoder, compressor);
    let in_flight = request.extensions().get::<Arc<InFlight>>().cloned();
    let body = match Exposition::new(parts, served, permit, in_flight) {
        Ok(body) => body,
        Err(error) => {
            tracing::error!(%error, "no answer");
            let text = format!("{error}\n");
            return (StatusCode::INTERNAL_SERVER_ERROR, text).into_response();
        }
    };
    let mut response = Response::new(Body::new(body));
    negotiated.announce(response.headers_mut());
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn a_probe_names_one_target_and_at_most_one_module() {
        let wanted = target(&pairs(&[("module", "m"), ("target", "t")])).ok().unwrap();
        assert_eq!(wanted, ProbeTarget { target: "t".into(), module: Some("m".into()) });
        for bad in [
            pairs(&[]),
            pairs(&[("target", "")]),
            pairs(&[("target", "a"), ("target", "a")]),
            pairs(&[("target", "a"), ("module", "b"), ("module", "c")]),
        ] {
            assert!(target(&bad).is_err(), "{bad:?}");
        }
    }
}
