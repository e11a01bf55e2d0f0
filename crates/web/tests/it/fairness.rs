//! A well-behaved scraper beside every kind of attack: all of its scrapes are answered. Peers are
//! told apart by their address, of which loopback has many.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64::Engine;
use http_body_util::Empty;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use web::{Ask, Config, Hooks, Probe, ProbeFuture, ProbeTarget};

use crate::support::{
    LONG, Large, Running, Site, Small, Source, TLS, config, connect_from, eventually, exchange,
    get, get_from, hooks, start,
};

/// Scrapes that a well-behaved scraper makes during an attack.
const SCRAPES: usize = 25;

/// The last bytes of the attacker's address, and of somebody else's.
const ATTACKER: u8 = 1;
const OTHER: u8 = 2;

/// More than the buffers of the system take for a client that does not read.
fn large() -> Large {
    Large::new(150, 500)
}

/// Scrapes again and again from an address; each scrape must be answered, and soon.
async fn scrape_all(peer: u8, address: SocketAddr, headers: &[&str]) {
    for scrape in 1..=SCRAPES {
        let began = Instant::now();
        let answer = get_from(peer, address, "/metrics", headers).await;
        let took = began.elapsed();
        assert_eq!(answer.status, 200, "scrape {scrape} of {SCRAPES}: {}", answer.text());
        assert!(took < Duration::from_secs(5), "scrape {scrape} took {took:?}");
    }
}

#[tokio::test]
async fn fifty_scrapers_that_wait_for_the_same_fetch_are_all_answered() {
    let mut source = Source::new(Small);
    source.delay = Duration::from_millis(500);
    source.is_shared = true;
    let server = start(Config { max_requests: 2, ..config() }, hooks(&Arc::new(source))).await;
    let mut scrapes = JoinSet::new();
    for _ in 0..50 {
        scrapes.spawn(get(server.address, "/metrics"));
    }
    let statuses: Vec<u16> = scrapes.join_all().await.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [200; 50]);
}

/// Probes that take their time, and are counted when they begin.
struct Slow {
    takes: Duration,
    begun: AtomicUsize,
}

impl Probe for Slow {
    fn probe(&self, _: ProbeTarget, _: Ask) -> ProbeFuture<'_> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        Box::pin(async {
            tokio::time::sleep(self.takes).await;
            Ok(Arc::new(Small) as Arc<dyn exposition::Families>)
        })
    }
}

async fn probing(most: usize, takes: Duration) -> (Running, Arc<Slow>) {
    let slow = Arc::new(Slow { takes, begun: AtomicUsize::new(0) });
    let probe = Some(Arc::clone(&slow) as Arc<dyn Probe>);
    let hooks = Hooks { probe, ..hooks(&Arc::new(Source::new(Small))) };
    (start(Config { max_requests: most, ..config() }, hooks).await, slow)
}

#[tokio::test]
async fn more_probes_than_places_wait_for_their_turn() {
    let (server, _) = probing(4, Duration::from_millis(50)).await;
    let mut probes = JoinSet::new();
    for target in 0..60 {
        let address = server.address;
        probes.spawn(async move { get(address, &format!("/probe?target={target}")).await.status });
    }
    assert_eq!(probes.join_all().await, [200; 60]);
}

#[tokio::test]
async fn slow_probes_of_one_peer_hold_up_neither_others_nor_metrics() {
    let (server, slow) = probing(4, LONG * 10).await;
    let address = server.address;
    let mut probes = JoinSet::new();
    for target in 0..20 {
        let path = format!("/probe?target={target}");
        probes.spawn(async move { get_from(ATTACKER, address, &path, &[]).await });
    }
    let begun = || slow.begun.load(Ordering::SeqCst);
    eventually("the attacker has its places", async || begun() == 2).await;
    let hurried = &["X-Prometheus-Scrape-Timeout-Seconds: 0.2"];
    let late = get_from(ATTACKER, address, "/probe?target=late", hurried).await;
    assert_eq!(late.status, 503);
    assert!(late.text().contains("(web.max-requests)"), "{}", late.text());
    assert_eq!(late.header("retry-after"), Some("1"));
    probes.spawn(async move { get_from(OTHER, address, "/probe?target=other", &[]).await });
    eventually("another peer is probed", async || begun() == 3).await;
    for peer in [OTHER, ATTACKER] {
        scrape_all(peer, address, &[]).await;
    }
}

#[tokio::test]
async fn clients_that_do_not_read_their_answers_cost_nobody_else_a_scrape() {
    let source = Arc::new(Source::new(large()));
    let server = start(Config { max_requests: 4, ..config() }, hooks(&source)).await;
    let attackers = not_reading(server.address, 9).await;
    eventually("the attackers have places", async || source.asked.lock().unwrap().len() >= 9).await;
    for peer in [OTHER, ATTACKER] {
        for _ in 0..3 {
            assert_eq!(get_from(peer, server.address, "/metrics", &[]).await.status, 200);
        }
    }
    drop(attackers);
}

