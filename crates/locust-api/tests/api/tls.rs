//! TLS towards Locust.

use locust_api::{Client, Config, Error, Look, Tls};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::certs::{Ca, Pair};
use crate::locust::running;
use crate::server::Server;
use crate::{failure, look, snapshot};

async fn serve(ca: &Ca, pair: &Pair, asks: bool) -> Server {
    Server::start_tls(ca.server(pair, asks), running).await
}

async fn look_with(server: &Server, tls: Tls) -> Look {
    let url = format!("https://{}", server.addr).parse().unwrap();
    look(&Client::new(Config { tls, ..Config::new(url) }).unwrap()).await
}

#[tokio::test]
async fn a_certificate_of_a_given_ca_is_trusted() {
    let ca = Ca::new();
    let server = serve(&ca, &ca.issue("127.0.0.1"), false).await;
    let tls = Tls { ca_file: Some(ca.file()), ..Tls::default() };
    assert_eq!(snapshot(look_with(&server, tls).await).endpoints.len(), 9);
}

#[tokio::test]
async fn an_unknown_certificate_names_the_flags() {
    let (ca, other) = (Ca::new(), Ca::new());
    let server = serve(&ca, &ca.issue("127.0.0.1"), false).await;
    let given = Tls { ca_file: Some(other.file()), ..Tls::default() };
    for tls in [given, Tls::default()] {
        let look = look_with(&server, tls).await;
        assert!(matches!(look.snapshot, Err(Error::Unreachable { .. })), "{look:?}");
        let shown = failure(&look);
        for word in ["--locust.tls.ca-file", "--locust.tls.insecure-skip-verify", "not trusted"] {
            assert!(shown.contains(word), "{shown}");
        }
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_self_signed_certificate_is_trusted_where_it_is_the_very_one_given() {
    let ca = Ca::new();
    let (ours, other) = (Pair::self_signed("127.0.0.1"), Pair::self_signed("127.0.0.1"));
    let server = serve(&ca, &ours, false).await;
    let trust = |pair: &Pair, file: &str| Tls {
        ca_file: Some(ca.write(file, &pair.certificate.pem())),
        ..Tls::default()
    };
    snapshot(look_with(&server, trust(&ours, "ours.pem")).await);
    for tls in [trust(&other, "other.pem"), Tls::default()] {
        let shown = failure(&look_with(&server, tls).await);
        assert!(shown.contains("that very certificate with --locust.tls.ca-file"), "{shown}");
    }
    let elsewhere = Pair::self_signed("elsewhere.example");
    let server = serve(&ca, &elsewhere, false).await;
    let shown = failure(&look_with(&server, trust(&elsewhere, "elsewhere.pem")).await);
    assert!(shown.contains("for another name"), "{shown}");
    let expired = Pair::expired("127.0.0.1");
    let server = serve(&ca, &expired, false).await;
    let shown = failure(&look_with(&server, trust(&expired, "expired.pem")).await);
    assert!(shown.contains("expired"), "{shown}");
}

#[tokio::test]
async fn any_certificate_is_trusted_if_told_so() {
    let ca = Ca::new();
    let server = serve(&ca, &ca.issue("elsewhere.example"), false).await;
    let tls = Tls { insecure_skip_verify: true, ..Tls::default() };
    snapshot(look_with(&server, tls).await);
}

#[tokio::test]
async fn a_certificate_for_another_name_needs_that_name() {
    let ca = Ca::new();
    let server = serve(&ca, &ca.issue("locust.example"), false).await;
    let tls = Tls { ca_file: Some(ca.file()), ..Tls::default() };
    let look = look_with(&server, tls.clone()).await;
    assert!(failure(&look).contains("its certificate is for another name"), "{}", failure(&look));
    let named = Tls { server_name: Some("locust.example".to_owned()), ..tls.clone() };
    snapshot(look_with(&server, named).await);
    let wrong = Tls { server_name: Some("other.example".to_owned()), ..tls };
    assert!(look_with(&server, wrong).await.snapshot.is_err());
}

#[tokio::test]
async fn a_client_certificate_is_shown_where_it_is_asked_for() {
    let ca = Ca::new();
    let server = serve(&ca, &ca.issue("127.0.0.1"), true).await;
    let pair = ca.issue("exporter.example");
    let tls = Tls {
        ca_file: Some(ca.file()),
        cert_file: Some(ca.write("client.pem", &pair.certificate.pem())),
        key_file: Some(ca.write("client.key", &pair.key.serialize_pem())),
        ..Tls::default()
    };
    snapshot(look_with(&server, tls.clone()).await);
    let without = Tls { cert_file: None, key_file: None, ..tls };
    let shown = failure(&look_with(&server, without).await);
    assert!(shown.contains("--locust.tls.cert-file"), "{shown}");
}

#[tokio::test]
async fn a_key_of_another_certificate_is_refused_at_the_start() {
    let ca = Ca::new();
    let tls = Tls {
        cert_file: Some(ca.write("client.pem", &ca.issue("a.example").certificate.pem())),
        key_file: Some(ca.write("client.key", &ca.issue("b.example").key.serialize_pem())),
        ..Tls::default()
    };
    let config = Config { tls, ..Config::new("https://locust".parse().unwrap()) };
    let shown = Client::new(config).unwrap_err().to_string();
    assert!(shown.contains("client.key") && shown.contains("does not fit"), "{shown}");
}

#[tokio::test]
async fn a_certificate_where_a_key_is_due_is_refused() {
    let ca = Ca::new();
    let certificate = ca.write("client.pem", &ca.issue("a.example").certificate.pem());
    let tls =
        Tls { cert_file: Some(certificate.clone()), key_file: Some(certificate), ..Tls::default() };
    let config = Config { tls, ..Config::new("https://locust".parse().unwrap()) };
    let shown = Client::new(config).unwrap_err().to_string();
    assert!(shown.contains("it holds no private key; PEM is accepted"), "{shown}");
}

#[tokio::test]
async fn plain_http_behind_https_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap()).parse().unwrap();
    let server = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 1024]).await;
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let look = look(&Client::new(Config::new(url)).unwrap()).await;
    server.abort();
    assert!(failure(&look).contains("it does not speak TLS"), "{}", failure(&look));
}

#[tokio::test]
async fn https_behind_plain_http_is_told() {
    let ca = Ca::new();
    let server = serve(&ca, &ca.issue("127.0.0.1"), false).await;
    let look = look(&server.client()).await;
    assert!(matches!(look.snapshot, Err(Error::Unreachable { .. } | Error::NotLocust { .. })));
}
