use std::time::Duration;

use exposition::wire;
use outgoing::{Credentials, Http};

use super::*;
use crate::canned::{Backend, LONG, Reply};
use crate::config::{NativeHistograms, Version};

const FLAGS: &str = "--push.remote-write.tls";
const PATH: &str = "/api/v1/write";

/// A request of 2.0: `up 1`.
fn request() -> Bytes {
    let mut out = Vec::new();
    for symbol in ["", "__name__", "up"] {
        wire::string(&mut out, 4, symbol);
    }
    wire::message(&mut out, 5, |out| {
        wire::message(out, 1, |out| out.extend([1, 2]));
        wire::message(out, 2, |out| {
            wire::double(out, 1, 1.0);
            wire::unsigned(out, 2, 1);
        });
    });
    snap::raw::Encoder::new().compress_vec(&out).unwrap().into()
}

fn batch(format: Format) -> Batch {
    Batch { format, time: 1, samples: 5, histograms: 2, body: request() }
}

fn transport(backend: &Backend, version: Version, timeout: Duration) -> RemoteWriteTransport {
    let client = Client::new(&backend.target(PATH, FLAGS), timeout, "tester/1", Http::One).unwrap();
    RemoteWriteTransport::new(client, Arc::new(Protocol::new(version, NativeHistograms::Always)))
}

/// What becomes of a batch that is answered so.
async fn outcome(format: Format, reply: Reply) -> Outcome {
    let backend = Backend::new([reply]).await;
    transport(&backend, Version::V2, LONG).send(&batch(format)).await
}

fn written(status: u16, samples: &str, histograms: &str) -> Reply {
    let reply = Reply::new(status).header(WRITTEN[0], samples);
    reply.header(WRITTEN[1], histograms).header(WRITTEN[2], "0")
}

fn refused(outcome: Outcome) -> String {
    match outcome {
        Outcome::Refused { cause } => cause,
        outcome => panic!("{outcome:?}"),
    }
}

fn later(outcome: Outcome) -> (String, Option<Duration>) {
    match outcome {
        Outcome::Later { cause, after, .. } => (cause, after),
        outcome => panic!("{outcome:?}"),
    }
}

#[tokio::test]
async fn each_version_bears_its_headers() {
    let backend = Backend::new([Reply::new(204), written(204, "5", "2")]).await;
    let transport = transport(&backend, Version::Auto, LONG);
    for format in [Format::RemoteWrite1, Format::RemoteWrite2] {
        assert_eq!(transport.send(&batch(format)).await, Outcome::WHOLE);
    }
    let asked = backend.asked();
    let of = |i: usize| {
        let asked = &asked[i];
        assert_eq!((&*asked.method, &*asked.path, &*asked.body), ("POST", PATH, &*request()));
        assert_eq!(asked.header("content-encoding"), "snappy");
        assert_eq!(asked.header("user-agent"), "tester/1");
        (asked.header("content-type"), asked.header("x-prometheus-remote-write-version"))
    };
    assert_eq!(of(0), ("application/x-protobuf", "0.1.0"));
    assert_eq!(of(1), ("application/x-protobuf;proto=io.prometheus.write.v2.Request", "2.0.0"));
}

#[tokio::test]
async fn a_receiver_that_does_not_know_2_gets_the_same_batch_in_1_and_so_all_that_follow() {
    let nothing = || written(204, "0", "0");
    for ignorant in [Reply::new(204), Reply::new(200).body("ok"), Reply::new(415), nothing()] {
        let backend = Backend::new([ignorant, Reply::new(204)]).await;
        let transport = transport(&backend, Version::Auto, LONG);
        for _ in 0..2 {
            assert_eq!(transport.send(&batch(Format::RemoteWrite2)).await, Outcome::WHOLE);
        }
        assert_eq!(transport.protocol.format(), Format::RemoteWrite1);
        let asked = backend.asked();
        let bodies: Vec<_> = asked.iter().map(|asked| &*asked.body).collect();
        let old = transcode::to_v1(&request(), true).unwrap();
        assert_eq!(bodies, [&*request(), &*old, &*old]);
        assert_eq!(asked[1].header("x-prometheus-remote-write-version"), "0.1.0");
    }
}

#[tokio::test]
async fn one_that_has_written_something_of_2_and_then_nothing_is_not_sent_1() {
    let backend = Backend::new([written(204, "5", "2"), written(204, "0", "0")]).await;
    let transport = transport(&backend, Version::Auto, LONG);
    assert_eq!(transport.send(&batch(Format::RemoteWrite2)).await, Outcome::WHOLE);
    let outcome = transport.send(&batch(Format::RemoteWrite2)).await;
    assert!(matches!(outcome, Outcome::Delivered { refused: 7, .. }), "{outcome:?}");
    assert_eq!(backend.asked().len(), 2);
}