async fn not_reading(address: SocketAddr, count: usize) -> Vec<TcpStream> {
    let mut clients = Vec::new();
    for _ in 0..count {
        let mut client = connect_from(ATTACKER, address).await;
        client.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        clients.push(client);
    }
    clients
}

#[tokio::test]
async fn http2_connections_with_a_window_of_0_cost_nobody_a_scrape() {
    let site = Site::new(TLS);
    let source = Arc::new(Source::new(Small));
    let server = start(site.config(), hooks(&source)).await;
    let mut unread = Vec::new();
    for _ in 0..2 {
        let offer = |config: &mut rustls::ClientConfig| config.alpn_protocols = vec!["h2".into()];
        let io = TokioIo::new(site.connect(server.address, None, offer).await.unwrap());
        let mut builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
        builder.initial_stream_window_size(0);
        let (mut sender, connection) = builder.handshake(io).await.unwrap();
        tokio::spawn(connection);
        for _ in 0..32 {
            let request = hyper::Request::get("https://127.0.0.1/metrics");
            let request = request.body(Empty::<bytes::Bytes>::new()).unwrap();
            unread.push(tokio::spawn(sender.send_request(request)));
        }
    }
    eventually("the attackers have places", async || source.asked.lock().unwrap().len() >= 40)
        .await;
    for _ in 0..SCRAPES {
        let scrape = async {
            let mut stream = site.connect(server.address, None, |_| {}).await.unwrap();
            exchange(&mut stream, "GET /metrics", &[]).await.status
        };
        assert_eq!(timeout(Duration::from_secs(5), scrape).await, Ok(200));
    }
}

#[tokio::test]
async fn idle_connections_of_one_peer_do_not_close_those_of_another() {
    let config = Config { max_connections: 20, ..config() };
    let server = start(config, hooks(&Arc::new(Source::new(Small)))).await;
    let mut kept = connect_from(OTHER, server.address).await;
    let mut flood = Vec::new();
    for _ in 0..60 {
        flood.push(connect_from(ATTACKER, server.address).await);
    }
    assert_eq!(get_from(ATTACKER, server.address, "/metrics", &[]).await.status, 200);
    assert_eq!(exchange(&mut kept, "GET /metrics", &[]).await.status, 200);
}

#[tokio::test]
async fn a_peer_beyond_the_rate_limit_costs_nobody_else_a_scrape() {
    let server = Site::new("rate_limit: {interval: 1h, burst: 30}\n").start().await;
    let mut statuses = Vec::new();
    for _ in 0..40 {
        statuses.push(get_from(ATTACKER, server.address, "/metrics", &[]).await.status);
    }
    assert_eq!(statuses[29..31], [200, 429]);
    scrape_all(OTHER, server.address, &[]).await;
}

fn credentials(text: &str) -> String {
    let encoded = base64::engine::general_purpose::STANDARD.encode(text);
    format!("Authorization: Basic {encoded}")
}

/// Tries wrong passwords in so many loops, until it is dropped.
async fn wrong_passwords(address: SocketAddr, loops: usize) -> JoinSet<()> {
    let wrong = credentials("alice:wrong");
    let mut flood = JoinSet::new();
    for _ in 0..loops {
        let wrong = wrong.clone();
        flood.spawn(async move {
            loop {
                let answer = get_from(ATTACKER, address, "/metrics", &[&wrong]).await;
                assert!([401, 503].contains(&answer.status), "{}", answer.status);
            }
        });
    }
    eventually("the flood is there", async || {
        get_from(ATTACKER, address, "/metrics", &[&wrong]).await.status == 503
    })
    .await;
    flood
}

fn users(cost: u32, more: &str) -> String {
    format!("basic_auth_users:\n  alice: {}\n{more}", bcrypt::hash("secret", cost).unwrap())
}

#[tokio::test]
async fn wrong_passwords_after_a_restart_lock_out_their_own_peer_alone() {
    let server = Site::new(&users(8, "")).start().await;
    let _flood = wrong_passwords(server.address, 150).await;
    scrape_all(OTHER, server.address, &[&credentials("alice:secret")]).await;
}

#[tokio::test]
async fn a_login_is_remembered_when_an_unrelated_part_of_the_file_changes() {
    let text = users(8, "");
    let site = Site::new(&text);
    let server = site.start().await;
    let right = credentials("alice:secret");
    scrape_all(ATTACKER, server.address, &[&right]).await;
    let _flood = wrong_passwords(server.address, 150).await;
    site.write(
        "web.yml",
        &format!("{text}http_server_config: {{headers: {{X-Frame-Options: deny}}}}\n"),
    );
    eventually("reread", async || {
        let answer = get_from(ATTACKER, server.address, "/metrics", &[&right]).await;
        assert_eq!(answer.status, 200);
        answer.header("x-frame-options").is_some()
    })
    .await;
    scrape_all(ATTACKER, server.address, &[&right]).await;
}
