//! A canned backend, over HTTP/1.1 and HTTP/2, for tests.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Response, body::Incoming, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use outgoing::{Credentials, Target, Tls};
use tokio::net::TcpListener;

/// Longer than any test takes.
pub(crate) const LONG: Duration = Duration::from_secs(20);

/// What the backend was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// What it answers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reply {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
    trailers: HeaderMap,
    is_silent: bool,
    echoes: bool,
}

impl Reply {
    pub(crate) fn new(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    /// Never answers.
    pub(crate) fn silence() -> Self {
        Self { is_silent: true, ..Self::new(200) }
    }

    /// Repeats every header of the request in the body, and as the message of gRPC.
    pub(crate) fn echo(mut self) -> Self {
        self.echoes = true;
        self
    }

    fn with_echo(mut self, asked: &HeaderMap) -> Self {
        let lines = asked.iter().map(|(name, value)| format!("{name}={}", value.to_str().unwrap()));
        let lines = lines.filter(|line| line.contains("s3cret") || line.starts_with("auth"));
        let text = lines.collect::<Vec<_>>().join(" ");
        self.body = text.clone().into();
        let encoded =
            percent_encoding::utf8_percent_encode(&text, percent_encoding::NON_ALPHANUMERIC);
        self.header("grpc-message", &encoded.to_string())
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        self
    }

    pub(crate) fn trailer(mut self, name: &'static str, value: &str) -> Self {
        self.trailers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }
}

/// A backend that answers one request after the other with these, the last of them again and
/// again. It lives as long as the test's runtime.
pub(crate) struct Backend {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Backend {
    pub(crate) async fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let replies: Arc<[Reply]> = replies.into_iter().collect();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = asked.clone();
        tokio::spawn(async move {
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                let (replies, heard) = (replies.clone(), heard.clone());
                let service = service_fn(move |request| {
                    let (replies, heard) = (replies.clone(), heard.clone());
                    async move { Ok::<_, Infallible>(answer(request, &replies, &heard).await) }
                });
                tokio::spawn(async move {
                    let server = auto::Builder::new(TokioExecutor::new());
                    let _ = server.serve_connection(TokioIo::new(connection), service).await;
                });
            }
        });
        Self { address, asked }
    }

    /// What it was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// It as a target.
    pub(crate) fn target(&self, path: &str, tls_flags: &'static str) -> Target {
        target(&format!("http://{}{path}", self.address), tls_flags)
    }
}

/// A target of which nothing but its address is said.
pub(crate) fn target(url: &str, tls_flags: &'static str) -> Target {
    Target {
        url: url.parse().unwrap(),
        credentials: Credentials::None,
        headers: Vec::new(),
        tls: Tls::default(),
        tls_flags,
    }
}

async fn answer(
    request: Request<Incoming>,
    replies: &[Reply],
    heard: &Mutex<Vec<Asked>>,
) -> Response<impl hyper::body::Body<Data = Bytes, Error = Infallible> + use<>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let reply = {
        let mut heard = heard.lock().unwrap();
        let reply = replies[heard.len().min(replies.len() - 1)].clone();
        let reply = if reply.echoes { reply.with_echo(&parts.headers) } else { reply };
        heard.push(Asked {
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            headers: parts.headers,
            body,
        });
        reply
    };
    if reply.is_silent {
        std::future::pending::<()>().await;
    }
    let trailers = (!reply.trailers.is_empty()).then_some(Ok(reply.trailers));
    let mut response = Response::new(Full::new(reply.body).with_trailers(async { trailers }));
    *response.status_mut() = reply.status.try_into().unwrap();
    *response.headers_mut() = reply.headers;
    response
}
