//! Asking a route over HTTP.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use outgoing::{
    Cause, ConfigError, PeerText, Raw, Secrets, excerpt, is_broken_body, is_broken_connection,
    shown,
};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HeaderMap, HeaderValue, LOCATION};
use reqwest::{RequestBuilder, Response, StatusCode};
use secrecy::ExposeSecret;
use url::Url;

use crate::Error;
use crate::config::{Auth, Config};
use crate::route::{Kind, Route};
use crate::session::Session;

/// What the options for TLS are called.
const TLS_FLAGS: &str = "--locust.tls";

/// How long is waited before a broken connection is tried once more.
const PAUSE: Duration = Duration::from_millis(50);

/// Bytes of a failure's text that are read.
const FAILURE_BYTES: usize = 4096;

/// A body that outgrows this gets room up to the limit at once. What is never written to costs no
/// memory, while one that doubles again and again leaves holes behind that do.
const LARGE_BODY: usize = 1 << 20;

/// Asks routes over HTTP.
pub(crate) struct Transport {
    http: reqwest::Client,
    /// May hold a user and a password.
    base: Url,
    pub(crate) auth: Auth,
    body_limit: usize,
    /// Bytes of bodies that are there now, which together keep to the limit.
    held: Arc<AtomicUsize>,
    pub(crate) session: Session,
    /// What Locust is sent that nobody else may see.
    secrets: Secrets,
}

impl Transport {
    pub(crate) fn new(config: Config) -> Result<Self, ConfigError> {
        let Config { url, auth, tls, body_limit, idle_connections, user_agent, .. } = config;
        check(&url, &auth)?;
        let secrets = secrets(&url, &auth);
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(outgoing::tls_config(&tls, url.scheme() == "https")?)
            .redirect(reqwest::redirect::Policy::none())
            // A proxy from the environment would see the credentials, and Locust is near by.
            .no_proxy()
            .retry(reqwest::retry::never())
            .pool_max_idle_per_host(idle_connections)
            .tcp_nodelay(true)
            .user_agent(
                HeaderValue::from_str(&user_agent)
                    .map_err(|_| ConfigError::Header { what: "user agent".into() })?,
            );
        if let Auth::Bearer(token) = &auth {
            builder = builder.default_headers(bearer(token.expose_secret())?);
        }
        let http = builder
            .build()
            .map_err(|error| ConfigError::Client { cause: excerpt(&error.to_string()) })?;
        Ok(Self {
            http,
            base: url,
            auth,
            body_limit,
            held: Arc::default(),
            session: Session::default(),
            secrets,
        })
    }

    /// Whether any credentials are given.
    fn has_credentials(&self) -> bool {
        !matches!(self.auth, Auth::None) || is_with_user(&self.base)
    }

    /// A route's address, which may hold credentials.
    pub(crate) fn address(&self, route: Route) -> Url {
        let mut url = self.base.clone();
        url.set_query(None);
        url.set_fragment(None);
        url.set_path(&format!("{}{}", self.base.path().trim_end_matches('/'), route.path));
        url
    }

    /// The secrets that Locust is sent, with the session that it opened.
    pub(crate) async fn secrets(&self) -> Secrets {
        let mut secrets = self.secrets.clone();
        let session = self.session.current().await;
        if let Some(cookies) = session.cookie().and_then(|cookie| cookie.to_str().ok()) {
            for cookie in cookies.split("; ") {
                secrets.add(cookie.split_once('=').map_or(cookie, |(_, value)| value));
            }
        }
        secrets
    }

    /// A text of Locust's as it may be shown, before there is a session.
    pub(crate) fn quote(&self, text: String) -> PeerText {
        self.secrets.quote(&Raw::new(text))
    }

    /// A route's address as it may be shown.
    pub(crate) fn shown(&self, route: Route) -> String {
        shown(&self.address(route))
    }

    /// Asks a route, logging in where that is needed and possible.
    pub(crate) async fn get(&self, route: Route) -> Result<Body, Error> {
        let seen = self.session.current().await;
        let response = self.send_get(route, seen.cookie()).await?;
        if !(matches!(self.auth, Auth::Login { .. }) && is_to_login(&response)) {
            return self.body(route, response).await;
        }
        drop(response);
        let renewed = self.session.renew(&seen, Box::pin(self.log_in())).await?;
        let response = self.send_get(route, renewed.cookie()).await?;
        if is_to_login(&response) {
            return Err(Error::LoginRefused {
                url: self.shown(route),
                cause: "it asks for a login again right after one that succeeded".to_owned(),
            });
        }
        self.body(route, response).await
    }

