//! The parsers and the client, for the fuzz targets: only that they do not panic and that they end is
//! of interest.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::{Client, Config};
use crate::{Exceptions, Failures, Index, Logs, Quantiles, Stats, StatsCsv, Tasks, wire};

/// Reads all that is JSON, or holds it.
pub fn json(body: &[u8]) {
    let _ = Stats::parse(body.to_vec());
    let _ = Exceptions::parse(body.to_vec());
    let _ = Tasks::parse(body.to_vec()).map(|tasks| tasks.users_by_class(1_000_000));
    let _ = Logs::parse(body.to_vec());
    let _ = wire::worker_count(body.to_vec());
    let _ = Index::parse(body.to_vec());
    let _ = wire::login_callback(body.to_vec());
}

/// Reads all that is CSV.
pub fn csv(body: &[u8]) {
    let _ = StatsCsv::parse(body, Quantiles::All, &[]);
    let _ = Failures::parse(body);
    let _ = Exceptions::parse_csv(body);
}

/// Mends a body; answers whether there was something to mend.
pub fn mend(body: &mut [u8]) -> bool {
    wire::mend(body)
}

/// How long a look at a hostile server may take.
const LOOK: Duration = Duration::from_millis(300);

/// Looks twice at a server that gives these bytes in answer to every request, in pieces, and then
/// closes the connection. The first byte says how many pieces there are; what comes behind it is
/// head and body.
///
/// # Panics
///
/// If a look panics, or ends too late.
#[expect(clippy::expect_used, reason = "a panic is what the fuzzer looks for")]
pub fn server(data: &[u8]) {
    let Some((&pieces, answer)) = data.split_first() else { return };
    let pieces = usize::from(pieces % 8) + 1;
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let answer = answer.to_vec();
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(give(stream, answer.clone(), pieces));
            }
        });
        let mut config = Config::new(format!("http://{address}/").parse().expect("a URL"));
        config.body_limit = 1 << 20;
        let client = Client::new(config).expect("a client");
        for _ in 0..2 {
            let began = Instant::now();
            let _ = client.look(began + LOOK).await;
            assert!(began.elapsed() < LOOK * 20, "a look did not end in time");
        }
        serving.abort();
    });
}

/// Answers one request. What fails is the client's to see.
async fn give(mut stream: TcpStream, answer: Vec<u8>, pieces: usize) {
    let _ = stream.set_nodelay(true);
    let _ = stream.read(&mut [0; 4096]).await;
    for piece in answer.chunks(answer.len() / pieces + 1) {
        if stream.write_all(piece).await.is_err() {
            return;
        }
        tokio::task::yield_now().await;
    }
    let _ = stream.shutdown().await;
}
