//! Takes batches to a receiver of remote write.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use outgoing::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use outgoing::{Answer, Client, Method, NoAnswer, StatusCode, shown};

use super::protocol::Protocol;
use super::transcode::{self, TranscodeError};
use crate::batch::{Batch, Format};
use crate::transport::{Outcome, Transport};
use crate::verdict::{self, Refusal};

const VERSION: HeaderName = HeaderName::from_static("x-prometheus-remote-write-version");

/// What 2.0's answers say was written of samples, of histograms and of exemplars.
const WRITTEN: [&str; 3] = [
    "x-prometheus-remote-write-samples-written",
    "x-prometheus-remote-write-histograms-written",
    "x-prometheus-remote-write-exemplars-written",
];

/// How Prometheus, Cortex and Mimir say that they take no native histograms.
const NO_NATIVE: &str = "native histograms are disabled";

/// Takes batches to a receiver of remote write.
///
/// One of 2.0 that the receiver does not understand is sent in 1.0, if both may be spoken, and so
/// are all that come after it.
pub(crate) struct RemoteWriteTransport {
    client: Client,
    protocol: Arc<Protocol>,
}

impl RemoteWriteTransport {
    pub(crate) fn new(client: Client, protocol: Arc<Protocol>) -> Self {
        Self { client, protocol }
    }

    async fn deliver(&self, batch: &Batch) -> Outcome {
        let knew_native = self.protocol.knows_native();
        let outcome = self.deliver_as_known(batch).await;
        if knew_native && !self.protocol.knows_native() {
            return self.deliver_as_known(batch).await;
        }
        outcome
    }

    /// Sends what the receiver understands, as far as is known of it.
    async fn deliver_as_known(&self, batch: &Batch) -> Outcome {
        let batch = &match self.understood(batch) {
            Ok(batch) => batch,
            Err(error) => {
                let cause = format!("a batch of remote write cannot be read again: {error}");
                return Outcome::Refused { cause };
            }
        };
        match (batch.format, self.protocol.format()) {
            (Format::RemoteWrite1, _) => self.deliver_1(batch.body.clone()).await,
            (Format::RemoteWrite2, Format::RemoteWrite2) => self.deliver_2(batch).await,
            (Format::RemoteWrite2, _) => self.deliver_transcoded(batch).await,
            (Format::Otlp | Format::OtlpGzip, _) => {
                Outcome::Refused { cause: "a batch of OTLP is none of remote write".to_owned() }
            }
        }
    }

    /// The batch, without native histograms where the receiver has said that it takes none.
    fn understood(&self, batch: &Batch) -> Result<Batch, TranscodeError> {
        if batch.histograms == 0 || self.protocol.knows_native() {
            return Ok(batch.clone());
        }
        let body = transcode::without_native(&batch.body, batch.format)?;
        Ok(Batch { histograms: 0, body, ..batch.clone() })
    }

    async fn deliver_1(&self, body: Bytes) -> Outcome {
        match self.post(Format::RemoteWrite1, body).await {
            Err(error) => verdict::unanswered(&error),
            Ok(answer) if answer.status.is_success() => Outcome::WHOLE,
            Ok(answer) => self.failed(&answer),
        }
    }

    async fn deliver_transcoded(&self, batch: &Batch) -> Outcome {
        match transcode::to_v1(&batch.body, self.protocol.takes_native(Format::RemoteWrite1)) {
            Ok(body) => self.deliver_1(body).await,
            Err(error) => Outcome::Refused {
                cause: format!("a batch of remote write 2.0 cannot be made one of 1.0: {error}"),
            },
        }
    }

    async fn deliver_2(&self, batch: &Batch) -> Outcome {
        let answer = match self.post(Format::RemoteWrite2, batch.body.clone()).await {
            Err(error) => return verdict::unanswered(&error),
            Ok(answer) => answer,
        };
        let Some(how) = not_understood(&answer) else { return self.judge_2(batch, &answer) };
        let url = shown(self.client.url());
        if !self.protocol.may_fall_back() {
            let flags = self.client.flags();
            return Outcome::Refused {
                cause: format!(
                    "{url} does not know remote write 2.0 ({how}); allow 1.0 with {flags}.version"
                ),
            };
        }
        if self.protocol.fall_back() {
            tracing::info!(
                %url,
                %how,
                "the receiver does not know remote write 2.0: it is sent 1.0 from now on, which \
                 has no start times"
            );
        }
        self.deliver_transcoded(batch).await
    }

