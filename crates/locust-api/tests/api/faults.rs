//! All that can come instead of Locust's answer, and how it is told.

use std::io::Write as _;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use locust_api::{Client, Config, Error, Look};

use crate::locust::{fixture, running_but};
use crate::server::{Reply, Server};
use crate::{collector, failure, look, snapshot};

const STATS: &str = "/stats/requests";

async fn stats(reply: Reply) -> Look {
    look(&running_but(vec![(STATS, reply)]).await.client()).await
}

#[track_caller]
fn assert_told(look: &Look, words: &[&str]) {
    let shown = failure(look);
    assert!(!shown.contains('\n'), "{shown}");
    for word in words {
        assert!(shown.contains(word), "{shown:?} without {word:?}");
    }
}

#[tokio::test]
async fn refused() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = Client::new(Config::new(format!("http://{free}").parse().unwrap())).unwrap();
    let look = look(&client).await;
    assert!(matches!(look.snapshot, Err(Error::Unreachable { .. })));
    assert_told(&look, &["/stats/requests cannot be reached", "Connection refused"]);
    assert_eq!(collector(&look, "stats"), Some(false));
}

#[tokio::test]
async fn a_name_that_does_not_exist() {
    let config = Config::new("http://locust.invalid:8089".parse().unwrap());
    let look = look(&Client::new(config).unwrap()).await;
    assert!(matches!(look.snapshot, Err(Error::Unreachable { .. })));
    assert_told(&look, &["http://locust.invalid:8089/stats/requests cannot be reached"]);
}

#[tokio::test]
async fn reset_in_mid_answer() {
    let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"stats\":".to_vec();
    let look = stats(Reply::ThenReset(cut)).await;
    assert!(matches!(look.snapshot, Err(Error::Unreachable { .. })), "{:?}", look.snapshot);
    assert_told(&look, &["the connection broke after 9 bytes of the answer", "reset"]);
}

