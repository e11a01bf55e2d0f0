use base64::prelude::BASE64_STANDARD;
use exposition::wire;
use hyper_util::rt::{TokioExecutor, TokioIo};
use outgoing::Http;
use tokio::io::AsyncWriteExt as _;

use super::*;
use crate::canned::{Backend, LONG, Reply, target};
use crate::otlp::transport;
use crate::otlp::transport::tests::{batch, partial};

const FLAGS: &str = "--push.otlp.tls";

async fn send(backend: &Backend, path: &str, format: Format, timeout: Duration) -> Outcome {
    let target = backend.target(path, FLAGS);
    let client = Client::new(&target, timeout, "tester/1", Http::Two).unwrap();
    Grpc::new(client).send(&batch(format)).await
}

async fn outcome(reply: Reply) -> Outcome {
    send(&Backend::new([reply]).await, "", Format::Otlp, LONG).await
}

fn reply() -> Reply {
    Reply::new(200).header("content-type", "application/grpc")
}

fn message(body: &[u8]) -> Vec<u8> {
    [&[0, 0, 0, 0, u8::try_from(body.len()).unwrap()], body].concat()
}

/// Details of a status, with a detail of another kind before what tells to wait.
fn details(seconds: u64, nanos: u64) -> Vec<u8> {
    let mut out = Vec::new();
    wire::unsigned(&mut out, 1, 8);
    for kind in ["Help", "RetryInfo"] {
        wire::message(&mut out, 3, |out| {
            wire::string(out, 1, &format!("type.googleapis.com/google.rpc.{kind}"));
            wire::message(out, 2, |out| {
                wire::message(out, 1, |out| {
                    wire::unsigned(out, 1, seconds);
                    wire::unsigned(out, 2, nanos);
                });
            });
        });
    }
    out
}

fn later(outcome: Outcome) -> (String, Option<Duration>) {
    match outcome {
        Outcome::Later { cause, after, .. } => (cause, after),
        outcome => panic!("{outcome:?}"),
    }
}

#[tokio::test]
async fn a_batch_is_one_unary_call() {
    let backend = Backend::new([reply().body(message(b"")).trailer("grpc-status", "0")]).await;
    for (base, format, compressed, encoding) in
        [("", Format::Otlp, 0, ""), ("/base/", Format::OtlpGzip, 1, "gzip")]
    {
        assert_eq!(send(&backend, base, format, LONG).await, Outcome::WHOLE);
        let asked = backend.asked().pop().unwrap();
        let path = format!(
            "{}/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
            base.trim_end_matches('/')
        );
        assert_eq!((&*asked.method, asked.path), ("POST", path));
        assert_eq!(asked.body, [&[compressed, 0, 0, 0, 6][..], b"points"].concat());
        for (name, value) in [
            ("content-type", "application/grpc"),
            ("te", "trailers"),
            ("grpc-timeout", "20000m"),
            ("grpc-encoding", encoding),
        ] {
            let headers = &asked.headers;
            let found = headers.get(name).map_or("", |value| value.to_str().unwrap());
            assert_eq!(found, value, "{name}");
        }
    }
}

#[tokio::test]
async fn what_was_not_taken_is_told() {
    let body = message(&partial(2, "too wide"));
    let outcome = outcome(reply().body(body).trailer("grpc-status", "0")).await;
    let Outcome::Delivered { refused: 2, why: Some(why) } = outcome else { panic!("{outcome:?}") };
    assert!(why.ends_with("took all but 2 of 5 points: too wide"), "{why}");
}

#[tokio::test]
async fn each_code_is_judged_as_the_specification_says() {
    for code in [1, 4, 10, 11, 14, 15] {
        let reply =
            reply().trailer("grpc-status", &code.to_string()).trailer("grpc-message", "a%20b");
        let (cause, after) = later(outcome(reply).await);
        assert!(
            cause.ends_with(&format!("{}: a b", code_name(code))) && after.is_none(),
            "{cause}"
        );
    }
    for code in [2, 3, 5, 6, 8, 9, 13, 99] {
        let outcome = outcome(reply().trailer("grpc-status", &code.to_string())).await;
        assert!(matches!(outcome, Outcome::Refused { .. }), "{code} {outcome:?}");
    }
    for code in [7, 12, 16] {
        let (cause, _) = later(outcome(reply().trailer("grpc-status", &code.to_string())).await);
        assert!(cause.contains("--push.otlp.*"), "{cause}");
    }
}

#[tokio::test]
async fn a_status_without_a_message_comes_in_the_head() {
    let (cause, _) = later(outcome(reply().header("grpc-status", "14")).await);
    assert!(cause.contains("UNAVAILABLE"), "{cause}");
}

#[tokio::test]
async fn an_exhausted_receiver_is_asked_again_when_it_says() {
    let padded = BASE64_STANDARD.encode(details(2, 500_000_000));
    for bin in [&*padded, padded.trim_end_matches('=')] {
        let reply = reply().trailer("grpc-status", "8").trailer("grpc-status-details-bin", bin);
        let (_, after) = later(outcome(reply).await);
        assert_eq!(after, Some(Duration::from_millis(2500)));
    }
}

