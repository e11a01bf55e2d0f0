//! `/metrics` and `/probe`: gather, negotiate, hand over.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Extension;
use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::activity::InFlight;
use crate::admission::{Busy, Fetch};
use crate::deadline::allowance;
use crate::lifecycle::Peer;
use crate::negotiated::Negotiated;
use crate::peer::PeerId;
use crate::places::Place;
use crate::routes::App;
use crate::stream::{Exposition, Parts};
use crate::{Ask, Gathered, ProbeError, ProbeTarget};

/// The longest a probe may take where the scraper does not say: [`crate::Probe`] knows how long its
/// target may take, and that is shorter.
const PROBE_CAP: Duration = Duration::from_hours(24);

/// How long an answer that is ready waits for a place to be sent from. A scraper that does not wait
/// so long hangs up, and leaves its turn to others.
const SEND_PATIENCE: Duration = Duration::from_secs(30);

type Pairs = Query<Vec<(String, String)>>;

/// Why a scrape or probe is not answered with families.
enum Refusal {
    Busy,
    Query(&'static str),
    Probe(ProbeError),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Busy => {
                let text = "too many scrapes at the same time (web.max-requests): try later\n";
                (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], text).into_response()
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

impl From<Busy> for Refusal {
    fn from(_: Busy) -> Self {
        Self::Busy
    }
}

/// Answers `/metrics`.
pub(crate) async fn metrics(
    State(app): State<Arc<App>>,
    Query(query): Pairs,
    client: Client,
    request: Request,
) -> Response {
    let scrape = Scrape::new(app, query, client, &request);
    let ask = scrape.ask(request.headers(), scrape.app.scrape_timeout);
    scrape.metrics(ask).await.unwrap_or_else(IntoResponse::into_response)
}

/// Answers `/probe`.
pub(crate) async fn probe(
    State(app): State<Arc<App>>,
    Query(query): Pairs,
    client: Client,
    request: Request,
) -> Response {
    let scrape = Scrape::new(app, query, client, &request);
    let ask = scrape.ask(request.headers(), PROBE_CAP);
    scrape.probe(ask).await.unwrap_or_else(IntoResponse::into_response)
}

/// Who scrapes, and by which request: the guard has noted both.
type Client = (Extension<Peer>, Extension<Arc<InFlight>>);

/// One scrape on its way.
struct Scrape {
    app: Arc<App>,
    query: Vec<(String, String)>,
    peer: PeerId,
    in_flight: Arc<InFlight>,
    negotiated: Negotiated,
    is_get: bool,
}

impl Scrape {
    fn new(
        app: Arc<App>,
        query: Vec<(String, String)>,
        (Extension(peer), Extension(in_flight)): Client,
        request: &Request,
    ) -> Self {
        let negotiated = Negotiated::new(request.headers());
        let is_get = request.method() == Method::GET;
        Self { app, query, peer: peer.id(), in_flight, negotiated, is_get }
    }

    fn ask(&self, headers: &HeaderMap, cap: Duration) -> Ask {
        let deadline = Instant::now() + allowance(headers, cap);
        Ask { deadline, native: self.negotiated.is_native() }
    }

    async fn metrics(self, ask: Ask) -> Result<Response, Refusal> {
        let admission = &self.app.admission;
        let fetch = Fetch::Metrics { shared: self.app.gather.is_shared() };
        let place = admission.gather(fetch, self.peer, self.patience(ask)).await?;
        let gathered = self.app.gather.gather(ask).await;
        self.answer(gathered, place).await
    }

    async fn probe(self, ask: Ask) -> Result<Response, Refusal> {
        let Some(probe) = &self.app.probe else {
            return Ok(StatusCode::NOT_FOUND.into_response());
        };
        let target = target(&self.query)?;
        let (admission, peer) = (&self.app.admission, self.peer);
        let place =
            admission.gather(Fetch::Probe(target.clone()), peer, self.patience(ask)).await?;
        let families = probe.probe(target, ask).await.map_err(Refusal::Probe)?;
        self.answer(Gathered { families, served: None }, place).await
    }

    /// Until when a place is waited for: a probe may have much longer than any scraper waits.
    fn patience(&self, ask: Ask) -> Instant {
        ask.deadline.min(Instant::now() + self.app.scrape_timeout)
    }

    /// Waits for a place to send from, and encodes the answer's first piece.
    async fn answer(self, gathered: Gathered, gathering: Arc<Place>) -> Result<Response, Refusal> {
        let deadline = Instant::now() + SEND_PATIENCE;
        let place = self.app.admission.send(self.peer, deadline).await?;
        drop(gathering);
        Ok(self.encode(gathered, place))
    }

    fn encode(mut self, gathered: Gathered, place: Place) -> Response {
        let names = self.query.iter().filter(|(key, _)| key == "name[]");
        let names: Vec<String> = names.map(|(_, name)| name.clone()).collect();
        let Gathered { families, served } = gathered;
        // HEAD is answered as GET would be, but nobody has been served; nor whole, with a choice.
        let served = served.filter(|_| self.is_get && names.is_empty());
        let (encoder, compressor) = self.negotiated.writers(self.app.options);
        let parts = Parts::new(families, names, encoder, compressor);
        let body = match Exposition::new(parts, served, place, self.in_flight) {
            Ok(body) => body,
            Err(error) => {
                tracing::error!(%error, "no answer");
                let text = format!("{error}\n");
                return (StatusCode::INTERNAL_SERVER_ERROR, text).into_response();
            }
        };
        let mut response = Response::new(Body::new(body));
        self.negotiated.announce(response.headers_mut());
        response
    }
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
