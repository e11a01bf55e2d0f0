//! What a scraper gets from `/metrics`.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use web::Config;

use crate::support::{Large, Small, Source, config, eventually, get, hooks, plain, request, start};

#[tokio::test]
async fn a_small_exposition_has_its_length() {
    let server = plain().await;
    let answer = get(server.address, "/metrics").await;
    let length = answer.body.len().to_string();
    assert_eq!(answer.header("content-length"), Some(length.as_str()));
    assert!(answer.text().contains("test_requests_total 7\n"), "{}", answer.text());
}

#[tokio::test]
async fn the_format_is_negotiated() {
    let server = plain().await;
    // A protobuf message has its length first, in one byte here.
    for (accept, content_type, skip, start) in [
        ("", "text/plain; version=0.0.4; charset=utf-8", 0, &b"# HELP test_up "[..]),
        ("image/png", "text/plain; version=0.0.4; charset=utf-8", 0, b"# HELP test_up "),
        (
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;q=0.3",
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
            0,
            b"# TYPE test_up gauge",
        ),
        (
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
            "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
            1,
            b"\x0a\x07test_up",
        ),
    ] {
        let answer = request(server.address, "GET /metrics", &[&format!("Accept: {accept}")]).await;
        assert_eq!(answer.header("content-type"), Some(content_type), "{accept}");
        assert_eq!(answer.header("vary"), Some("Accept, Accept-Encoding"));
        assert_eq!(answer.header("content-encoding"), None);
        assert!(answer.body[skip..].starts_with(start), "{accept}: {:?}", &answer.body[..40]);
        assert_eq!(answer.body.ends_with(b"# EOF\n"), content_type.contains("openmetrics"));
    }
}

#[tokio::test]
async fn two_accept_lines_count_as_one() {
    let server = plain().await;
    let lines = ["Accept: text/plain;q=0.1", "Accept: application/openmetrics-text;version=1.0.0"];
    let answer = request(server.address, "GET /metrics", &lines).await;
    assert!(answer.header("content-type").unwrap().contains("openmetrics"));
}

#[tokio::test]
async fn gzip_and_zstd_say_the_same_as_identity() {
    let source = Arc::new(Source::new(Large::new(60, 500)));
    let server = start(config(), hooks(&source)).await;
    let plain = get(server.address, "/metrics").await;
    assert!(plain.body.len() > 1_000_000);
    for encoding in ["gzip", "zstd"] {
        let header = format!("Accept-Encoding: {encoding}");
        let answer = request(server.address, "GET /metrics", &[&header]).await;
        assert_eq!(answer.header("content-encoding"), Some(encoding));
        let back = match encoding {
            "gzip" => {
                let mut back = Vec::new();
                flate2::read::GzDecoder::new(&*answer.body).read_to_end(&mut back).unwrap();
                back
            }
            _ => zstd::decode_all(&*answer.body).unwrap(),
        };
        assert_eq!(back.len(), plain.body.len(), "{encoding}");
        assert!(back == plain.body, "{encoding}");
        assert!(answer.body.len() * 4 < back.len(), "{encoding}");
    }
    assert_eq!(source.served(), 3);
}

#[tokio::test]
async fn what_was_left_out_is_told_to_the_families() {
    let large = Large::new(3, 10);
    let source = Arc::new(Source::new(large.clone()));
    let server = start(config(), hooks(&source)).await;
    let answer = get(server.address, "/metrics").await;
    assert_eq!(answer.text().matches(" 1\n").count(), 30, "the bad row alone is missing");
    assert_eq!(large.rejected.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn names_pick_families() {
    let server = plain().await;
    let answer = get(server.address, "/metrics?name[]=test_up&name%5B%5D=nope").await;
    assert!(answer.text().contains("test_up 1\n"), "{}", answer.text());
    assert!(!answer.text().contains("test_requests"), "{}", answer.text());
}

#[tokio::test]
async fn a_large_exposition_arrives_whole() {
    let source = Arc::new(Source::new(Large::new(40, 500)));
    let server = start(config(), hooks(&source)).await;
    let answer = get(server.address, "/metrics").await;
    assert_eq!(answer.header("transfer-encoding"), Some("chunked"));
    let lines = answer.text().lines().filter(|line| !line.starts_with('#'));
    assert!(lines.filter(|line| line.ends_with(" 1")).count() == 40 * 500);
    eventually("served", async || source.served() == 1).await;
}

#[tokio::test]
async fn the_deadline_is_the_scrapers_less_half_a_second() {
    let source = Arc::new(Source::new(Small));
    let server = start(config(), hooks(&source)).await;
    for (header, expected) in [("4", 3.5), ("600", 10.0), ("nonsense", 10.0)] {
        let header = format!("X-Prometheus-Scrape-Timeout-Seconds: {header}");
        request(server.address, "GET /metrics", &[&header]).await;
        let left = source.asked.lock().unwrap().pop().unwrap().as_secs_f64();
        assert!(left <= expected && left > expected - 0.3, "{header}: {left}");
    }
}

#[tokio::test]
async fn served_counts_whole_answers_to_get_alone() {
    let source = Arc::new(Source::new(Small));
    let server = start(config(), hooks(&source)).await;
    get(server.address, "/metrics").await;
    request(server.address, "HEAD /metrics", &[]).await;
    get(server.address, "/healthz").await;
    let empty = get(server.address, "/metrics?name[]=nope").await;
    assert_eq!((empty.status, empty.body.len()), (200, 0));
    assert_eq!(get(server.address, "/metrics?name[]=test_up").await.status, 200);
    assert_eq!(source.served(), 1, "a choice is not the whole");
}

#[tokio::test]
async fn an_empty_answer_is_served_too() {
    let source = Arc::new(Source::new(Large::new(0, 0)));
    let server = start(config(), hooks(&source)).await;
    assert_eq!(get(server.address, "/metrics").await.body.len(), 0);
    assert_eq!(source.served(), 1);
}

#[tokio::test]
async fn a_client_that_hangs_up_has_not_been_served() {
    let source = Arc::new(Source::new(Large::new(400, 5000)));
    let config = Config { max_requests: 1, ..config() };
    let server = start(config, hooks(&source)).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    eventually("asked", async || !source.asked.lock().unwrap().is_empty()).await;
    stream.readable().await.unwrap();
    drop(stream);
    // The only place is free again once the body has been dropped.
    eventually("dropped", async || {
        request(server.address, "HEAD /metrics", &[]).await.status == 200
    })
    .await;
    assert_eq!(source.served(), 0);
}
