//! The service that Locust loads: answers at once, late, or badly, as the path says.
//!
//! | Path | Answer |
//! |---|---|
//! | `/slow…` | 200 after 20 to 120 ms |
//! | `/missing…` | 404 |
//! | `/broken…` | 500 |
//! | any other | 200 |

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};

/// A client that is silent for so long is left.
const IDLE: Duration = Duration::from_secs(30);

/// A running service; it ends when it is dropped.
#[derive(Debug)]
pub struct LoadTarget {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    ended: AtomicBool,
    requests: AtomicU64,
}

impl LoadTarget {
    /// Starts to listen on a free port of 127.0.0.1.
    ///
    /// # Errors
    ///
    /// If there is no such port.
    pub fn start() -> Result<Self> {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port for the load target")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let accepting = Arc::clone(&shared);
        thread::spawn(move || accept(&listener, &accepting));
        Ok(Self { address, shared })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Requests that it has answered.
    pub fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }
}

impl Drop for LoadTarget {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts; if that fails, it has ended already.
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.ended.load(Ordering::Relaxed) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let shared = Arc::clone(shared);
        thread::spawn(move || {
            // A client that goes away, or does not speak HTTP, is no concern of ours.
            let _ = converse(&stream, &shared);
        });
    }
}

/// Answers requests until the client closes, or we end.
fn converse(stream: &TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_read_timeout(Some(IDLE))?;
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    let mut last = false;
    while !last && !shared.ended.load(Ordering::Relaxed) {
        let Some(Request { path, close }) = read_request(&mut reader)? else { return Ok(()) };
        last = close;
        let number = shared.requests.fetch_add(1, Ordering::Relaxed);
        let status = status_after_waiting(&path, number);
        let body = format!("{{\"path\": {path:?}, \"status\": \"{status}\"}}\n");
        let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\n");
        let answer = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
        (&mut &*stream).write_all(answer.as_bytes())?;
    }
    Ok(())
}

struct Request {
    path: String,
    /// The client wants no other answer on this connection.
    close: bool,
}

/// Reads a request to its end; gives nothing if the client has closed.
fn read_request(reader: &mut BufReader<&TcpStream>) -> io::Result<Option<Request>> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let Some(path) = line.split(' ').nth(1) else { return Ok(None) };
    let mut request = Request { path: path.to_owned(), close: false };
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().map_err(io::Error::other)?;
        } else if name.eq_ignore_ascii_case("connection") {
            request.close = value.trim() == "close";
        }
    }
    io::copy(&mut reader.by_ref().take(length), &mut io::sink())?;
    Ok(Some(request))
}

fn status_after_waiting(path: &str, number: u64) -> &'static str {
    if path.starts_with("/slow") {
        // Spread without a source of chance: neighbours differ, all values come.
        thread::sleep(Duration::from_millis(20 + number * 37 % 101));
        "200 OK"
    } else if path.starts_with("/missing") {
        "404 Not Found"
    } else if path.starts_with("/broken") {
        "500 Internal Server Error"
    } else {
        "200 OK"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http;

    #[test]
    fn the_path_decides_the_answer() {
        let target = LoadTarget::start().unwrap();
        for (path, status) in [("/", 200), ("/slow", 200), ("/missing/1", 404), ("/broken", 500)] {
            assert_eq!(http::get(target.address(), path).unwrap().status, status, "{path}");
        }
        assert_eq!(target.requests(), 4);
    }

    #[test]
    fn nobody_listens_after_the_end() {
        let target = LoadTarget::start().unwrap();
        let address = target.address();
        drop(target);
        thread::sleep(Duration::from_millis(200));
        assert!(TcpStream::connect(address).is_err());
    }
}