    /// Judges an answer of a receiver that understood 2.0. Also a refusal may be of a part only
    /// (2.0's specification, "Partial Write").
    fn judge_2(&self, batch: &Batch, answer: &Answer) -> Outcome {
        let Some(missing) = missing(batch, answer) else { return self.failed(answer) };
        let is_success = answer.status.is_success();
        if missing == 0 && is_success {
            return Outcome::WHOLE;
        }
        let is_part = answer.status.is_client_error()
            && missing < batch.points()
            && Refusal::of(&answer.text()) != Refusal::Had;
        if is_success || is_part {
            let url = shown(self.client.url());
            let line = answer.line();
            let why = format!("{url} did not write all of a batch: {line}");
            return Outcome::Delivered { refused: missing, why: Some(why) };
        }
        self.failed(answer)
    }

    /// Judges an answer that is no success. A receiver that takes no native histograms says so
    /// with a status that asks to try again.
    fn failed(&self, answer: &Answer) -> Outcome {
        if answer.text().contains(NO_NATIVE) && self.protocol.leave_native() {
            tracing::warn!(
                url = %shown(self.client.url()),
                "the receiver takes no native histograms: the classic ones alone are pushed from \
                 now on (a Prometheus before 3.8 takes them with \
                 --enable-feature=native-histograms)"
            );
        }
        if let Some(outcome) = verdict::of_setup(&self.client, answer) {
            return outcome;
        }
        let line = format!("{} answers {}", shown(self.client.url()), answer.line());
        let status = answer.status;
        // 1.0's specification, "Retries and backoff"; 2.0's the same.
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Outcome::Later { cause: line, after: answer.retry_after() };
        }
        verdict::refused(&line, &answer.text())
    }

    async fn post(&self, format: Format, body: Bytes) -> Result<Answer, NoAnswer> {
        let (kind, version) = if format == Format::RemoteWrite1 {
            ("application/x-protobuf", "0.1.0")
        } else {
            ("application/x-protobuf;proto=io.prometheus.write.v2.Request", "2.0.0")
        };
        let headers = HeaderMap::from_iter([
            (CONTENT_TYPE, HeaderValue::from_static(kind)),
            (CONTENT_ENCODING, HeaderValue::from_static("snappy")),
            (VERSION, HeaderValue::from_static(version)),
        ]);
        self.client.send(Method::POST, self.client.url(), headers, body).await
    }
}

impl Transport for RemoteWriteTransport {
    fn send<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Outcome> {
        let timeout = self.client.timeout();
        async move {
            // Two requests may be needed, and have the time of one.
            tokio::time::timeout(timeout, self.deliver(batch)).await.unwrap_or_else(|_| {
                let url = shown(self.client.url());
                verdict::unanswered(&NoAnswer::TimedOut { url, after: timeout })
            })
        }
        .boxed()
    }
}

/// How it shows that a receiver does not know 2.0, if it shows. One that looks at no header takes
/// the message for an empty one of 1.0: it stores nothing, and answers that all is well, but
/// without the counts that 2.0 demands (its specification, "Required Written Response Headers").
fn not_understood(answer: &Answer) -> Option<String> {
    if answer.status == StatusCode::UNSUPPORTED_MEDIA_TYPE {
        return Some(format!("it answers {}", answer.line()));
    }
    let is_mute = answer.status.is_success() && !tells_what_was_written(answer);
    is_mute.then(|| format!("it answers {} and not what it has written", answer.status))
}

fn tells_what_was_written(answer: &Answer) -> bool {
    WRITTEN.iter().any(|name| answer.headers.contains_key(*name))
}

/// How many points of a batch were not written, if the answer tells.
fn missing(batch: &Batch, answer: &Answer) -> Option<u64> {
    let written = |name| -> u64 {
        answer.header(name).and_then(|text| text.trim().parse().ok()).unwrap_or_default()
    };
    let samples = u64::from(batch.samples).saturating_sub(written(WRITTEN[0]));
    let histograms = u64::from(batch.histograms).saturating_sub(written(WRITTEN[1]));
    tells_what_was_written(answer).then_some(samples + histograms)
}

#[cfg(test)]
mod tests;
