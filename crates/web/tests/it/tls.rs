//! TLS as the web configuration file asks for it.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::SanType;
use rustls::crypto::ring::cipher_suite::{
    TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 as OTHER,
    TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 as LISTED, TLS13_AES_128_GCM_SHA256 as NEWER,
};
use rustls::crypto::ring::kx_group::{SECP256R1, SECP384R1};
use rustls::crypto::{CryptoProvider, ring};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use web::{Config, Timeouts};

use crate::support::{
    Identity, LONG, Large, Site, Small, Source, TLS, eventually, exchange, get, hooks,
    self_signed_client, start,
};

fn names(names: &[&str]) -> Vec<SanType> {
    names.iter().map(|name| SanType::DnsName((*name).try_into().unwrap())).collect()
}

fn asking(client_auth_type: &str, more: &str) -> String {
    format!("{TLS}  client_auth_type: {client_auth_type}\n{more}")
}

const CA: &str = "  client_ca_file: ca.crt\n";

#[tokio::test]
async fn metrics_are_served_over_tls() {
    let site = Site::new(TLS);
    let server = site.start().await;
    let answer = site.get(server.address, "/metrics", None).await.unwrap();
    assert!(answer.text().contains("test_up 1\n"));
}

#[tokio::test]
async fn who_speaks_http_to_tls_is_told() {
    let server = Site::new(TLS).start().await;
    let answer = get(server.address, "/metrics").await;
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("https://"));
}

#[tokio::test]
async fn cert_and_key_may_stand_in_the_file() {
    let site = Site::new("");
    let indent =
        |pem: &str| pem.lines().map(|line| ["    ", line, "\n"].concat()).collect::<String>();
    let Identity { cert, key } = &site.pki.server;
    let text = format!("tls_server_config:\n  cert: |\n{}  key: |\n{}", indent(cert), indent(key));
    site.write("web.yml", &text);
    let server = site.start().await;
    assert!(site.admits(server.address, None).await);
}

#[tokio::test]
async fn http2_is_spoken_where_both_can() {
    for (more, expected) in
        [("", &b"h2"[..]), ("http_server_config: {http2: false}\n", b"http/1.1")]
    {
        let site = Site::new(&format!("{TLS}{more}"));
        let server = site.start().await;
        let offer = |config: &mut rustls::ClientConfig| {
            config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        };
        let stream = site.connect(server.address, None, offer).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(expected));
        if expected != b"h2" {
            continue;
        }
        let io = TokioIo::new(stream);
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
        tokio::spawn(connection);
        for (path, status) in [("/metrics", 200), ("/nope", 404), ("/healthz", 200)] {
            let uri = format!("https://127.0.0.1{path}");
            let request = hyper::Request::get(uri).body(Empty::<bytes::Bytes>::new()).unwrap();
            let response = sender.send_request(request).await.unwrap();
            assert_eq!(response.status(), status, "{path}");
            let body = response.into_body().collect().await.unwrap().to_bytes();
            assert!(path != "/metrics" || body.starts_with(b"# HELP test_up"));
        }
    }
}

#[tokio::test]
async fn an_http2_client_that_does_not_take_the_answer_is_cut() {
    let site = Site::new(TLS);
    let source = Arc::new(Source::new(Large::new(2000, 500)));
    let timeouts = Timeouts { write: Duration::from_millis(300), ..Timeouts::default() };
    let config = Config { max_requests: 1, timeouts, ..site.config() };
    let server = start(config, hooks(&source)).await;
    let offer = |config: &mut rustls::ClientConfig| config.alpn_protocols = vec![b"h2".to_vec()];
    let io = TokioIo::new(site.connect(server.address, None, offer).await.unwrap());
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    let request = hyper::Request::get("https://127.0.0.1/metrics")
        .body(Empty::<bytes::Bytes>::new())
        .unwrap();
    let unread = sender.send_request(request).await.unwrap();
    eventually("cut", async || {
        let mut stream = site.connect(server.address, None, |_| {}).await.unwrap();
        exchange(&mut stream, "HEAD /metrics", &[]).await.status == 200
    })
    .await;
    assert!(unread.into_body().collect().await.is_err(), "the answer is not whole");
    assert_eq!(source.served(), 0);
}

#[tokio::test]
async fn a_client_certificate_is_asked_for_as_the_type_says() {
    // Without a certificate, with one from a stranger, with one from the authority.
    for (kind, more, expected) in [
        ("NoClientCert", "", [true, true, true]),
        ("RequestClientCert", "", [true, true, true]),
        ("RequestClientCert", CA, [true, true, true]),
        ("RequireAnyClientCert", "", [false, true, true]),
        ("VerifyClientCertIfGiven", "", [true, false, false]),
        ("VerifyClientCertIfGiven", CA, [true, false, true]),
        ("RequireAndVerifyClientCert", CA, [false, false, true]),
    ] {
        let site = Site::new(&asking(kind, more));
        let server = site.start().await;
        // The stranger's authority has the same name, so that the certificate is presented.
        let stranger = crate::support::Pki::new().client(names(&["a"]));
        let known = site.pki.client(names(&["a"]));
        let got = [
            site.admits(server.address, None).await,
            site.admits(server.address, Some(&stranger)).await,
            site.admits(server.address, Some(&known)).await,
        ];
        assert_eq!(got, expected, "{kind} {more}");
    }
}

