//! Bringing something, and reading a short answer.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http_body_util::BodyExt;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Body, Method, redirect, retry};
use secrecy::ExposeSecret;
use url::{Host, Url};

use crate::answer::Answer;
use crate::cause::{Cause, is_of_other_http};
use crate::error::ConfigError;
use crate::proxy::Via;
use crate::secrets::Secrets;
use crate::shown::{excerpt, shown};
use crate::target::{Credentials, Target};
use crate::tls::tls_config;

/// The most that is read of an answer, in bytes.
const ANSWER_BYTES: usize = 64 << 10;

/// How HTTP is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Http {
    /// HTTP/1.1.
    One,
    /// HTTP/2 from the first byte on, also without TLS, as gRPC does.
    Two,
}

/// Why there was no answer. Holds no credential.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// No connection, or it broke.
    #[error("{url} cannot be reached{via}: {cause}")]
    Unreachable {
        /// The address.
        url: String,
        /// The proxy through which it was asked, if there is one.
        via: Via,
        /// The innermost cause, in one line; where it is a certificate, with the flag that helps.
        cause: String,
    },
    /// The time was over.
    #[error("{url} did not answer within {after:?}{via}")]
    TimedOut {
        /// The address.
        url: String,
        /// The proxy through which it was asked, if there is one.
        via: Via,
        /// How long was waited.
        after: Duration,
    },
    /// It never answered, and what it does is what one does that speaks another version of HTTP.
    #[error("{url} cannot be reached{via}: {cause}")]
    OtherHttp {
        /// The address.
        url: String,
        /// The proxy through which it was asked, if there is one.
        via: Via,
        /// The innermost cause, in one line.
        cause: String,
    },
    /// An answer in another protocol.
    #[error("{url} does not answer in HTTP{via}: {cause}")]
    Garbage {
        /// The address.
        url: String,
        /// The proxy through which it was asked, if there is one.
        via: Via,
        /// What is odd about it.
        cause: String,
    },
}

impl NoAnswer {
    /// The same, said of this address: where the one that was asked says less to the user.
    #[must_use]
    pub fn at(mut self, address: &Url) -> Self {
        let (Self::Unreachable { url, .. }
        | Self::TimedOut { url, .. }
        | Self::OtherHttp { url, .. }
        | Self::Garbage { url, .. }) = &mut self;
        *url = shown(address);
        self
    }

    /// Whether it is as if the other side did not speak HTTP as it was [spoken to](Http).
    pub fn is_of_other_protocol(&self) -> bool {
        matches!(self, Self::OtherHttp { .. } | Self::Garbage { .. })
    }
}

/// Asks one target. It follows no redirect, tries nothing twice, and goes through the proxies that
/// the environment names, unless the target is on this very host.
///
/// Its futures may be dropped at any time.
pub struct Client {
    http: reqwest::Client,
    url: Url,
    /// The proxy through which it is asked.
    via: Via,
    /// What the target, or that proxy, is sent that nobody else may see.
    secrets: Secrets,
    tls_flags: &'static str,
    timeout: Duration,
    speaks: Http,
    /// It has answered once, so that it speaks HTTP as we do.
    has_answered: AtomicBool,
}

