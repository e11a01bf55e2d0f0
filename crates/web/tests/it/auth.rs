//! Basic authentication, headers and the rate limit.

use std::net::SocketAddr;

use base64::Engine;

use crate::support::{Answer, Site, get, request};

fn users() -> String {
    format!("basic_auth_users:\n  alice: {}\n", bcrypt::hash("secret", 4).unwrap())
}

async fn with(address: SocketAddr, path: &str, credentials: &str) -> Answer {
    let encoded = base64::engine::general_purpose::STANDARD.encode(credentials);
    request(address, &format!("GET {path}"), &[&format!("Authorization: Basic {encoded}")]).await
}

#[tokio::test]
async fn every_route_is_guarded() {
    let server = Site::new(&users()).start().await;
    for path in ["/metrics", "/", "/healthz", "/-/ready", "/-/reload", "/quitquitquit", "/nope"] {
        let answer = get(server.address, path).await;
        assert_eq!(answer.status, 401, "{path}");
        assert!(answer.header("www-authenticate").unwrap().starts_with("Basic"), "{path}");
        assert!(!answer.text().contains("test_up"));
    }
}

#[tokio::test]
async fn the_right_password_opens_and_others_do_not() {
    let server = Site::new(&users()).start().await;
    for _ in 0..2 {
        assert_eq!(with(server.address, "/metrics", "alice:secret").await.status, 200);
        for wrong in ["alice:wrong", "bob:secret", "alice:", ":", "alice"] {
            assert_eq!(with(server.address, "/metrics", wrong).await.status, 401, "{wrong}");
        }
    }
}

#[tokio::test]
async fn a_loopback_peer_must_log_in_to_quit() {
    let server = Site::new(&users()).start().await;
    assert_eq!(with(server.address, "/quitquitquit", "alice:wrong").await.status, 401);
    assert_eq!(with(server.address, "/quitquitquit", "alice:secret").await.status, 200);
}

#[tokio::test]
async fn the_files_headers_are_on_every_answer() {
    let headers = "http_server_config:\n  headers:\n    X-Frame-Options: deny\n    \
                   Content-Security-Policy: default-src 'self'\n";
    let server = Site::new(&format!("{headers}{}", users())).start().await;
    for answer in [
        get(server.address, "/metrics").await,
        with(server.address, "/metrics", "alice:secret").await,
        with(server.address, "/nope", "alice:secret").await,
    ] {
        assert_eq!(answer.header("x-frame-options"), Some("deny"));
        assert_eq!(answer.header("content-security-policy"), Some("default-src 'self'"));
    }
}

#[tokio::test]
async fn beyond_the_rate_limit_is_429() {
    let server = Site::new("rate_limit: {interval: 1h, burst: 3}\n").start().await;
    let mut statuses = Vec::new();
    for path in ["/metrics", "/nope", "/healthz", "/metrics", "/"] {
        statuses.push(get(server.address, path).await.status);
    }
    assert_eq!(statuses, [200, 404, 200, 429, 429]);
}
