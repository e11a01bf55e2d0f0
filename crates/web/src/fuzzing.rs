//! A connection without a socket, for the fuzz target: a hostile peer whose bytes arrive in pieces.

use std::cell::Cell;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use exposition::{Emit, Families, Family, Kind, Labels, Meta, MetricName, Sample, Value, Visitor};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio_util::sync::CancellationToken;

use crate::connection::{self, Shared};
use crate::connection_table::ConnectionTable;
use crate::guard::Guard;
use crate::webconfig::Vigil;
use crate::{
    Ask, Config, Gather, GatherFuture, Gathered, Hooks, Probe, ProbeFuture, ProbeTarget, routes,
};

/// Longer than any conversation may take: the peer hangs up at the end.
const HANGS: Duration = Duration::from_secs(20);

/// What the pipe holds. It is small, so that the server often waits for the peer to read.
const PIPE: usize = 512;

/// Turns of the server until it has answered what it can answer at once.
const TURNS: usize = 64;

/// How long a password may take to be checked.
const PASSWORD: Duration = Duration::from_millis(300);
const TICK: Duration = Duration::from_millis(1);

/// The users of [`Peer::users`]: alice, whose password nobody knows.
const USERS: &str = "basic_auth_users:\n  \
    alice: $2b$04$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy\n";

/// How the peer connects.
#[derive(Clone, Copy, Debug, Default)]
pub struct Peer {
    /// It speaks HTTP/2.
    pub http2: bool,
    /// Basic authentication is on.
    pub users: bool,
    /// It comes from this machine. Otherwise it may neither quit nor reload.
    pub local: bool,
}

/// Some families that fit in one piece, for metrics and probes alike.
struct Small;

impl Families for Small {
    fn parts(&self) -> usize {
        3
    }

    fn visit(&self, _: usize, visitor: &mut dyn Visitor) {
        let Ok(name) = MetricName::new("test_up") else { return };
        let meta = Meta::new(name, "Whether it is up.", None, Kind::Gauge);
        let samples = |emit: &mut Emit<'_>| {
            let labels = Labels::default();
            emit(&Sample { labels, value: Value::Number(1.0), created: None });
        };
        visitor.family(&Family::new(&meta, &[], &samples));
    }
}

impl Gather for Small {
    fn gather(&self, _: Ask) -> GatherFuture<'_> {
        Box::pin(async { Gathered { families: Arc::new(Self), served: None } })
    }
}

impl Probe for Small {
    fn probe(&self, _: ProbeTarget, _: Ask) -> ProbeFuture<'_> {
        Box::pin(async { Ok(Arc::new(Self) as Arc<dyn Families>) })
    }
}

/// Sends the pieces one after the other and hangs up; returns what the server has answered.
///
/// # Panics
///
/// If the server panics, hangs, or obeys a peer that may not end or reload it.
#[expect(clippy::panic, reason = "that is what the fuzz target looks for")]
pub fn converse(peer: Peer, pieces: &[&[u8]]) -> Vec<u8> {
    let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = built else { panic!("no runtime") };
    let quit = CancellationToken::new();
    let reloaded = Arc::new(AtomicBool::new(false));
    let hooks = hooks(&quit, &reloaded);
    let talk = async { tokio::time::timeout(HANGS, talk(peer, pieces, hooks)).await };
    let Ok(answer) = runtime.block_on(talk) else { panic!("the server hangs") };
    let obeyed = quit.is_cancelled() || reloaded.load(Ordering::SeqCst);
    assert!(!obeyed || (peer.local && !peer.users), "it obeyed {peer:?}");
    answer
}

fn hooks(quit: &CancellationToken, reloaded: &Arc<AtomicBool>) -> Hooks {
    let reloaded = Arc::clone(reloaded);
    Hooks {
        gather: Arc::new(Small),
        probe: Some(Arc::new(Small)),
        reload: Some(Arc::new(move || {
            reloaded.store(true, Ordering::SeqCst);
            Ok(())
        })),
        ready: Arc::new(true.into()),
        quit: quit.clone(),
    }
}

async fn talk(peer: Peer, pieces: &[&[u8]], hooks: Hooks) -> Vec<u8> {
    let address = if peer.local { [127, 0, 0, 1] } else { [203, 0, 113, 9] };
    let address = SocketAddr::new(IpAddr::from(address), 4711);
    let (client, server) = duplex(PIPE);
    let (mut read, mut write) = tokio::io::split(client);
    let serve = async {
        let config = Config::default();
        let vigil = if peer.users { Vigil::from_text(USERS) } else { Vigil::new(None) };
        let table = ConnectionTable::new(1);
        let Ok(vigil) = vigil else { return };
        let Ok(router) = routes::router(&config, hooks, Arc::clone(&vigil), &table) else { return };
        let shared = Arc::new(Shared {
            guard: Guard::new(router, Arc::clone(&vigil)),
            vigil,
            timeouts: config.timeouts,
            shutdown: CancellationToken::new(),
        });
        let Some(guard) = table.add(address.into()) else { return };
        connection::serve_stream(&shared, server, address, &guard, peer.http2).await;
    };
    let answered = Cell::new(false);
    let send = async {
        for piece in pieces {
            if write.write_all(piece).await.is_err() {
                break;
            }
            tokio::task::yield_now().await;
        }
        settle(peer, &answered).await;
        let _ = write.shutdown().await;
    };
    let receive = async {
        let mut answer = Vec::new();
        let mut buffer = [0; PIPE];
        while let Ok(got @ 1..) = read.read(&mut buffer).await {
            answer.extend_from_slice(&buffer[..got]);
            answered.set(true);
        }
        answer
    };
    let ((), (), answer) = tokio::join!(serve, send, receive);
    answer
}

/// Gives the server time to answer before the peer hangs up.
async fn settle(peer: Peer, answered: &Cell<bool>) {
    for _ in 0..TURNS {
        tokio::task::yield_now().await;
    }
    // Passwords are checked by another thread.
    let mut left = if peer.users { PASSWORD } else { Duration::ZERO };
    while !answered.get() && !left.is_zero() {
        tokio::time::sleep(TICK).await;
        left = left.saturating_sub(TICK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const METRICS: &[u8] = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";

    #[test]
    fn a_request_in_pieces_is_answered() {
        for size in [1, 7, METRICS.len()] {
            let pieces: Vec<&[u8]> = METRICS.chunks(size).collect();
            let answer = converse(Peer::default(), &pieces);
            assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"), "in pieces of {size}");
        }
    }

    #[test]
    fn a_peer_that_logs_in_wrongly_or_speaks_no_http_is_answered_too() {
        let users = Peer { users: true, ..Peer::default() };
        assert!(converse(users, &[METRICS]).starts_with(b"HTTP/1.1 401 "));
        assert!(converse(Peer::default(), &[b"\0\n\r\n\r\n"]).starts_with(b"HTTP/1.1 400 "));
        let http2 = Peer { http2: true, ..Peer::default() };
        let preface: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
        assert!(!converse(http2, &[preface]).is_empty());
    }
}
