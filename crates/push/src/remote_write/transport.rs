//! Takes batches to a receiver of remote write.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use outgoing::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use outgoing::{Answer, Client, Method, StatusCode, shown};

use super::protocol::Protocol;
use super::transcode::{self, TranscodeError};
use crate::batch::{Batch, Format};
use crate::transport::{Outcome, Transport};
use crate::verdict;

const VERSION: HeaderName = HeaderName::from_static("x-prometheus-remote-write-version");

/// What 2.0's answers say was written of samples, of histograms and of exemplars.
const WRITTEN: [&str; 3] = [
    "x-prometheus-remote-write-samples-written",
    "x-prometheus-remote-write-histograms-written",
    "x-prometheus-remote-write-exemplars-written",
];

/// How a Prometheus says that it takes no native histograms.
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
        if !knew_native || self.protocol.knows_native() {
            return outcome;
        }
        let may_have = matches!(outcome, Outcome::Later { is_doubtful: true, .. });
        match self.deliver_as_known(batch).await {
            // All but the native ones, from the attempt before.
            Outcome::Had { .. } if may_have => Outcome::WHOLE,
            outcome => outcome,
        }
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
            Err(outcome) => outcome,
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
            Err(outcome) => return outcome,
            Ok(answer) => answer,
        };
        let Some(how) = self.not_understood(batch, &answer) else {
            return self.judge_2(batch, &answer);
        };
        let url = shown(self.client.url());
        if !self.protocol.may_fall_back() {
            // The setup: see `verdict`.
            let flags = self.client.flags();
            return Outcome::Later {
                cause: format!(
                    "{url} does not know remote write 2.0 ({how}); allow 1.0 with {flags}.version"
                ),
                after: answer.retry_after(),
                is_doubtful: false,
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

    /// How it shows that a receiver does not know 2.0, if it shows. One that looks at no header
    /// takes the message for an empty one of 1.0: it stores nothing, and answers that all is well,
    /// without the counts that 2.0 demands (its specification, "Required Written Response
    /// Headers"), or with counts of 0. One that has written something before does know 2.0.
    fn not_understood(&self, batch: &Batch, answer: &Answer) -> Option<String> {
        if answer.status == StatusCode::UNSUPPORTED_MEDIA_TYPE {
            return Some(format!("it answers {}", answer.line()));
        }
        if !answer.status.is_success() {
            return None;
        }
        match missing(batch, answer) {
            None => Some(format!("it answers {} and not what it has written", answer.status)),
            Some(missing) if missing < batch.points() => {
                self.protocol.knows_2();
                None
            }
            Some(0) => None,
            Some(_) if !self.protocol.may_fall_back() || self.protocol.is_known_2() => None,
            Some(_) => {
                Some(format!("it answers {} and that it has written nothing", answer.status))
            }
        }
    }

    /// Judges an answer of a receiver that understood 2.0. Also a refusal may be of a part only
    /// (2.0's specification, "Partial Write").
    fn judge_2(&self, batch: &Batch, answer: &Answer) -> Outcome {
        let Some(missing) = missing(batch, answer) else { return self.failed(answer) };
        let status = answer.status;
        if missing == 0 && status.is_success() {
            return Outcome::WHOLE;
        }
        match self.failed(answer) {
            Outcome::Had { why, .. } => {
                Outcome::Had { taken: batch.points().saturating_sub(missing), why }
            }
            Outcome::Refused { cause } if status.is_success() || missing < batch.points() => {
                let why = Some(format!("not all of a batch was written: {cause}"));
                Outcome::Delivered { refused: missing, why }
            }
            outcome => outcome,
        }
    }

    /// Judges an answer that is no success. A receiver that takes no native histograms says so
    /// with a status that asks to try again.
    fn failed(&self, answer: &Answer) -> Outcome {
        if answer.text().expose().starts_with(NO_NATIVE) && self.protocol.leave_native() {
            tracing::warn!(
                url = %shown(self.client.url()),
                "the receiver takes no native histograms: the classic ones alone are pushed from \
                 now on (a Prometheus before 3.8 takes them with \
                 --enable-feature=native-histograms)"
            );
        }
        let said = verdict::said_through(&self.client, answer);
        let line = format!("{} answers {said}", shown(self.client.url()));
        verdict::failed(answer, line, &answer.text())
    }

    async fn post(&self, format: Format, body: Bytes) -> Result<Answer, Outcome> {
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
        let url = self.client.url();
        verdict::ask(&self.client, Method::POST, url, headers, body, verdict::unanswered).await
    }
}

impl Transport for RemoteWriteTransport {
    fn send<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Outcome> {
        let timeout = self.client.timeout();
        async move {
            // Two requests may be needed, and have the time of one.
            tokio::time::timeout(timeout, self.deliver(batch))
                .await
                .unwrap_or_else(|_| verdict::unanswered(&self.client.timed_out(self.client.url())))
        }
        .boxed()
    }

    /// Native histograms are left out where the receiver takes none, and where a batch is made one
    /// of 1.0 and these are not sent in 1.0.
    fn points(&self, batch: &Batch) -> u64 {
        let spoken = self.protocol.format();
        let is_transcoded = (batch.format, spoken) == (Format::RemoteWrite2, Format::RemoteWrite1);
        let leaves_native = is_transcoded && !self.protocol.takes_native(spoken);
        if leaves_native || !self.protocol.knows_native() {
            u64::from(batch.samples)
        } else {
            batch.points()
        }
    }
}

fn tells_what_was_written(answer: &Answer) -> bool {
    WRITTEN.iter().any(|name| answer.header(name).is_some())
}

/// How many points of a batch were not written, if the answer tells.
fn missing(batch: &Batch, answer: &Answer) -> Option<u64> {
    let written = |name| -> u64 {
        answer.header(name).and_then(|text| text.expose().trim().parse().ok()).unwrap_or_default()
    };
    let samples = u64::from(batch.samples).saturating_sub(written(WRITTEN[0]));
    let histograms = u64::from(batch.histograms).saturating_sub(written(WRITTEN[1]));
    tells_what_was_written(answer).then_some(samples + histograms)
}

#[cfg(test)]
mod tests;