    /// Asks a route without logging in.
    pub(crate) async fn send_get(
        &self,
        route: Route,
        cookie: Option<&HeaderValue>,
    ) -> Result<Response, Error> {
        let build = || {
            let mut request = self.authorized(self.http.get(self.address(route)));
            if let Some(cookie) = cookie {
                request = request.header(COOKIE, cookie);
            }
            request
        };
        let response = match build().send().await {
            Err(error) if is_broken_connection(&error) => {
                tokio::time::sleep(PAUSE).await;
                build().send().await
            }
            result => result,
        };
        response.map_err(|error| self.no_answer(&self.address(route), &error))
    }

    /// Sends a form, once.
    pub(crate) async fn send_form(
        &self,
        url: Url,
        form: &[(&str, &str)],
    ) -> Result<Response, Error> {
        let request = self.authorized(self.http.post(url.clone())).form(form);
        request.send().await.map_err(|error| self.no_answer(&url, &error))
    }

    fn authorized(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.auth {
            Auth::Basic { username, password } => {
                request.basic_auth(username, Some(password.expose_secret()))
            }
            // A user in the address is sent by reqwest, a bearer token with every request.
            Auth::None | Auth::Bearer(_) | Auth::Login { .. } => request,
        }
    }

    /// Judges an answer by its head, and reads its body.
    pub(crate) async fn body(&self, route: Route, response: Response) -> Result<Body, Error> {
        let url = self.shown(route);
        let status = response.status();
        if status.is_redirection() {
            return Err(self.redirected(url, &response).await);
        }
        match status {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                return Err(self.unauthorized(url, status));
            }
            StatusCode::NOT_FOUND => return Err(Error::NoRoute { url }),
            status if status.is_server_error() => return Err(self.failed(url, response).await),
            status => return Err(Error::NotLocust { url, cause: format!("it answers {status}") }),
        }
        let is_html = content_type(&response).is_some_and(|kind| kind.starts_with("text/html"));
        let kind = content_type(&response).map(|kind| Raw::new(kind.to_owned()));
        let body = self.read(&url, response).await?;
        if body.bytes.starts_with(b"Locust auth exception") {
            return Err(Error::LoginNeeded {
                url,
                cause: "Locust runs with --web-login, but its locustfile sets up no login (such \
                        as a SECRET_KEY): complete it, or leave --web-login out"
                    .to_owned(),
            });
        }
        let begins = body.bytes.trim_ascii_start().first();
        let is_odd = match route.kind {
            Kind::Html => false,
            Kind::Csv => is_html || begins == Some(&b'<'),
            // By its content, since a proxy may change the type of JSON.
            Kind::Json => is_html || begins.is_some_and(|byte| !matches!(byte, b'{' | b'[')),
        };
        if is_odd {
            let kind = match kind {
                Some(kind) => self.secrets().await.quote(&kind).to_string(),
                None => "a text of no type".to_owned(),
            };
            let cause = format!("it answers with {kind} instead of {}", route.kind.name());
            return Err(Error::NotLocust { url, cause });
        }
        Ok(body)
    }

    async fn redirected(&self, url: String, response: &Response) -> Error {
        let to = location(response).map(|to| Raw::new(to.path().to_owned())).unwrap_or_default();
        let to = self.secrets().await.quote(&to);
        if !is_to_login(response) {
            let cause = if to.is_empty() {
                format!("it answers {}", response.status())
            } else {
                format!("it redirects to {to}")
            };
            return Error::NotLocust { url, cause };
        }
        let cause = if self.has_credentials() {
            format!(
                "it redirects to {to}: it wants its login form filled in (or a cookie), and does \
                 not accept the given credentials"
            )
        } else {
            format!(
                "it redirects to {to}: give user and password for its login form with \
                 --locust.username and --locust.password-file"
            )
        };
        Error::LoginNeeded { url, cause }
    }

    fn unauthorized(&self, url: String, status: StatusCode) -> Error {
        if self.has_credentials() {
            let cause = format!("it answers {status} to the given credentials");
            Error::LoginRefused { url, cause }
        } else {
            let cause = format!(
                "it answers {status}: give credentials with --locust.auth=basic, \
                 --locust.username and --locust.password-file, or --locust.bearer-token-file"
            );
            Error::LoginNeeded { url, cause }
        }
    }

    /// The failure that a 5xx tells of. Older Locusts wrap a 404 into a 500.
    async fn failed(&self, url: String, response: Response) -> Error {
        let status = response.status();
        let text = beginning(response, FAILURE_BYTES).await;
        let text = Raw::of_bytes(&text);
        if text.expose().trim_start().starts_with("404 Not Found") {
            return Error::NoRoute { url };
        }
        let text = self.secrets().await.quote(&text);
        let cause = if text.is_empty() { status.to_string() } else { format!("{status}: {text}") };
        Error::Failed { url, cause }
    }

    /// Reads a body up to the limit, which it shares with those that are there at the same time.
    async fn read(&self, url: &str, mut response: Response) -> Result<Body, Error> {
        let limit = self.body_limit;
        let too_large = || Error::TooLarge { url: url.to_owned(), limit };
        let told = response.content_length().unwrap_or(0);
        if told > limit as u64 {
            return Err(too_large());
        }
        let mut held = Held { all: self.held.clone(), own: 0 };
        let mut bytes = Vec::with_capacity(usize::try_from(told).unwrap_or(0));
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if held.grow(chunk.len()) > limit => return Err(too_large()),
                Ok(Some(chunk)) => {
                    let is_full = bytes.capacity() - bytes.len() < chunk.len();
                    if is_full && bytes.capacity() >= LARGE_BODY {
                        bytes.reserve_exact(limit - bytes.len());
                    }
                    bytes.extend_from_slice(&chunk);
                }
                Ok(None) => return Ok(Body { bytes, held }),
                Err(error) => return Err(self.broken_body(url, bytes.len(), &error)),
            }
        }
    }

    fn no_answer(&self, url: &Url, error: &reqwest::Error) -> Error {
        let url = shown(url);
        match Cause::of(error, TLS_FLAGS, &self.secrets) {
            Cause::Connection(cause) => Error::Unreachable { url, cause },
            Cause::Garbage(cause) => Error::NotLocust { url, cause },
        }
    }

    fn broken_body(&self, url: &str, bytes: usize, error: &reqwest::Error) -> Error {
        let url = url.to_owned();
        let (Cause::Connection(cause) | Cause::Garbage(cause)) =
            Cause::of(error, TLS_FLAGS, &self.secrets);
        if is_broken_body(error) {
            let cause = format!("the connection broke after {bytes} bytes of the answer: {cause}");
            Error::Unreachable { url, cause }
        } else {
            let cause = format!("the answer cannot be decompressed: {cause}");
            Error::NotUnderstood { url, cause }
        }
    }
}

