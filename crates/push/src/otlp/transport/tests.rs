use std::time::Duration;

use exposition::wire;

use super::*;
use crate::canned::{Backend, LONG, Reply};

const FLAGS: &str = "--push.otlp.tls";

pub(in crate::otlp) fn batch(format: Format) -> Batch {
    Batch { format, time: 1, samples: 5, histograms: 0, body: "points".into() }
}

/// An answer that says that points were refused, or only something.
pub(in crate::otlp) fn partial(refused: u64, words: &str) -> Vec<u8> {
    let mut out = Vec::new();
    wire::message(&mut out, 1, |out| {
        wire::unsigned(out, 1, refused);
        wire::string(out, 2, words);
    });
    out
}

async fn send(backend: &Backend, format: Format, timeout: Duration) -> Outcome {
    let target = backend.target("/v1/metrics", FLAGS);
    let client = Client::new(&target, timeout, "tester/1", http(Protocol::Http)).unwrap();
    transport(client, Protocol::Http).send(&batch(format)).await
}

async fn outcome(reply: Reply) -> Outcome {
    send(&Backend::new([reply]).await, Format::Otlp, LONG).await
}

#[tokio::test]
async fn a_batch_bears_its_type_and_compression() {
    let backend = Backend::new([Reply::new(200)]).await;
    for (format, encoding) in [(Format::Otlp, ""), (Format::OtlpGzip, "gzip")] {
        assert_eq!(send(&backend, format, LONG).await, Outcome::WHOLE);
        let asked = backend.asked().pop().unwrap();
        assert_eq!((&*asked.method, &*asked.path), ("POST", "/v1/metrics"));
        assert_eq!(asked.header("content-type"), "application/x-protobuf");
        assert_eq!(asked.header("content-encoding"), encoding);
        assert_eq!(&*asked.body, b"points");
    }
}

#[tokio::test]
async fn what_was_not_taken_is_told() {
    let reply = |body: Vec<u8>| Reply::new(200).header("content-type", PROTOBUF).body(body);
    let Outcome::Delivered { refused: 2, why: Some(why) } =
        outcome(reply(partial(2, "too wide"))).await
    else {
        panic!()
    };
    assert!(why.ends_with("took all but 2 of 5 points: too wide"), "{why}");
    let warned = outcome(reply(partial(0, "old names"))).await;
    assert!(matches!(warned, Outcome::Delivered { refused: 0, why: Some(_) }), "{warned:?}");
    assert_eq!(outcome(reply(Vec::new())).await, Outcome::WHOLE);
}

#[tokio::test]
async fn points_that_an_answer_in_json_rejects_are_refused() {
    const BODY: &str =
        r#" {"partialSuccess":{"rejectedDataPoints":"2","errorMessage":"too wide"}}"#;
    let json = Reply::new(200).header("content-type", "application/json; charset=utf-8");
    let untold = Reply::new(200);
    for reply in [json.clone(), untold] {
        let Outcome::Delivered { refused: 2, why: Some(why) } = outcome(reply.body(BODY)).await
        else {
            panic!()
        };
        assert!(why.ends_with("took all but 2 of 5 points: too wide"), "{why}");
    }
    for body in ["{}", "", "ok", r#"{"partialSuccess":{}}"#] {
        assert_eq!(outcome(json.clone().body(body)).await, Outcome::WHOLE, "{body}");
    }
    let all = json.body(BODY.replace('2', "99"));
    assert!(matches!(outcome(all).await, Outcome::Delivered { refused: 5, .. }));
}

#[tokio::test]
async fn a_receiver_in_trouble_is_asked_again_when_it_says() {
    for status in [408, 429, 500, 502, 503, 504] {
        let outcome = outcome(Reply::new(status).header("retry-after", "3").body("busy")).await;
        let Outcome::Later { cause, after: Some(after), .. } = outcome else {
            panic!("{outcome:?}")
        };
        assert!(cause.contains(&status.to_string()) && cause.ends_with("busy"), "{cause}");
        assert_eq!(after.as_secs(), 3);
    }
}

#[tokio::test]
async fn what_is_judged_is_refused_with_the_answers_words() {
    let mut status = Vec::new();
    wire::unsigned(&mut status, 1, 3);
    wire::string(&mut status, 2, "no such\nmetric");
    for reply in [
        Reply::new(400).header("content-type", PROTOBUF).body(status),
        Reply::new(422).body("no such\nmetric"),
    ] {
        let outcome = outcome(reply).await;
        let Outcome::Refused { cause } = outcome else { panic!("{outcome:?}") };
        assert!(cause.ends_with(": no such metric"), "{cause}");
    }
    let had = outcome(Reply::new(400).body("out of order sample\n")).await;
    assert!(matches!(had, Outcome::Had { taken: 0, .. }), "{had:?}");
}

#[tokio::test]
async fn what_is_wrong_with_the_setup_is_tried_again() {
    for status in [401, 403, 404, 301] {
        let outcome = outcome(Reply::new(status)).await;
        let Outcome::Later { cause, after: None, .. } = outcome else { panic!("{outcome:?}") };
        assert!(cause.contains("--push.otlp.*"), "{cause}");
    }
}

#[tokio::test]
async fn a_login_page_has_taken_nothing() {
    let page =
        Reply::new(200).header("content-type", "text/html").body("<html>who are you?</html>");
    let outcome = outcome(page).await;
    let Outcome::Later { cause, .. } = outcome else { panic!("{outcome:?}") };
    assert!(cause.contains("is it a login"), "{cause}");
}

#[tokio::test]
async fn silence_ends_at_the_timeout() {
    let backend = Backend::new([Reply::silence()]).await;
    let outcome = send(&backend, Format::Otlp, Duration::from_millis(100)).await;
    let Outcome::Later { cause, after: None, .. } = outcome else { panic!("{outcome:?}") };
    assert!(cause.contains("did not answer within 100ms"), "{cause}");
}
