//! Clients that take too long, too much or too many.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use web::{Config, Timeouts};

use crate::support::{
    LONG, Large, Small, Source, config, eventually, get, hooks, plain, request, start,
};

const SOON: Duration = Duration::from_millis(300);

/// So much of it is seen by a client that began a little late.
const ALMOST: Duration = Duration::from_millis(250);

/// Reads until the server closes the connection; how long that took.
async fn until_closed(stream: &mut TcpStream) -> Duration {
    let start = Instant::now();
    let mut buffer = [0; 4096];
    timeout(LONG, async { while !matches!(stream.read(&mut buffer).await, Ok(0) | Err(_)) {} })
        .await
        .expect("closed in time");
    start.elapsed()
}

fn with(timeouts: Timeouts) -> Config {
    Config { timeouts, ..config() }
}

#[tokio::test]
async fn headers_that_trickle_in_are_cut() {
    let config = with(Timeouts { header: SOON, ..Timeouts::default() });
    let server = start(config, hooks(&Arc::new(Source::new(Small)))).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let start = Instant::now();
    stream.write_all(b"GET /metrics HTTP/1.1\r\n").await.unwrap();
    let (mut read, mut write) = stream.split();
    let mut buffer = [0; 64];
    loop {
        tokio::select! {
            got = read.read(&mut buffer) => {
                assert!(matches!(got, Ok(0) | Err(_)), "an answer to half a request");
                break;
            }
            () = tokio::time::sleep(Duration::from_millis(50)) => {
                let _ = write.write_all(b"X").await;
            }
        }
        assert!(start.elapsed() < LONG, "never cut");
    }
    assert!(start.elapsed() >= SOON);
}

#[tokio::test]
async fn an_idle_connection_is_closed_before_and_after_a_request() {
    let config = with(Timeouts { idle: SOON, ..Timeouts::default() });
    let server = start(config, hooks(&Arc::new(Source::new(Small)))).await;
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    assert!(until_closed(&mut silent).await >= ALMOST);
    let mut kept = TcpStream::connect(server.address).await.unwrap();
    kept.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    assert!(until_closed(&mut kept).await >= ALMOST);
}

#[tokio::test]
async fn a_connection_is_kept_longer_than_headers_may_take() {
    let config = with(Timeouts { header: Duration::from_millis(100), ..Timeouts::default() });
    let server = start(config, hooks(&Arc::new(Source::new(Small)))).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    for _ in 0..2 {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut buffer = [0; 4096];
        let got = timeout(LONG, stream.read(&mut buffer)).await.unwrap().unwrap();
        assert!(buffer[..got].starts_with(b"HTTP/1.1 200"));
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_and_costs_little() {
    let families = Large::new(2000, 500);
    let source = Arc::new(Source::new(families.clone()));
    let config =
        Config { max_requests: 1, ..with(Timeouts { write: SOON, ..Timeouts::default() }) };
    let server = start(config, hooks(&source)).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    eventually("asked", async || !source.asked.lock().unwrap().is_empty()).await;
    eventually("cut", async || request(server.address, "HEAD /metrics", &[]).await.status == 200)
        .await;
    assert_eq!(source.served(), 0);
    // Parts that the connection did not take were never encoded.
    let visited = families.visited.load(Ordering::SeqCst);
    assert!(visited < 1000, "{visited} of 2000 parts were encoded for nobody");
}

#[tokio::test]
async fn oversized_headers_are_refused() {
    let server = plain().await;
    let long = format!("X-Long: {}", "x".repeat(100_000));
    // The server answers before it has read all: the rest may meet a reset.
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let _ = stream.write_all(format!("GET / HTTP/1.1\r\nHost: x\r\n{long}").as_bytes()).await;
    let mut answer = [0; 12];
    timeout(LONG, stream.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(&answer, b"HTTP/1.1 431");
    let many: Vec<String> = (0..200).map(|i| format!("X-{i}: y")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(request(server.address, "GET /", &many).await.status, 431);
}

#[tokio::test]
async fn a_head_of_40_kb_does_not_pass_the_limit_of_32_kib() {
    let server = plain().await;
    for (kilobytes, status) in [(31, 200), (33, 431), (40, 431)] {
        let long = format!("X-Long: {}", "x".repeat(kilobytes * 1024));
        for pieces in [1, 3, 9] {
            let head = format!("GET /metrics HTTP/1.1\r\nHost: x\r\n{long}\r\n\r\n");
            let mut stream = TcpStream::connect(server.address).await.unwrap();
            for piece in head.as_bytes().chunks(head.len().div_ceil(pieces)) {
                let _ = stream.write_all(piece).await;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let mut answer = [0; 12];
            timeout(LONG, stream.read_exact(&mut answer)).await.unwrap().unwrap();
            let expected = format!("HTTP/1.1 {status}");
            assert_eq!(&answer, expected.as_bytes(), "{kilobytes} kB in {pieces} pieces");
        }
    }
}

#[tokio::test]
async fn a_request_body_is_not_read() {
    let server = plain().await;
    let answer = request(server.address, "POST /metrics", &["Content-Length: 1000000000"]).await;
    assert_eq!(answer.status, 405);
    let answer = request(server.address, "GET /metrics", &["Content-Length: 1000000000"]).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn garbage_is_a_bad_request() {
    let server = plain().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"\x00\x01\x02 nonsense\r\n\r\n").await.unwrap();
    let mut answer = [0; 12];
    timeout(LONG, stream.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(&answer, b"HTTP/1.1 400");
}

#[tokio::test]
async fn others_are_served_beside_a_thousand_idle_connections() {
    let server = plain().await;
    let mut crowd = Vec::new();
    for _ in 0..1000.min(open_files() / 4) {
        crowd.push(TcpStream::connect(server.address).await.unwrap());
    }
    assert_eq!(get(server.address, "/metrics").await.status, 200);
    for stream in &mut crowd {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    }
    for stream in &mut crowd {
        let mut answer = [0; 12];
        timeout(LONG, stream.read_exact(&mut answer)).await.unwrap().unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
    }
}

/// How many files this process, in which other tests run too, may open.
fn open_files() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    line.and_then(|line| line.split_whitespace().nth(3)?.parse().ok()).unwrap_or(256)
}

#[tokio::test]
async fn the_longest_idle_connection_makes_room_for_a_new_one() {
    let config = Config { max_connections: 10, ..config() };
    let server = start(config, hooks(&Arc::new(Source::new(Small)))).await;
    let mut crowd = Vec::new();
    for _ in 0..10 {
        crowd.push(TcpStream::connect(server.address).await.unwrap());
    }
    for _ in 0..3 {
        assert_eq!(get(server.address, "/healthz").await.status, 200);
    }
    until_closed(&mut crowd[0]).await;
    let last = &mut crowd[9];
    last.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut buffer = [0; 64];
    assert!(timeout(LONG, last.read(&mut buffer)).await.unwrap().unwrap() > 0);
}