/// A request with a series of native histograms, which the reader of a batch need not find whole.
fn with_native() -> Bytes {
    let mut out = snap::raw::Decoder::new().decompress_vec(&request()).unwrap();
    wire::message(&mut out, 5, |out| {
        wire::message(out, 1, |out| out.extend([1, 2]));
        wire::message(out, 3, |out| wire::unsigned(out, 15, 1));
    });
    snap::raw::Encoder::new().compress_vec(&out).unwrap().into()
}

#[tokio::test]
async fn a_receiver_without_native_histograms_gets_the_classic_ones() {
    let disabled = written(500, "0", "0").body("native histograms are disabled\n");
    let backend = Backend::new([disabled, written(204, "5", "0")]).await;
    let transport = transport(&backend, Version::Auto, LONG);
    let batch = Batch { body: with_native(), ..batch(Format::RemoteWrite2) };
    for _ in 0..2 {
        assert_eq!(transport.send(&batch).await, Outcome::WHOLE);
    }
    assert!(!transport.protocol.takes_native(Format::RemoteWrite2));
    let asked = backend.asked();
    let bodies: Vec<_> = asked.iter().map(|asked| &*asked.body).collect();
    assert_eq!(bodies, [&*with_native(), &*request(), &*request()]);
    assert_eq!(transport.points(&batch), 5, "what is left out is not sent");
}

#[tokio::test]
async fn what_came_with_native_histograms_that_were_not_taken_is_not_lost() {
    let disabled = written(500, "5", "0").body("native histograms are disabled\n");
    let had = written(400, "0", "0").body("out of order sample\n");
    let backend = Backend::new([disabled, had]).await;
    let batch = Batch { body: with_native(), ..batch(Format::RemoteWrite2) };
    let outcome = transport(&backend, Version::Auto, LONG).send(&batch).await;
    assert_eq!(outcome, Outcome::WHOLE);
}

#[tokio::test]
async fn where_2_is_demanded_a_receiver_of_1_loses_nothing_and_it_is_said_what_to_do() {
    for ignorant in [Reply::new(204), Reply::new(415)] {
        let (cause, _) = later(outcome(Format::RemoteWrite2, ignorant).await);
        assert!(cause.contains("allow 1.0 with --push.remote-write.version"), "{cause}");
    }
}

#[tokio::test]
async fn what_was_not_written_is_told() {
    for reply in [written(204, "4", "0"), written(400, "4", "0").body("invalid labels\n")] {
        let Outcome::Delivered { refused: 3, why: Some(why) } =
            outcome(Format::RemoteWrite2, reply).await
        else {
            panic!()
        };
        assert!(why.contains("not all of a batch was written"), "{why}");
    }
    let cause = refused(outcome(Format::RemoteWrite2, written(400, "0", "0").body("bad")).await);
    assert!(cause.ends_with("400 Bad Request: bad"), "{cause}");
}

#[tokio::test]
async fn of_what_a_receiver_has_already_the_counts_of_2_tell_how_much_it_took() {
    for (format, reply, wanted) in [
        (Format::RemoteWrite1, Reply::new(400), 0),
        (Format::RemoteWrite1, Reply::new(409), 0),
        (Format::RemoteWrite2, written(400, "0", "0"), 0),
        (Format::RemoteWrite2, written(400, "3", "1"), 4),
    ] {
        let outcome = outcome(format, reply.body("out of order sample for series {}\n")).await;
        let Outcome::Had { taken, why } = outcome else { panic!("{outcome:?}") };
        assert_eq!(taken, wanted);
        assert!(why.contains("--push.instance"), "{why}");
    }
}

#[tokio::test]
async fn after_which_answers_a_batch_may_have_arrived() {
    for (status, wanted) in [(500, true), (503, true), (408, true), (429, false), (401, false)] {
        let outcome = outcome(Format::RemoteWrite1, Reply::new(status)).await;
        let Outcome::Later { is_doubtful, .. } = outcome else { panic!("{status} {outcome:?}") };
        assert_eq!(is_doubtful, wanted, "{status}");
    }
}

#[tokio::test]
async fn a_login_page_is_no_receiver_of_1_nor_one_that_took_anything() {
    let page = Reply::new(200)
        .header("content-type", "Text/HTML; charset=utf-8")
        .body("\n<!DOCTYPE html><title>Log in</title>");
    for format in [Format::RemoteWrite1, Format::RemoteWrite2] {
        let backend = Backend::new([page.clone()]).await;
        let transport = transport(&backend, Version::Auto, LONG);
        let (cause, _) = later(transport.send(&batch(format)).await);
        assert!(
            cause.contains("a page of HTML") && cause.contains("--push.remote-write.*"),
            "{cause}"
        );
        assert_eq!(transport.protocol.format(), Format::RemoteWrite2, "it did not fall back");
        assert_eq!(backend.asked().len(), 1);
    }
    // Some frameworks call every text so.
    let ok = Reply::new(200).header("content-type", "text/html").body("ok");
    assert_eq!(outcome(Format::RemoteWrite1, ok).await, Outcome::WHOLE);
}