impl Client {
    /// Makes a client; nothing is asked yet. Files of certificates are read now. `timeout` is of a
    /// request as a whole, from the connection to the answer's last byte.
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] that names the value or the file that cannot be used.
    pub fn new(
        target: &Target,
        timeout: Duration,
        user_agent: &str,
        http: Http,
    ) -> Result<Self, ConfigError> {
        if !matches!(target.url.scheme(), "http" | "https") {
            let reason = "is of a scheme other than http and https";
            return Err(ConfigError::Url { url: shown(&target.url), reason });
        }
        let mut tls = tls_config(&target.tls, target.url.scheme() == "https")?;
        let mut builder = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .no_gzip()
            .timeout(timeout)
            .connect_timeout(timeout)
            .tcp_nodelay(true)
            .default_headers(headers(target)?)
            .user_agent(value(user_agent, || "user agent".to_owned())?);
        if http == Http::Two {
            tls.alpn_protocols = vec![b"h2".to_vec()];
            // A connection whose other end is gone is otherwise only given up by the kernel, after
            // a quarter of an hour, while one request after the other is lost on it. Pings go out
            // while a request waits, never in between: servers of gRPC punish that.
            builder = builder
                .http2_prior_knowledge()
                .http2_keep_alive_interval(timeout / 3)
                .http2_keep_alive_timeout(timeout / 3);
        }
        let mut secrets = secrets(target);
        let via = if is_this_host(&target.url) {
            builder = builder.no_proxy();
            Via::default()
        } else {
            Via::of(&target.url, &mut secrets)
        };
        let client = builder
            .tls_backend_preconfigured(tls)
            .build()
            .map_err(|error| ConfigError::Client { cause: excerpt(&error.to_string()) })?;
        Ok(Self {
            http: client,
            url: target.url.clone(),
            via,
            secrets,
            tls_flags: target.tls_flags,
            timeout,
            speaks: http,
            has_answered: AtomicBool::new(false),
        })
    }

    /// The target's address.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// What the target's options begin with: `--push.remote-write` of
    /// `--push.remote-write.tls.ca-file`.
    pub fn flags(&self) -> &'static str {
        self.tls_flags.strip_suffix(".tls").unwrap_or(self.tls_flags)
    }

    /// How long a request may take.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The proxy through which the target is asked.
    pub fn via(&self) -> &Via {
        &self.via
    }

    /// What is said where an address of the target's did not answer in time.
    pub fn timed_out(&self, url: &Url) -> NoAnswer {
        NoAnswer::TimedOut { url: shown(url), via: self.via.clone(), after: self.timeout }
    }

    /// Sends a request to an address of the target's, and reads the answer: its head, the beginning
    /// of its body, and its trailers. A body that breaks off is as long as it is.
    ///
    /// # Errors
    ///
    /// [`NoAnswer`] if there is not even a head.
    pub async fn send(
        &self,
        method: Method,
        url: &Url,
        headers: HeaderMap,
        body: impl Into<Body>,
    ) -> Result<Answer, NoAnswer> {
        let request = self.http.request(method, url.clone()).headers(headers).body(body);
        let response = request.send().await.map_err(|error| self.no_answer(url, &error))?;
        self.has_answered.store(true, Ordering::Relaxed);
        let (head, mut rest) = hyper::Response::<Body>::from(response).into_parts();
        let mut body = Vec::new();
        let mut trailers = HeaderMap::new();
        while body.len() < ANSWER_BYTES
            && let Some(Ok(frame)) = rest.frame().await
        {
            match frame.into_data() {
                Ok(data) => body.extend_from_slice(&data),
                Err(frame) => trailers.extend(frame.into_trailers().unwrap_or_default()),
            }
        }
        body.truncate(ANSWER_BYTES);
        let secrets = self.secrets.clone();
        Ok(Answer { status: head.status, headers: head.headers, body, trailers, secrets })
    }

    fn no_answer(&self, url: &Url, error: &reqwest::Error) -> NoAnswer {
        if error.is_timeout() {
            return self.timed_out(url);
        }
        let (url, via) = (shown(url), self.via.clone());
        match Cause::of(error, self.tls_flags, &self.secrets) {
            Cause::Connection(cause) if self.meets_other_http(error) => {
                NoAnswer::OtherHttp { url, via, cause }
            }
            Cause::Connection(cause) => NoAnswer::Unreachable { url, via, cause },
            Cause::Garbage(cause) => NoAnswer::Garbage { url, via, cause },
        }
    }

    /// Whether it seems to speak another HTTP than we do. One that has answered once does not.
    fn meets_other_http(&self, error: &reqwest::Error) -> bool {
        !self.has_answered.load(Ordering::Relaxed) && is_of_other_http(error, self.speaks)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("url", &shown(&self.url)).finish_non_exhaustive()
    }
}

/// All that the target is sent that nobody else may see.
fn secrets(target: &Target) -> Secrets {
    let mut secrets = Secrets::default();
    secrets.add_url(&target.url);
    for (_, value) in &target.headers {
        secrets.add_header(value.expose_secret());
    }
    match &target.credentials {
        Credentials::None => {}
        Credentials::Basic { username, password } => {
            secrets.add_basic(username, password.expose_secret());
        }
        Credentials::Bearer(token) => secrets.add_bearer(token.expose_secret()),
    }
    secrets
}

/// The headers of every request. One that is given by name stands in the place of the credentials.
fn headers(target: &Target) -> Result<HeaderMap, ConfigError> {
    let mut headers = HeaderMap::new();
    for (name, text) in &target.headers {
        let key = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| ConfigError::HeaderName { name: name.clone() })?;
        let mut text = value(text.expose_secret(), || format!("value of the header {name:?}"))?;
        text.set_sensitive(true);
        headers.append(key, text);
    }
    let authorization = match &target.credentials {
        Credentials::None => None,
        Credentials::Basic { username, password } => {
            let pair = format!("{username}:{}", password.expose_secret());
            let pair = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, pair);
            Some(value(&format!("Basic {pair}"), || "password".to_owned())?)
        }
        Credentials::Bearer(token) => {
            let text = format!("Bearer {}", token.expose_secret());
            Some(value(&text, || "bearer token".to_owned())?)
        }
    };
    if let Some(mut authorization) = authorization
        && !headers.contains_key(AUTHORIZATION)
    {
        authorization.set_sensitive(true);
        headers.insert(AUTHORIZATION, authorization);
    }
    Ok(headers)
}

fn value(text: &str, what: impl FnOnce() -> String) -> Result<HeaderValue, ConfigError> {
    HeaderValue::from_str(text).map_err(|_| ConfigError::Header { what: what().into() })
}

fn is_this_host(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests;
