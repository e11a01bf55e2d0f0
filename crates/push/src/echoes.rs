//! Backends that repeat what they were sent in their errors: no cause shows a secret.

use std::sync::Arc;

use outgoing::{Client, Credentials, Http, Target};

use crate::batch::{Batch, Format};
use crate::canned::{Backend, LONG, Reply};
use crate::config::{Method, NativeHistograms, Protocol, Pushgateway, Version};
use crate::otlp::transport;
use crate::pushgateway::Gateway;
use crate::remote_write::{protocol, transport::RemoteWriteTransport};
use crate::transport::{Outcome, Transport};

const PAIR: &str = "YW5hOnMzY3JldC13b3Jk"; // ana:s3cret-word

fn client(target: &Target, http: Http) -> Client {
    Client::new(target, LONG, "tester/1", http).unwrap()
}

fn transports(target: &Target) -> Vec<(Box<dyn Transport>, Format)> {
    let versions = Arc::new(protocol::Protocol::new(Version::V1, NativeHistograms::Never));
    let remote_write = RemoteWriteTransport::new(client(target, Http::One), versions);
    let otlp = |protocol| transport::transport(client(target, transport::http(protocol)), protocol);
    vec![
        (Box::new(remote_write), Format::RemoteWrite1),
        (otlp(Protocol::Http), Format::Otlp),
        (otlp(Protocol::Grpc), Format::Otlp),
    ]
}

/// What may be logged of a batch, or of a state, that each kind of backend answers so.
async fn causes(reply: &Reply, credentials: Credentials) -> Vec<String> {
    let backend = Backend::new([reply.clone().echo()]).await;
    let mut target = backend.target("", "--sink.tls");
    target.credentials = credentials;
    target.headers = vec![("x-key".to_owned(), "s3cret-key".into())];
    let mut causes = Vec::new();
    for (transport, format) in transports(&target) {
        let batch = Batch { format, time: 1, samples: 5, histograms: 0, body: "points".into() };
        causes.push(cause(transport.send(&batch).await));
    }
    let gateway = Pushgateway {
        target,
        job: "job".to_owned(),
        grouping: Vec::new(),
        interval: LONG,
        method: Method::Put,
        delete_on_exit: true,
    };
    let gateway = Gateway::new(&gateway, LONG, "tester/1").unwrap();
    causes.push(cause(gateway.delete().await));
    assert_eq!(backend.asked().len(), 4);
    causes
}

fn cause(outcome: Outcome) -> String {
    match outcome {
        Outcome::Later { cause, .. } | Outcome::Refused { cause } => cause,
        outcome => panic!("{outcome:?}"),
    }
}

#[tokio::test]
async fn an_echoed_credential_is_in_no_cause() {
    let basic = Credentials::Basic { username: "ana".to_owned(), password: "s3cret-word".into() };
    for credentials in [basic, Credentials::Bearer("s3cret-token".into())] {
        for status in [400, 401, 404, 429, 500, 503] {
            for cause in causes(&Reply::new(status), credentials.clone()).await {
                let shows = |secret| cause.contains(secret);
                assert!(!shows("s3cret") && !shows(PAIR), "{cause}");
                assert!(shows("authorization=") && shows("…"), "it quotes the rest: {cause}");
            }
        }
    }
}

#[tokio::test]
async fn an_echoed_credential_is_in_no_message_of_grpc() {
    for code in ["3", "7", "12", "14"] {
        let reply = Reply::new(200).header("grpc-status", code);
        let backend = Backend::new([reply.echo()]).await;
        let mut target = backend.target("", "--sink.tls");
        target.credentials = Credentials::Bearer("s3cret-token".into());
        let client = client(&target, Http::Two);
        let transport = transport::transport(client, Protocol::Grpc);
        let batch =
            Batch { format: Format::Otlp, time: 1, samples: 5, histograms: 0, body: "x".into() };
        let cause = cause(transport.send(&batch).await);
        assert!(!cause.contains("s3cret") && cause.contains("authorization="), "{cause}");
    }
}
