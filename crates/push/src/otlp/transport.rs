//! Takes batches to a receiver of OTLP.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use outgoing::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use outgoing::{Answer, Client, Http, Method, NoAnswer, Raw, shown};

use super::grpc::Grpc;
use super::json;
use crate::batch::{Batch, Format};
use crate::config::Protocol;
use crate::fields::Fields;
use crate::transport::{Outcome, Transport};
use crate::verdict;

const PROTOBUF: &str = "application/x-protobuf";

/// What to look at where gRPC has met what does not speak it.
pub(super) const NO_GRPC: &str = "is it a port for gRPC (often 4317)? HTTP's is spoken to with \
                                  --push.otlp.protocol=http/protobuf";

/// How HTTP must be spoken for a protocol.
pub(crate) fn http(protocol: Protocol) -> Http {
    match protocol {
        Protocol::Grpc => Http::Two,
        Protocol::Http => Http::One,
    }
}

/// A transport that speaks this protocol, by a client that speaks HTTP as it [must](http).
pub(crate) fn transport(client: Client, protocol: Protocol) -> Box<dyn Transport> {
    match protocol {
        Protocol::Grpc => Box::new(Grpc::new(client)),
        Protocol::Http => Box::new(OverHttp { client }),
    }
}

/// OTLP over HTTP, in protobuf.
struct OverHttp {
    client: Client,
}

impl Transport for OverHttp {
    fn send<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Outcome> {
        async move {
            let url = self.client.url();
            let mut headers =
                HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(PROTOBUF))]);
            if batch.format == Format::OtlpGzip {
                headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
            let body = batch.body.clone();
            let unanswered = |error: &_| advised(error, Protocol::Http);
            verdict::ask(&self.client, Method::POST, url, headers, body, unanswered)
                .await
                .map_or_else(|outcome| outcome, |answer| self.judge(batch, &answer))
        }
        .boxed()
    }
}

impl OverHttp {
    fn judge(&self, batch: &Batch, answer: &Answer) -> Outcome {
        let url = shown(self.client.url());
        if answer.status.is_success() {
            return match encoding(answer) {
                Encoding::Protobuf => delivered(batch, &url, answer, answer.expose_body()),
                Encoding::Json => json::Response::read(answer.expose_body()).map_or(
                    // It is no answer of OTLP's; but the status says that all is well.
                    Outcome::WHOLE,
                    |response| took(batch, &url, answer, response.rejected, &response.words),
                ),
                Encoding::Other => Outcome::WHOLE,
            };
        }
        // A failure is a `google.rpc.Status` ("OTLP/HTTP Response", "Failures").
        let words = match encoding(answer) {
            Encoding::Protobuf => Raw::of_bytes(Fields::of(answer.expose_body()).bytes(2)),
            Encoding::Json => json::message(answer.expose_body()).unwrap_or_else(|| answer.text()),
            Encoding::Other => answer.text(),
        };
        let via = verdict::through(&self.client, answer);
        let line = format!("{url} answers {}{via}", answer.line_of(&words));
        verdict::failed(answer, line, &words)
    }
}

/// How the body of an answer is encoded.
enum Encoding {
    Protobuf,
    Json,
    Other,
}

/// The encoding of an answer. It should be that of the request, but some answer in JSON whatever
/// they were sent, and some do not say.
fn encoding(answer: &Answer) -> Encoding {
    let kind = answer.header(CONTENT_TYPE.as_str()).unwrap_or_default();
    let kind = kind.expose().to_ascii_lowercase();
    if kind.starts_with(PROTOBUF) || kind.starts_with("application/protobuf") {
        Encoding::Protobuf
    } else if kind.starts_with("application/json")
        || answer.expose_body().trim_ascii_start().first() == Some(&b'{')
    {
        Encoding::Json
    } else {
        Encoding::Other
    }
}

/// What becomes of a batch that got no answer; with what to do where one protocol seems to have met
/// the port of the other.
pub(super) fn advised(error: &NoAnswer, protocol: Protocol) -> Outcome {
    let outcome = verdict::unanswered(error);
    let advice = match protocol {
        Protocol::Grpc => NO_GRPC,
        Protocol::Http => {
            "is it a port for HTTP (often 4318)? gRPC's is spoken to with \
             --push.otlp.protocol=grpc"
        }
    };
    match outcome {
        Outcome::Later { cause, after, is_doubtful } if error.is_of_other_protocol() => {
            Outcome::Later { cause: format!("{cause}; {advice}"), after, is_doubtful }
        }
        outcome => outcome,
    }
}

/// What became of a batch of which this `ExportMetricsServiceResponse` tells ("Partial Success").
pub(super) fn delivered(batch: &Batch, url: &str, answer: &Answer, response: &[u8]) -> Outcome {
    let partial = Fields::of(Fields::of(response).bytes(1));
    took(batch, url, answer, partial.number(1), &Raw::of_bytes(partial.bytes(2)))
}

/// What became of a batch of which so many points were rejected, with these words.
fn took(batch: &Batch, url: &str, answer: &Answer, rejected: u64, words: &Raw<'_>) -> Outcome {
    let refused = rejected.min(batch.points());
    let words = answer.quote(words);
    if refused == 0 && words.is_empty() {
        return Outcome::WHOLE;
    }
    // With nothing refused, the words are a warning.
    let why = format!("{url} took all but {refused} of {} points: {words}", batch.points());
    Outcome::Delivered { refused, why: Some(why) }
}

#[cfg(test)]
pub(super) mod tests;