#[tokio::test]
async fn a_server_certificate_is_no_clients() {
    let site = Site::new(&asking("RequireAndVerifyClientCert", CA));
    let server = site.start().await;
    assert!(!site.admits(server.address, Some(&site.pki.server)).await);
}

#[tokio::test]
async fn a_self_signed_client_can_be_its_own_authority() {
    let site = Site::new(&asking("RequireAndVerifyClientCert", CA));
    let client = self_signed_client();
    site.write("ca.crt", &client.cert);
    let server = site.start().await;
    assert!(site.admits(server.address, Some(&client)).await);
    assert!(!site.admits(server.address, Some(&self_signed_client())).await);
}

#[tokio::test]
async fn only_listed_alternative_names_come_in() {
    let list = "  client_allowed_sans: [prometheus.example.org, 192.0.2.7, \"2001:db8::1\", \
                ops@example.org, \"spiffe://example.org/p\"]\n";
    let site = Site::new(&asking("RequireAndVerifyClientCert", &format!("{CA}{list}")));
    let server = site.start().await;
    let email = |name: &str| SanType::Rfc822Name(name.try_into().unwrap());
    let uri = |name: &str| SanType::URI(name.try_into().unwrap());
    let ip = |ip: &str| SanType::IpAddress(ip.parse().unwrap());
    for (sans, expected) in [
        (names(&["prometheus.example.org"]), true),
        (names(&["other", "prometheus.example.org"]), true),
        (vec![ip("192.0.2.7")], true),
        (vec![ip("2001:db8::1")], true),
        (vec![email("ops@example.org")], true),
        (vec![uri("spiffe://example.org/p")], true),
        (vec![], false),
        (names(&["example.org"]), false),
        (names(&["Prometheus.example.org"]), false),
        (names(&["sub.prometheus.example.org"]), false),
        (vec![ip("192.0.2.8")], false),
        (vec![uri("spiffe://example.org/p2")], false),
    ] {
        let client = site.pki.client(sans.clone());
        assert_eq!(site.admits(server.address, Some(&client)).await, expected, "{sans:?}");
    }
}

#[tokio::test]
async fn versions_are_those_of_the_file() {
    for (more, tls12, tls13) in [
        ("", true, true),
        ("  min_version: TLS13\n", false, true),
        ("  max_version: TLS12\n", true, false),
        ("  cipher_suites: [TLS_AES_128_GCM_SHA256]\n", false, true),
    ] {
        let site = Site::new(&format!("{TLS}{more}"));
        let server = site.start().await;
        let is_12 = |suite: &rustls::SupportedCipherSuite| suite.tls13().is_none();
        let mut only_12 = ring::default_provider();
        only_12.cipher_suites.retain(is_12);
        let mut only_13 = ring::default_provider();
        only_13.cipher_suites.retain(|suite| !is_12(suite));
        for (provider, expected) in [(only_12, tls12), (only_13, tls13)] {
            assert_eq!(connects(&site, provider, server.address).await, expected, "{more}");
        }
    }
}

#[tokio::test]
async fn suites_and_curves_are_those_of_the_file() {
    let text = format!(
        "{TLS}  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]\n  curve_preferences: [CurveP384]\n"
    );
    let site = Site::new(&text);
    let server = site.start().await;
    let with = |suite: rustls::SupportedCipherSuite, curve| CryptoProvider {
        cipher_suites: vec![suite],
        kx_groups: vec![curve],
        ..ring::default_provider()
    };
    for (provider, expected) in [
        (with(LISTED, SECP384R1), true),
        (with(NEWER, SECP384R1), true),
        (with(OTHER, SECP384R1), false),
        (with(LISTED, SECP256R1), false),
    ] {
        assert_eq!(connects(&site, provider, server.address).await, expected);
    }
}

async fn connects(site: &Site, provider: CryptoProvider, address: std::net::SocketAddr) -> bool {
    site.connect_by(provider, address, None, |_| {}).await.is_ok()
}

#[tokio::test]
async fn a_handshake_that_never_ends_is_cut() {
    let site = Site::new(TLS);
    let timeouts = Timeouts { handshake: Duration::from_millis(200), ..Timeouts::default() };
    let config = Config { timeouts, ..site.config() };
    let server = start(config, hooks(&Arc::new(Source::new(Small)))).await;
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    let mut buffer = [0; 8];
    let read = tokio::time::timeout(LONG, silent.read(&mut buffer)).await.expect("cut in time");
    assert_eq!(read.unwrap_or(0), 0);
}
