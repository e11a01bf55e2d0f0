//! OTLP over gRPC: one unary call, over the client's HTTP/2.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use outgoing::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, TE};
use outgoing::{Answer, Client, Method, Raw, StatusCode, shown};
use percent_encoding::percent_decode_str;
use url::Url;

use super::transport::{NO_GRPC, advised, delivered};
use crate::batch::{Batch, Format};
use crate::config::Protocol;
use crate::fields::{Field, Fields};
use crate::transport::{Outcome, Transport};
use crate::verdict;

const SERVICE: &str = "opentelemetry.proto.collector.metrics.v1.MetricsService";
const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// The longest time that `grpc-timeout` can tell, in milliseconds: it has eight digits.
const LONGEST_TIMEOUT: u128 = 99_999_999;

/// Bytes before a message: whether it is compressed, and its length.
const PREFIX: usize = 5;

/// OTLP over gRPC.
pub(super) struct Grpc {
    client: Client,
    url: Url,
}

impl Grpc {
    pub(super) fn new(client: Client) -> Self {
        let mut url = client.url().clone();
        url.set_path(&format!("{}/{SERVICE}/Export", url.path().trim_end_matches('/')));
        url.set_query(None);
        Self { client, url }
    }

    fn headers(&self, batch: &Batch) -> HeaderMap {
        let timeout = format!("{}m", self.client.timeout().as_millis().min(LONGEST_TIMEOUT));
        let mut headers = HeaderMap::from_iter([
            (CONTENT_TYPE, HeaderValue::from_static("application/grpc")),
            (TE, HeaderValue::from_static("trailers")),
        ]);
        headers.extend(HeaderValue::try_from(timeout).ok().map(|timeout| (TIMEOUT, timeout)));
        if batch.format == Format::OtlpGzip {
            headers.insert(ENCODING, HeaderValue::from_static("gzip"));
        }
        headers
    }

    fn judge(&self, batch: &Batch, answer: &Answer) -> Outcome {
        let url = shown(self.client.url());
        let Some(status) = Status::of(answer) else {
            return self.no_grpc(&url, answer);
        };
        let flags = self.client.flags();
        let Status { code, message, retry } = status;
        let line = format!("{url} answers {}: {}", code_name(code), answer.quote(&message));
        let later = |cause| Outcome::Later { cause, after: retry, is_doubtful: false };
        match code {
            0 => delivered(
                batch,
                &url,
                answer,
                answer.expose_body().get(PREFIX..).unwrap_or_default(),
            ),
            // The setup: see `verdict`.
            PERMISSION_DENIED | UNAUTHENTICATED => {
                later(format!("{line}; look at the credentials and headers in {flags}.*"))
            }
            UNIMPLEMENTED => {
                later(format!("{line}; look at the address and the compression in {flags}.*"))
            }
            // "OTLP/gRPC Response", "Failures": the codes that are retryable.
            CANCELLED | DEADLINE_EXCEEDED | ABORTED | OUT_OF_RANGE | UNAVAILABLE | DATA_LOSS => {
                Outcome::Later { cause: line, after: retry, is_doubtful: true }
            }
            RESOURCE_EXHAUSTED if retry.is_some() => later(line),
            _ => verdict::refused(&line, &message),
        }
    }
}

impl Grpc {
    /// What becomes of a batch whose answer is none of gRPC. A path that is not known is then the
    /// path of gRPC's own, on a port that speaks HTTP alone: another path would not help.
    fn no_grpc(&self, url: &str, answer: &Answer) -> Outcome {
        let is_of_login = matches!(
            answer.status,
            StatusCode::UNAUTHORIZED
                | StatusCode::FORBIDDEN
                | StatusCode::PROXY_AUTHENTICATION_REQUIRED
        );
        if let Some(outcome) = verdict::of_setup(&self.client, &self.url, answer)
            && (is_of_login || answer.status.is_redirection())
        {
            return outcome;
        }
        let line = verdict::said_through(&self.client, answer);
        let cause = format!("{url} does not answer as gRPC does: {line}; {NO_GRPC}");
        Outcome::Later { cause, after: answer.retry_after(), is_doubtful: true }
    }
}

