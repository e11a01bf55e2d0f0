use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{self, ServerConfig};

use super::*;
use crate::target::Tls;

const LONG: Duration = Duration::from_secs(20);

/// A server for one connection, which answers with these bytes and then stays silent; and what it
/// was asked.
async fn server(answer: impl Into<Vec<u8>>) -> (SocketAddr, impl Future<Output = String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = answer.into();
    let (asked, heard) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4096];
        let read = connection.read(&mut request).await.unwrap();
        request.truncate(read);
        let _ = asked.send(String::from_utf8_lossy(&request).into_owned());
        let _ = connection.write_all(&answer).await;
        let _ = connection.read(&mut [0]).await;
    });
    (address, async move { heard.await.unwrap() })
}

fn target(address: impl fmt::Display) -> Target {
    Target {
        url: Url::parse(&format!("http://{address}/base")).unwrap(),
        credentials: Credentials::None,
        headers: Vec::new(),
        tls: Tls::default(),
        tls_flags: "--sink.tls",
    }
}

fn client(target: &Target, timeout: Duration) -> Result<Client, ConfigError> {
    Client::new(target, timeout, "tester/1", Http::One)
}

async fn post(client: &Client) -> Result<Answer, NoAnswer> {
    client.send(Method::POST, client.url(), HeaderMap::new(), "body").await
}

#[tokio::test]
async fn every_request_bears_headers_and_credentials() {
    let (address, asked) = server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
    let mut target = target(address);
    target.headers = vec![("X-Scope-OrgID".to_owned(), "tenant".into())];
    target.credentials =
        Credentials::Basic { username: "me".to_owned(), password: "secret".into() };
    let answer = post(&client(&target, LONG).unwrap()).await.unwrap();
    assert_eq!((answer.status.as_u16(), &*answer.body), (200, &b"ok"[..]));
    let asked = asked.await.to_lowercase();
    assert!(asked.starts_with("post /base http/1.1\r\n"), "{asked}");
    for header in
        ["x-scope-orgid: tenant", "authorization: basic bwu6c2vjcmv0", "user-agent: tester/1"]
    {
        assert!(asked.contains(header), "{asked}");
    }
}

#[tokio::test]
async fn a_header_given_by_name_replaces_the_credentials() {
    let (address, asked) = server("HTTP/1.1 204 No Content\r\n\r\n").await;
    let mut target = target(address);
    target.headers = vec![("authorization".to_owned(), "Api-Key k".into())];
    target.credentials = Credentials::Bearer("token".into());
    post(&client(&target, LONG).unwrap()).await.unwrap();
    let asked = asked.await;
    assert!(asked.contains("authorization: Api-Key k") && !asked.contains("token"), "{asked}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (address, _asked) =
        server("HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n").await;
    let answer = post(&client(&target(address), LONG).unwrap()).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.location().unwrap().as_str()), (302, "/login"));
}

#[tokio::test]
async fn of_an_endless_answer_the_beginning_is_read() {
    let head = "HTTP/1.1 400 Bad Request\r\nContent-Length: 10000000\r\n\r\n";
    let (address, _asked) = server([head.as_bytes(), &vec![b'x'; 200_000]].concat()).await;
    let answer = post(&client(&target(address), LONG).unwrap()).await.unwrap();
    assert_eq!(answer.body.len(), ANSWER_BYTES);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_as_long_as_it_is() {
    let head = "HTTP/1.1 500 Oops\r\nContent-Length: 10\r\n\r\nfour";
    let (address, _asked) = server(head).await;
    let timeout = Duration::from_millis(300);
    let answer = post(&client(&target(address), timeout).unwrap()).await.unwrap();
    assert_eq!(answer.body, b"four");
}

#[tokio::test]
async fn silence_ends_at_the_timeout() {
    let (address, _asked) = server("").await;
    let timeout = Duration::from_millis(100);
    let error = post(&client(&target(address), timeout).unwrap()).await.unwrap_err();
    assert_eq!(error.to_string(), format!("http://{address}/base did not answer within 100ms"));
}

#[tokio::test]
async fn nobody_there_and_nonsense_are_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let free = listener.local_addr().unwrap();
    drop(listener);
    let error = post(&client(&target(free), LONG).unwrap()).await.unwrap_err();
    assert!(
        matches!(&error, NoAnswer::Unreachable { cause, .. } if cause.contains("refused")),
        "{error}"
    );

    let (address, _asked) = server("SSH-2.0-OpenSSH_9.9\r\n\r\n").await;
    let error = post(&client(&target(address), LONG).unwrap()).await.unwrap_err();
    assert!(matches!(error, NoAnswer::Garbage { .. }), "{error}");
}