/// A body that has been read.
pub(crate) struct Body {
    pub(crate) bytes: Vec<u8>,
    /// Its share of the limit, until it has been made something of.
    pub(crate) held: Held,
}

/// What one body holds of all that are there; given back when it is let go of.
pub(crate) struct Held {
    all: Arc<AtomicUsize>,
    own: usize,
}

impl Held {
    /// Takes so many bytes more; answers how many are held by all.
    fn grow(&mut self, bytes: usize) -> usize {
        self.own += bytes;
        self.all.fetch_add(bytes, Ordering::Relaxed) + bytes
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.all.fetch_sub(self.own, Ordering::Relaxed);
    }
}

/// The beginning of a body, as far as it can be had.
async fn beginning(mut response: Response, bytes: usize) -> Vec<u8> {
    let mut text = Vec::new();
    while text.len() < bytes {
        match response.chunk().await {
            Ok(Some(chunk)) => text.extend_from_slice(&chunk),
            Ok(None) | Err(_) => break,
        }
    }
    text.truncate(bytes);
    text
}

/// Where an answer redirects to.
pub(crate) fn location(response: &Response) -> Option<Url> {
    let location = response.headers().get(LOCATION)?;
    response.url().join(&String::from_utf8_lossy(location.as_bytes())).ok()
}

/// Whether an answer redirects to the login page.
pub(crate) fn is_to_login(response: &Response) -> bool {
    response.status().is_redirection()
        && location(response).is_some_and(|to| to.path().trim_end_matches('/').ends_with("/login"))
}

fn content_type(response: &Response) -> Option<&str> {
    response.headers().get(CONTENT_TYPE)?.to_str().ok()
}

/// What Locust is sent that nobody else may see.
fn secrets(url: &Url, auth: &Auth) -> Secrets {
    let mut secrets = Secrets::default();
    secrets.add_url(url);
    match auth {
        Auth::None => {}
        Auth::Basic { username, password } | Auth::Login { username, password } => {
            secrets.add_basic(username, password.expose_secret());
        }
        Auth::Bearer(token) => secrets.add_bearer(token.expose_secret()),
    }
    secrets
}

fn bearer(token: &str) -> Result<HeaderMap, ConfigError> {
    let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
        .map_err(|_| ConfigError::Header { what: "bearer token".into() })?;
    value.set_sensitive(true);
    Ok(HeaderMap::from_iter([(AUTHORIZATION, value)]))
}

fn is_with_user(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

fn check(url: &Url, auth: &Auth) -> Result<(), ConfigError> {
    if !matches!(url.scheme(), "http" | "https") {
        let reason = "is of a scheme that Locust does not speak";
        return Err(ConfigError::Url { url: shown(url), reason });
    }
    let other = match auth {
        Auth::Basic { .. } => "a user and a password",
        Auth::Bearer(_) => "a bearer token",
        Auth::None | Auth::Login { .. } => return Ok(()),
    };
    if is_with_user(url) {
        return Err(ConfigError::TwoCredentials { url: shown(url), other });
    }
    Ok(())
}