#[tokio::test]
async fn native_histograms_that_are_left_out_do_not_count_as_sent() {
    for (native, sent) in [(NativeHistograms::Auto, 5), (NativeHistograms::Always, 7)] {
        let backend = Backend::new([Reply::new(415), Reply::new(204)]).await;
        let client =
            Client::new(&backend.target(PATH, FLAGS), LONG, "tester/1", Http::One).unwrap();
        let protocol = Arc::new(Protocol::new(Version::Auto, native));
        let transport = RemoteWriteTransport::new(client, protocol);
        let new = batch(Format::RemoteWrite2);
        assert_eq!(transport.points(&new), 7);
        assert_eq!(transport.send(&new).await, Outcome::WHOLE);
        assert_eq!(transport.points(&new), sent);
        assert_eq!(transport.points(&batch(Format::RemoteWrite1)), 7, "nothing is left out of it");
    }
}

#[tokio::test]
async fn what_is_judged_is_refused_with_the_answers_words() {
    for status in [400, 413, 422] {
        let reply = Reply::new(status).body("no such thing\nat all\n");
        let cause = refused(outcome(Format::RemoteWrite1, reply).await);
        assert!(cause.contains(&format!("answers {status}")), "{cause}");
        assert!(cause.ends_with("no such thing at all"), "{cause}");
    }
    let reply = Reply::new(400).body("too old sample\n");
    let cause = refused(outcome(Format::RemoteWrite1, reply).await);
    assert!(cause.contains("out_of_order_time_window"), "{cause}");
}

#[tokio::test]
async fn what_is_wrong_with_the_setup_is_tried_again() {
    for status in [401, 403, 404, 405, 407] {
        let (cause, after) = later(outcome(Format::RemoteWrite1, Reply::new(status)).await);
        let is_proxys = status == 407;
        assert!(cause.contains("--push.remote-write.*") != is_proxys && after.is_none(), "{cause}");
        let (cause, _) = later(outcome(Format::RemoteWrite2, Reply::new(status)).await);
        assert!(cause.contains(&status.to_string()), "{cause}");
    }
    let reply = Reply::new(400).body("unsupported path requested: \"/api/v9/write\"");
    let (cause, _) = later(outcome(Format::RemoteWrite1, reply).await);
    assert!(cause.contains("look at the address"), "{cause}");
    let reply = Reply::new(302).header("location", "https://sso.example/?secret=1");
    let (cause, _) = later(outcome(Format::RemoteWrite1, reply).await);
    assert!(cause.contains("it redirects to https://sso.example/;"), "{cause}");
}

#[tokio::test]
async fn a_receiver_in_trouble_is_asked_again_when_it_says() {
    for status in [408, 429, 500, 503] {
        let reply = Reply::new(status).header("retry-after", "7").body("out of order\n");
        let (cause, after) = later(outcome(Format::RemoteWrite1, reply).await);
        assert!(cause.contains(&status.to_string()), "{cause}");
        assert_eq!(after, Some(Duration::from_secs(7)));
        let (_, after) = later(outcome(Format::RemoteWrite2, written(status, "0", "0")).await);
        assert_eq!(after, None);
    }
}

#[tokio::test]
async fn silence_before_or_after_the_fallback_ends_at_the_timeout() {
    let timeout = Duration::from_millis(200);
    for replies in [vec![Reply::silence()], vec![Reply::new(415), Reply::silence()]] {
        let backend = Backend::new(replies).await;
        let (cause, _) = later(
            transport(&backend, Version::Auto, timeout).send(&batch(Format::RemoteWrite2)).await,
        );
        assert!(cause.contains("did not answer within 200ms"), "{cause}");
    }
}

#[tokio::test]
async fn no_cause_holds_a_credential() {
    let backend = Backend::new([Reply::new(401).body("who are you")]).await;
    let mut target = backend.target("/write?token=hidden", FLAGS);
    target.credentials = Credentials::Bearer("hidden".into());
    let client = Client::new(&target, LONG, "tester/1", Http::One).unwrap();
    let transport = RemoteWriteTransport::new(
        client,
        Arc::new(Protocol::new(Version::V1, NativeHistograms::Always)),
    );
    let (cause, _) = later(transport.send(&batch(Format::RemoteWrite1)).await);
    assert!(cause.contains("who are you") && !cause.contains("hidden"), "{cause}");
    assert_eq!(backend.asked()[0].header("authorization"), "Bearer hidden");
}
