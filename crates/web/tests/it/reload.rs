//! The web configuration file changes while the server runs.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{LONG, Pki, Site, TLS, eventually, get, request};

/// Many looks at the file.
const A_WHILE: Duration = Duration::from_millis(300);

fn users(password: &str) -> String {
    format!("basic_auth_users:\n  alice: {}\n", bcrypt::hash(password, 4).unwrap())
}

async fn status(address: SocketAddr, password: &str) -> u16 {
    let encoded = base64::engine::general_purpose::STANDARD.encode(format!("alice:{password}"));
    let header = format!("Authorization: Basic {encoded}");
    request(address, "GET /metrics", &[&header]).await.status
}

#[tokio::test]
async fn a_new_password_holds_and_the_old_one_no_longer() {
    let site = Site::new(&users("old"));
    let server = site.start().await;
    assert_eq!(status(server.address, "old").await, 200);
    site.write("web.yml", &users("new"));
    eventually("new", async || status(server.address, "new").await == 200).await;
    assert_eq!(status(server.address, "old").await, 401);
}

#[tokio::test]
async fn a_broken_change_never_opens_a_door() {
    let site = Site::new(&users("secret"));
    let server = site.start().await;
    for broken in [
        "",
        "# all gone\n",
        "basic_auth_users:\n",
        "basic_auth_users: {}\n",
        "http_server_config: {http2: true}\n",
        "basic_auth_users:\n  alice: $2y$04$cut",
        "nonsense: [",
        "tls_server_config: {cert_file: nope, key_file: nope}\n",
    ] {
        site.write("web.yml", broken);
        tokio::time::sleep(A_WHILE).await;
        assert_eq!(get(server.address, "/metrics").await.status, 401, "{broken:?}");
        assert_eq!(status(server.address, "secret").await, 200, "{broken:?}");
    }
    fs::remove_file(site.path("web.yml")).unwrap();
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(get(server.address, "/metrics").await.status, 401, "removed");
    site.write("web.yml", &users("repaired"));
    eventually("repaired", async || status(server.address, "repaired").await == 200).await;
}

#[tokio::test]
async fn a_change_never_turns_off_what_keeps_strangers_out() {
    let strict = format!(
        "{TLS}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.crt\n  \
         client_allowed_sans: [good]\n"
    );
    let site = Site::new(&strict);
    let server = site.start().await;
    let san = |name: &str| vec![rcgen::SanType::DnsName(name.try_into().unwrap())];
    let (good, bad) = (site.pki.client(san("good")), site.pki.client(san("bad")));
    for weaker in [
        "rate_limit: {interval: 1ms, burst: 100}\n".to_owned(),
        TLS.to_owned(),
        format!("{TLS}  client_auth_type: RequireAnyClientCert\n"),
        format!("{TLS}  client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: ca.crt\n"),
        strict.replace("  client_allowed_sans: [good]\n", ""),
    ] {
        site.write("web.yml", &weaker);
        tokio::time::sleep(A_WHILE).await;
        assert_eq!(get(server.address, "/metrics").await.status, 400, "no plain HTTP: {weaker}");
        assert!(!site.admits(server.address, None).await, "{weaker}");
        assert!(!site.admits(server.address, Some(&bad)).await, "{weaker}");
        assert!(site.admits(server.address, Some(&good)).await, "{weaker}");
    }
    site.write("web.yml", &strict.replace("[good]", "[bad]"));
    eventually("another list", async || site.admits(server.address, Some(&bad)).await).await;
    assert!(!site.admits(server.address, Some(&good)).await);
}

#[tokio::test]
async fn a_renewed_certificate_is_shown() {
    let site = Site::new(TLS);
    let server = site.start().await;
    let shown = async || {
        let stream = site.connect(server.address, None, |_| {}).await.unwrap();
        stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
    };
    let before = shown().await;
    let renewed = site.pki.renewed_server();
    // Between the two writes certificate and key do not belong together.
    site.write("server.crt", &renewed.cert);
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(shown().await, before);
    site.write("server.key", &renewed.key);
    eventually("renewed", async || shown().await != before).await;
}

#[tokio::test]
async fn another_authority_of_clients_holds() {
    let text =
        format!("{TLS}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.crt\n");
    let site = Site::new(&text);
    let server = site.start().await;
    let other = Pki::new();
    let client = other.client(Vec::new());
    assert!(!site.admits(server.address, Some(&client)).await);
    site.write("ca.crt", &other.ca.cert);
    eventually("admitted", async || site.admits(server.address, Some(&client)).await).await;
    assert!(!site.admits(server.address, Some(&site.pki.client(Vec::new()))).await);
}

#[tokio::test]
async fn a_connection_made_before_the_change_does_not_outlive_it() {
    let site = Site::new("");
    let server = site.start().await;
    let mut kept = TcpStream::connect(server.address).await.unwrap();
    kept.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut buffer = [0; 4096];
    assert!(kept.read(&mut buffer).await.unwrap() > 0);
    site.write("web.yml", TLS);
    let ended = timeout(LONG, kept.read(&mut buffer)).await.expect("closed in time");
    assert_eq!(ended.unwrap_or(0), 0);
    assert_eq!(get(server.address, "/metrics").await.status, 400, "plain HTTP is no more");
    assert!(site.admits(server.address, None).await);
}

#[tokio::test]
async fn reload_rereads_at_once_and_tells_what_is_wrong() {
    let site = Site::new("");
    let mut config = site.config();
    config.timeouts.watch = LONG * 10;
    let source = std::sync::Arc::new(crate::support::Source::new(crate::support::Small));
    let server = crate::support::start(config, crate::support::hooks(&source)).await;
    site.write("web.yml", "http_server_config: {http3: true}\n");
    let answer = request(server.address, "POST /-/reload", &[]).await;
    assert_eq!(answer.status, 500);
    assert!(answer.text().contains("unknown field `http3`"), "{}", answer.text());
    site.write("web.yml", &users("secret"));
    assert_eq!(request(server.address, "POST /-/reload", &[]).await.status, 200);
    assert_eq!(get(server.address, "/metrics").await.status, 401);
}
