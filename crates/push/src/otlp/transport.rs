//! Takes batches to a receiver of OTLP.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use outgoing::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use outgoing::{Answer, Client, Http, Method, NoAnswer, excerpt, shown};

use super::grpc::Grpc;
use crate::batch::{Batch, Format};
use crate::config::Protocol;
use crate::fields::Fields;
use crate::transport::{Outcome, Transport};
use crate::verdict;

const PROTOBUF: &str = "application/x-protobuf";

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
        let is_protobuf =
            answer.header(CONTENT_TYPE.as_str()).is_some_and(|kind| kind.starts_with(PROTOBUF));
        let body = if is_protobuf { &*answer.body } else { &[] };
        if answer.status.is_success() {
            return delivered(batch, &url, body);
        }
        // A failure is a `google.rpc.Status` ("OTLP/HTTP Response", "Failures").
        let (line, words) = if is_protobuf {
            let words = String::from_utf8_lossy(Fields::of(body).bytes(2));
            (format!("{}: {}", answer.status, excerpt(&words)), words)
        } else {
            (answer.line(), answer.text())
        };
        verdict::failed(answer, format!("{url} answers {line}"), &words)
    }
}

/// What becomes of a batch that got no answer; with what to do where one protocol seems to have met
/// the port of the other.
pub(super) fn advised(error: &NoAnswer, protocol: Protocol) -> Outcome {
    let outcome = verdict::unanswered(error);
    let advice = match protocol {
        Protocol::Grpc => {
            "is it a port for gRPC (often 4317)? HTTP's is spoken to with \
             --push.otlp.protocol=http/protobuf"
        }
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
pub(super) fn delivered(batch: &Batch, url: &str, response: &[u8]) -> Outcome {
    let partial = Fields::of(Fields::of(response).bytes(1));
    let refused = partial.number(1).min(batch.points());
    let words = excerpt(&String::from_utf8_lossy(partial.bytes(2)));
    if refused == 0 && words.is_empty() {
        return Outcome::WHOLE;
    }
    // With nothing refused, the words are a warning.
    let why = format!("{url} took all but {refused} of {} points: {words}", batch.points());
    Outcome::Delivered { refused, why: Some(why) }
}

#[cfg(test)]
pub(super) mod tests;