#[tokio::test]
async fn closed_in_mid_answer() {
    let server = running_but(vec![(
        STATS,
        Reply::Raw(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{\"stats\":\r\nx".into(),
        ),
    )])
    .await;
    let look = look(&server.client()).await;
    assert!(matches!(look.snapshot, Err(Error::Unreachable { .. })), "{:?}", look.snapshot);
}

#[tokio::test]
async fn json_cut_short() {
    let whole = fixture("2.47/running_stats.json");
    let look = stats(Reply::json(&whole[..1000])).await;
    assert!(matches!(look.snapshot, Err(Error::NotUnderstood { .. })));
    assert_told(&look, &["the JSON is cut short after 1000 bytes"]);
}

#[tokio::test]
async fn json_that_is_none() {
    let look = stats(Reply::json(r#"{"stats":[{"name":}]}"#)).await;
    assert!(matches!(look.snapshot, Err(Error::NotUnderstood { .. })));
    assert_told(&look, &["the JSON is not valid", "column 19"]);
}

#[tokio::test]
async fn text_that_is_not_utf8() {
    let look = stats(Reply::json(b"{\"stats\":[{\"name\":\"\xff\"}]}")).await;
    assert!(matches!(look.snapshot, Err(Error::NotUnderstood { .. })));
    assert_told(&look, &["invalid unicode"]);
}

#[tokio::test]
async fn json_of_another_service() {
    for body in [r#"{"status":"up"}"#, "[]", r#"{"stats":3}"#] {
        let look = stats(Reply::json(body)).await;
        assert!(matches!(look.snapshot, Err(Error::NotLocust { .. })), "{body}");
        assert_told(&look, &["it is JSON, but", "check the address and the base path"]);
    }
}

#[tokio::test]
async fn html_with_status_200() {
    let look = stats(Reply::html("<html><title>Grafana</title></html>")).await;
    assert!(matches!(look.snapshot, Err(Error::NotLocust { .. })));
    assert_told(&look, &["it answers with text/html; charset=utf-8 instead of JSON"]);
}

#[tokio::test]
async fn json_of_an_odd_type_is_read_all_the_same() {
    let body = fixture("2.47/running_stats.json");
    assert!(stats(Reply::new("200 OK", "text/plain", body)).await.snapshot.is_ok());
}

#[tokio::test]
async fn an_empty_answer() {
    let look = stats(Reply::json("")).await;
    assert_told(&look, &["the JSON is cut short after 0 bytes"]);
}

#[tokio::test]
async fn a_login_that_the_locustfile_does_not_set_up() {
    let text = "Locust auth exception: The session is unavailable because no secret key was set.";
    let look = stats(Reply::html(text)).await;
    assert!(matches!(look.snapshot, Err(Error::LoginNeeded { .. })));
    assert_told(&look, &["SECRET_KEY", "--web-login"]);
}

#[tokio::test]
async fn a_redirect_to_the_login() {
    let look = stats(Reply::redirect("/base/login?next=secret")).await;
    assert!(matches!(look.snapshot, Err(Error::LoginNeeded { .. })));
    assert_told(&look, &["needs a login: it redirects to /base/login: give user and password"]);
    assert!(!failure(&look).contains("secret"));
}

#[tokio::test]
async fn a_redirect_elsewhere_is_not_followed_and_shown_without_its_query() {
    let look = stats(Reply::redirect("https://elsewhere.example/stats?token=secret")).await;
    assert!(matches!(look.snapshot, Err(Error::NotLocust { .. })));
    assert_told(&look, &["it redirects to /stats;"]);
    assert!(!failure(&look).contains("secret"));
}

#[tokio::test]
async fn a_redirect_without_an_aim() {
    let look = stats(Reply::new("304 NOT MODIFIED", "text/html", "")).await;
    assert_told(&look, &["it answers 304 Not Modified"]);
}

#[tokio::test]
async fn credentials_that_are_asked_for() {
    for status in ["401 UNAUTHORIZED", "403 FORBIDDEN"] {
        let look = stats(Reply::new(status, "text/html", "")).await;
        assert!(matches!(look.snapshot, Err(Error::LoginNeeded { .. })), "{status}");
        assert_told(&look, &["give credentials"]);
    }
}

#[tokio::test]
async fn a_failure_inside_locust_with_the_beginning_of_its_text() {
    let text = "'<' not supported between\n instances of 'NoneType' and 'str'";
    let look = stats(Reply::new("500 INTERNAL SERVER ERROR", "text/html", text)).await;
    assert!(matches!(look.snapshot, Err(Error::Failed { .. })));
    let words = "500 Internal Server Error: '<' not supported between instances of 'NoneType'";
    assert_told(&look, &[words]);
}

#[tokio::test]
async fn a_long_failure_is_cut() {
    let look = stats(Reply::new("503 UNAVAILABLE", "text/html", "x".repeat(100_000))).await;
    assert!(failure(&look).len() < 300);
}

#[tokio::test]
async fn a_route_that_is_not_there_means_another_service_or_base_path() {
    let look = stats(Reply::not_found()).await;
    assert!(matches!(look.snapshot, Err(Error::NotLocust { .. })));
    assert_told(&look, &["404 Not Found", "base path"]);
    // Old Locusts make a 500 of it.
    let text = "404 Not Found: The requested URL was not found on the server.";
    let look = stats(Reply::new("500 INTERNAL SERVER ERROR", "text/html", text)).await;
    assert!(matches!(look.snapshot, Err(Error::NotLocust { .. })));
}

#[tokio::test]
async fn another_status() {
    let look = stats(Reply::new("418 I'M A TEAPOT", "text/html", "")).await;
    assert!(matches!(look.snapshot, Err(Error::NotLocust { .. })));
    assert_told(&look, &["it answers 418"]);
}

#[tokio::test]
async fn another_protocol() {
    let look = stats(Reply::Raw(b"220 mail.example ESMTP ready\r\n\r\n".to_vec())).await;
    assert!(matches!(look.snapshot, Err(Error::NotLocust { .. })), "{:?}", look.snapshot);
    assert_told(&look, &["invalid HTTP"]);
}

async fn with_limit(server: &Server, body_limit: usize) -> Look {
    look(&Client::new(Config { body_limit, ..server.config() }).unwrap()).await
}

#[tokio::test]
async fn a_body_over_the_limit_is_not_even_read_if_its_length_is_told() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000001\r\n\r\n".to_vec();
    let server = running_but(vec![(STATS, Reply::ThenStall(head))]).await;
    let look = with_limit(&server, 1_000_000).await;
    assert!(matches!(look.snapshot, Err(Error::TooLarge { limit: 1_000_000, .. })));
    assert_told(&look, &["answers with more than 1000000 bytes"]);
}

#[tokio::test]
async fn an_endless_body_is_read_up_to_the_limit() {
    let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    let chunk = format!("1000\r\n{}\r\n", " ".repeat(0x1000)).into_bytes();
    let server = running_but(vec![(STATS, Reply::Endless(head, chunk))]).await;
    let look = with_limit(&server, 1_000_000).await;
    assert!(matches!(look.snapshot, Err(Error::TooLarge { .. })));
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn gzipped(body: impl AsRef<[u8]>) -> Reply {
    let headers = [("Content-Type", "application/json"), ("Content-Encoding", "gzip")];
    Reply::with_headers("200 OK", &headers, body)
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_is_read() {
    let body = fixture("2.47/running_stats.json");
    let server = running_but(vec![]).await;
    assert!(with_limit(&server, body.len()).await.snapshot.is_ok());
    assert!(with_limit(&server, body.len() - 1).await.snapshot.is_err());
}

#[tokio::test]
async fn a_gzip_bomb_is_stopped_at_the_limit() {
    let bomb = gzip(&vec![b' '; 50_000_000]);
    assert!(bomb.len() < 100_000);
    let server = running_but(vec![(STATS, gzipped(bomb))]).await;
    let look = with_limit(&server, 1_000_000).await;
    assert!(matches!(look.snapshot, Err(Error::TooLarge { .. })), "{:?}", look.snapshot);
}

#[tokio::test]
async fn gzip_is_asked_for_and_read() {
    let body = gzip(&fixture("2.47/running_stats.json"));
    let server = running_but(vec![(STATS, gzipped(body))]).await;
    let seen = snapshot(look(&server.client()).await);
    assert_eq!(seen.endpoints.len(), 9);
    let request = server.seen().into_iter().find(|request| request.path == STATS).unwrap();
    assert_eq!(request.header("accept-encoding"), Some("gzip"));
}

#[tokio::test]
async fn gzip_that_is_none_or_cut() {
    let whole = gzip(&fixture("2.47/running_stats.json"));
    for body in [b"{\"stats\":[]}".as_slice(), &whole[..whole.len() / 2]] {
        let look = stats(gzipped(body)).await;
        assert!(matches!(look.snapshot, Err(Error::NotUnderstood { .. })), "{:?}", look.snapshot);
        assert_told(&look, &["cannot be decompressed"]);
    }
}

#[tokio::test]
async fn optional_routes_that_fail_keep_the_snapshot() {
    let broken = Reply::new("500 INTERNAL SERVER ERROR", "text/html", "no");
    let server = running_but(vec![
        ("/exceptions", broken),
        ("/tasks", Reply::html("<html>")),
        ("/", Reply::ThenReset(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n<".to_vec())),
    ])
    .await;
    let look = look(&server.client()).await;
    for name in ["exceptions", "tasks", "index"] {
        assert_eq!(collector(&look, name), Some(false), "{name}");
        let failed = look.collectors.iter().find(|c| c.name == name).unwrap();
        assert!(failed.error.is_some(), "{name}");
    }
    let seen = snapshot(look);
    assert_eq!(seen.endpoints.len(), 9);
    assert_eq!(seen.exceptions, None, "unknown, not none");
    assert!(seen.tasks.is_empty() && seen.users.by_class.is_empty());
    assert_eq!((seen.version, seen.host, seen.users.target), (None, None, None));
}

#[tokio::test]
async fn a_page_that_is_not_locusts_is_a_failed_index() {
    for body in ["<html>hello</html>", "window.templateArgs = {\"version\":", ""] {
        let server = running_but(vec![("/", Reply::html(body))]).await;
        assert_eq!(collector(&look(&server.client()).await, "index"), Some(false), "{body}");
    }
}

#[tokio::test]
async fn after_a_failure_nothing_stale_is_left() {
    let server = running_but(vec![]).await;
    let client = server.client();
    assert!(look(&client).await.snapshot.is_ok());
    drop(server);
    tokio::time::sleep(Duration::from_millis(20)).await;
    let look = look(&client).await;
    assert!(matches!(look.snapshot, Err(Error::Unreachable { .. })), "{:?}", look.snapshot);
}