impl Transport for Grpc {
    fn send<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Outcome> {
        async move {
            let Some(body) = framed(batch) else {
                return Outcome::Refused { cause: "a batch of 4 GiB is too long for gRPC".into() };
            };
            let headers = self.headers(batch);
            match self.client.send(Method::POST, &self.url, headers, body).await {
                // The path is gRPC's own, and nobody has given it.
                Err(error) => advised(&error.at(self.client.url()), Protocol::Grpc),
                Ok(answer) => self.judge(batch, &answer),
            }
        }
        .boxed()
    }
}

/// A message with what comes before it (gRPC over HTTP/2, "Length-Prefixed-Message").
fn framed(batch: &Batch) -> Option<Bytes> {
    let length = u32::try_from(batch.body.len()).ok()?;
    let mut framed = BytesMut::with_capacity(PREFIX + batch.body.len());
    framed.put_u8(u8::from(batch.format == Format::OtlpGzip));
    framed.put_u32(length);
    framed.extend_from_slice(&batch.body);
    Some(framed.freeze())
}

/// How a call ended.
struct Status {
    code: u32,
    message: Raw<'static>,
    /// How long to wait, where it says so.
    retry: Option<Duration>,
}

impl Status {
    /// Reads it off the trailers, or off the head where there is nothing else.
    fn of(answer: &Answer) -> Option<Self> {
        let code = answer.trailer("grpc-status")?.expose().parse().ok()?;
        let message = answer.trailer("grpc-message").unwrap_or_default();
        let message = percent_decode_str(message.expose()).decode_utf8_lossy().into_owned();
        let details = answer.trailer("grpc-status-details-bin");
        let retry = details.and_then(|details| retry(details.expose()));
        Some(Self { code, message: Raw::new(message), retry })
    }
}

/// The delay of the `RetryInfo` among the details of a `google.rpc.Status`.
fn retry(details: &str) -> Option<Duration> {
    let status = BASE64_STANDARD_NO_PAD.decode(details.trim_end_matches('=')).ok()?;
    Fields::of(&status).find_map(|field| {
        let Ok((3, Field::Bytes(any))) = field else { return None };
        let any = Fields::of(any);
        if !any.bytes(1).ends_with(b"/google.rpc.RetryInfo") {
            return None;
        }
        let delay = Fields::of(Fields::of(any.bytes(2)).bytes(1));
        let nanos = u32::try_from(delay.number(2)).unwrap_or_default();
        // A negative number of seconds is a very large one here.
        let seconds = i64::try_from(delay.number(1)).unwrap_or_default().unsigned_abs();
        let wait = Duration::from_secs(seconds).saturating_add(Duration::from_nanos(nanos.into()));
        Some(wait.min(Answer::LONGEST_WAIT))
    })
}

const CANCELLED: u32 = 1;
const DEADLINE_EXCEEDED: u32 = 4;
const PERMISSION_DENIED: u32 = 7;
const RESOURCE_EXHAUSTED: u32 = 8;
const ABORTED: u32 = 10;
const OUT_OF_RANGE: u32 = 11;
const UNIMPLEMENTED: u32 = 12;
const UNAVAILABLE: u32 = 14;
const DATA_LOSS: u32 = 15;
const UNAUTHENTICATED: u32 = 16;

/// A code as gRPC's documentation calls it.
fn code_name(code: u32) -> String {
    const NAMES: [&str; 17] = [
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    ];
    let name = usize::try_from(code).ok().and_then(|code| NAMES.get(code));
    name.map_or_else(|| format!("gRPC status {code}"), |name| (*name).to_owned())
}

#[cfg(test)]
mod tests;