#[test]
fn a_delay_that_makes_no_sense_is_bounded() {
    let delay = |seconds, nanos| retry(&BASE64_STANDARD.encode(details(seconds, nanos)));
    assert_eq!(delay((-5_i64).cast_unsigned(), 0), Some(Duration::ZERO));
    assert_eq!(delay(u64::MAX >> 1, 999_999_999), Some(Answer::LONGEST_WAIT));
    assert_eq!(retry("%%%"), None);
}

#[tokio::test]
async fn what_the_backend_has_already_is_told_from_what_it_refuses() {
    let reply = reply().trailer("grpc-status", "3").trailer("grpc-message", "out of order sample");
    let outcome = outcome(reply).await;
    assert!(matches!(outcome, Outcome::Had { taken: 0, .. }), "{outcome:?}");
}

#[tokio::test]
async fn who_does_not_speak_it_is_asked_again() {
    let (cause, _) = later(outcome(Reply::new(200).body("<html>hello</html>")).await);
    assert!(cause.contains("does not answer as gRPC does: 200 OK: <html>hello</html>"), "{cause}");
    let (cause, _) = later(outcome(Reply::new(401)).await);
    assert!(cause.contains("the credentials and headers in --push.otlp.*"), "{cause}");
    let (cause, after) = later(outcome(Reply::new(503).header("retry-after", "4")).await);
    assert!(cause.contains("503") && after == Some(Duration::from_secs(4)), "{cause}");
}

#[tokio::test]
async fn grpc_at_a_port_of_http_is_told_of_the_protocol_and_not_of_the_path() {
    let html = Reply::new(200).header("content-type", "text/html").body("<html>hello</html>");
    for reply in [Reply::new(404), Reply::new(405), Reply::new(400), Reply::new(415), html] {
        let (cause, _) = later(outcome(reply).await);
        assert!(cause.contains("--push.otlp.protocol=http/protobuf"), "{cause}");
        assert!(!cause.contains("path"), "{cause}");
    }
}

/// What becomes of a batch where these bytes are all that is ever answered; then the connection is
/// closed, or left open.
async fn answered_with(bytes: &'static [u8], closes: bool, protocol: Protocol) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        if bytes.is_empty() {
            // It is closed because of what came.
            let _ = std::io::Read::read(&mut connection, &mut [0; 9]);
        }
        let _ = std::io::Write::write_all(&mut connection, bytes);
        if closes {
            let _ = connection.shutdown(std::net::Shutdown::Write);
        }
        // Else it stays open until the other side has read and closed it.
        let _ = std::io::copy(&mut connection, &mut std::io::sink());
    });
    let target = target(&url, FLAGS);
    let client = Client::new(&target, LONG, "tester/1", transport::http(protocol)).unwrap();
    later(transport::transport(client, protocol).send(&batch(Format::Otlp)).await).0
}

#[tokio::test]
async fn one_protocol_at_the_port_of_the_other_is_told_which_to_speak() {
    let http = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
    // Some servers close the connection without a word to what they do not understand.
    for (bytes, closes) in [(&http[..], false), (http, true), (b"", true)] {
        let cause = answered_with(bytes, closes, Protocol::Grpc).await;
        assert!(cause.contains("--push.otlp.protocol=http/protobuf"), "{cause}");
        assert!(!cause.contains("MetricsService"), "{cause}");
    }
    // The SETTINGS that begin a connection of HTTP/2.
    let http2 = b"\0\0\0\x04\0\0\0\0\0";
    for closes in [false, true] {
        let cause = answered_with(http2, closes, Protocol::Http).await;
        assert!(cause.contains("--push.otlp.protocol=grpc"), "{cause}");
    }
}

#[tokio::test]
async fn a_connection_that_is_closed_on_http_1_is_not_taken_for_another_protocol() {
    let cause = answered_with(b"", true, Protocol::Http).await;
    assert!(!cause.contains("--push.otlp.protocol"), "{cause}");
}

/// A collector that restarts while it is asked speaks gRPC all the same.
#[tokio::test]
async fn one_that_has_answered_speaks_the_protocol() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(async move {
        let answer = hyper::service::service_fn(|_| async {
            let answer = hyper::Response::builder().header("grpc-status", "0");
            answer.body(http_body_util::Empty::<Bytes>::new())
        });
        let (connection, _) = listener.accept().await.unwrap();
        let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        tokio::select! {
            _ = server.serve_connection(TokioIo::new(connection), answer) => {}
            _ = ended => {}
        }
        listener
    });
    let target = target(&url, FLAGS);
    let grpc = Grpc::new(Client::new(&target, LONG, "tester/1", Http::Two).unwrap());
    assert_eq!(grpc.send(&batch(Format::Otlp)).await, Outcome::WHOLE);
    drop(end);
    let listener = serving.await.unwrap();
    tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        connection.shutdown().await.unwrap();
        let _ = tokio::io::copy(&mut connection, &mut tokio::io::sink()).await;
    });
    let (cause, _) = later(grpc.send(&batch(Format::Otlp)).await);
    assert!(!cause.contains("--push.otlp.protocol"), "{cause}");
}

#[tokio::test]
async fn silence_ends_at_the_timeout() {
    let backend = Backend::new([Reply::silence()]).await;
    let (cause, _) = later(send(&backend, "", Format::Otlp, Duration::from_millis(200)).await);
    assert!(cause.contains("did not answer within 200ms"), "{cause}");
}