#[tokio::test]
async fn tls_to_who_does_not_speak_it_is_said() {
    let (address, _asked) = server("HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let mut target = target(address);
    target.url.set_scheme("https").unwrap();
    let error = post(&client(&target, LONG).unwrap()).await.unwrap_err().to_string();
    assert!(error.contains("it does not speak TLS"), "{error}");
}

#[test]
fn what_no_header_can_hold_is_refused() {
    let fault = |change: fn(&mut Target)| {
        let mut target = target("localhost:1");
        change(&mut target);
        client(&target, LONG).unwrap_err().to_string()
    };
    let name = fault(|target| target.headers = vec![("a b".to_owned(), "x".into())]);
    assert!(name.starts_with("\"a b\" is no name of a header"), "{name}");
    let value = fault(|target| target.headers = vec![("a".to_owned(), "sec\nret".into())]);
    assert!(value.contains("the header \"a\"") && !value.contains("ret\""), "{value}");
    let token = fault(|target| target.credentials = Credentials::Bearer("sec\nret".into()));
    assert!(token.contains("bearer token") && !token.contains("sec"), "{token}");
    let scheme = fault(|target| target.url = Url::parse("ftp://localhost").unwrap());
    assert!(scheme.contains("scheme"), "{scheme}");
}

#[test]
fn options_are_named_by_their_beginning() {
    assert_eq!(client(&target("localhost:1"), LONG).unwrap().flags(), "--sink");
}

#[test]
fn proxies_are_for_others_than_this_host() {
    for (url, is) in [
        ("http://localhost:1", true),
        ("http://127.0.0.9", true),
        ("http://[::1]:1", true),
        ("http://10.0.0.1", false),
        ("http://localhost.example", false),
    ] {
        assert_eq!(is_this_host(&Url::parse(url).unwrap()), is, "{url}");
    }
}

#[tokio::test]
async fn one_that_resets_the_first_stream_speaks_http_2() {
    for reason in [h2::Reason::REFUSED_STREAM, h2::Reason::ENHANCE_YOUR_CALM] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = target(listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (connection, _) = listener.accept().await.unwrap();
            let mut http2 = h2::server::handshake(connection).await.unwrap();
            let (_request, mut respond) = http2.accept().await.unwrap().unwrap();
            respond.send_reset(reason);
            // That goes out, until the other side is gone.
            while http2.accept().await.is_some() {}
        });
        let client = Client::new(&target, LONG, "tester/1", Http::Two).unwrap();
        let error = post(&client).await.unwrap_err();
        assert!(matches!(error, NoAnswer::Unreachable { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn one_that_sends_us_away_speaks_http_2() {
    // SETTINGS; and GOAWAY, which has seen no stream, for ENHANCE_YOUR_CALM.
    let settings = b"\0\0\0\x04\0\0\0\0\0";
    let goes = b"\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\x0b";
    let (address, _asked) = server([&settings[..], goes].concat()).await;
    let client = Client::new(&target(address), LONG, "tester/1", Http::Two).unwrap();
    let error = post(&client).await.unwrap_err();
    assert!(matches!(error, NoAnswer::Unreachable { .. }), "{error:?}");
}

/// What is agreed upon in the handshake to be spoken over TLS.
async fn agreed(http: Http) -> Option<Vec<u8>> {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key.into())
        .unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec(), b"h2".to_vec()];
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut target = target(listener.local_addr().unwrap());
    target.url.set_scheme("https").unwrap();
    target.tls.insecure_skip_verify = true;
    let asking =
        tokio::spawn(
            async move { post(&Client::new(&target, LONG, "tester/1", http).unwrap()).await },
        );
    let (connection, _) = listener.accept().await.unwrap();
    let connection = TlsAcceptor::from(Arc::new(config)).accept(connection).await.unwrap();
    let agreed = connection.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
    drop(connection);
    assert!(asking.await.unwrap().is_err());
    agreed
}

#[tokio::test]
async fn over_tls_http_2_is_asked_for_where_it_is_spoken() {
    assert_eq!(agreed(Http::Two).await.as_deref(), Some(&b"h2"[..]));
    assert_eq!(agreed(Http::One).await, None);
}
