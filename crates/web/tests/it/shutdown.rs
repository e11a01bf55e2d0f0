//! How the server ends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use web::{Config, Timeouts};

use crate::support::{LONG, Large, Small, Source, config, eventually, get, hooks, start};

#[tokio::test]
async fn a_scrape_in_flight_ends_and_newcomers_are_refused() {
    let mut source = Source::new(Large::new(20, 500));
    source.delay = Duration::from_millis(400);
    let source = Arc::new(source);
    let server = start(config(), hooks(&source)).await;
    let scrape = tokio::spawn(get(server.address, "/metrics"));
    eventually("asked", async || !source.asked.lock().unwrap().is_empty()).await;
    server.shutdown.cancel();
    eventually("refused", async || TcpStream::connect(server.address).await.is_err()).await;
    let answer = scrape.await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.text().matches(" 1\n").count(), 20 * 500);
    timeout(LONG, server.ended).await.unwrap().unwrap();
    assert_eq!(source.served(), 1);
}

#[tokio::test]
async fn idle_connections_do_not_delay_the_end() {
    let server = start(config(), hooks(&Arc::new(Source::new(Small)))).await;
    let mut idle = TcpStream::connect(server.address).await.unwrap();
    assert_eq!(get(server.address, "/healthz").await.status, 200);
    let start = Instant::now();
    server.shutdown.cancel();
    timeout(LONG, server.ended).await.unwrap().unwrap();
    assert!(start.elapsed() < Duration::from_secs(2));
    assert_eq!(idle.read(&mut [0; 8]).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn a_scrape_that_never_ends_is_cut_at_last() {
    let mut source = Source::new(Small);
    source.delay = LONG * 10;
    let source = Arc::new(source);
    let timeouts = Timeouts { shutdown: Duration::from_millis(200), ..Timeouts::default() };
    let server = start(Config { timeouts, ..config() }, hooks(&source)).await;
    let address = server.address;
    let mut stream = TcpStream::connect(address).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stream, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    eventually("asked", async || !source.asked.lock().unwrap().is_empty()).await;
    server.shutdown.cancel();
    timeout(LONG, server.ended).await.unwrap().unwrap();
    assert_eq!(stream.read(&mut [0; 8]).await.unwrap_or(0), 0);
}
