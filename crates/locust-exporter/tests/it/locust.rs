//! A canned Locust: answers that a test can exchange at any time.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::answers::{self, Answer};
use crate::guard::Guard;

/// What was asked.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Without its query.
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Request {
    /// A header's value; its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// A Locust on a port of its own, until it is dropped. Then connections to it are refused.
pub(crate) struct Locust {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    answers: Mutex<HashMap<String, Answer>>,
    guard: Mutex<Guard>,
    seen: Mutex<Vec<Request>>,
    open: Mutex<HashMap<SocketAddr, TcpStream>>,
    ended: AtomicBool,
}

impl Locust {
    /// A distributed Locust 2.47 in the middle of a test.
    pub(crate) fn running() -> Self {
        Self::start("127.0.0.1:0".parse().unwrap(), None)
    }

    /// The same, at an address where one was before.
    pub(crate) fn again_at(address: SocketAddr) -> Self {
        Self::start(address, None)
    }

    /// The same, over TLS.
    pub(crate) fn over_tls(config: ServerConfig) -> Self {
        Self::start("127.0.0.1:0".parse().unwrap(), Some(Arc::new(config)))
    }

    fn start(address: SocketAddr, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        shared.answers.lock().unwrap().extend(answers::running());
        let ours = Arc::clone(&shared);
        let accepting = thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if ours.ended.load(Ordering::SeqCst) {
                    return;
                }
                let peer = stream.peer_addr().unwrap();
                lock(&ours.open).insert(peer, stream.try_clone().unwrap());
                let (shared, tls) = (Arc::clone(&ours), tls.clone());
                thread::spawn(move || {
                    match tls {
                        None => shared.serve(Plain(stream)),
                        Some(tls) => {
                            let session = ServerConnection::new(tls).unwrap();
                            shared.serve(StreamOwned::new(session, stream));
                        }
                    }
                    // The last handle: now the connection ends.
                    lock(&shared.open).remove(&peer);
                });
            }
        });
        Self { address, shared, accepting: Some(accepting) }
    }

    /// Its address as one writes it for `--locust.uri`.
    pub(crate) fn uri(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on `path` is answered so.
    pub(crate) fn set(&self, path: &str, answer: Answer) {
        lock(&self.shared.answers).insert(path.to_owned(), answer);
    }

    /// From now on these are the statistics.
    pub(crate) fn set_stats(&self, json: impl AsRef<[u8]>) {
        self.set(answers::STATS, Answer::json(json));
    }

    /// From now on every path is answered so.
    pub(crate) fn set_all(&self, answer: &Answer) {
        for old in lock(&self.shared.answers).values_mut() {
            *old = answer.clone();
        }
    }

    /// From now on credentials are demanded.
    pub(crate) fn demand(&self, guard: Guard) {
        *lock(&self.shared.guard) = guard;
    }

    /// All that was asked.
    pub(crate) fn seen(&self) -> Vec<Request> {
        lock(&self.shared.seen).clone()
    }

    /// How many connections to it are open.
    pub(crate) fn connections(&self) -> usize {
        lock(&self.shared.open).len()
    }

    /// How often `path` was asked.
    pub(crate) fn count(&self, path: &str) -> usize {
        lock(&self.shared.seen).iter().filter(|request| request.path == path).count()
    }
}

impl Drop for Locust {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts, so that it lets go of the port.
        drop(TcpStream::connect(self.address));
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
        for stream in lock(&self.shared.open).values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Shared {
    fn serve(&self, stream: impl Stream) {
        let mut stream = BufReader::new(stream);
        while let Some(request) = read(&mut stream) {
            lock(&self.seen).push(request.clone());
            let stopped = lock(&self.guard).stop(&request);
            let canned = || lock(&self.answers).get(&request.path).cloned();
            let answer = stopped.or_else(canned).unwrap_or_else(Answer::not_found);
            thread::sleep(answer.delay);
            if !answer.send(stream.get_mut()) {
                return;
            }
        }
    }
}

/// A connection that can be reset.
pub(crate) trait Stream: Read + Write {
    /// Makes its end a reset instead of a farewell.
    fn will_reset(&self);
}

struct Plain(TcpStream);

impl Read for Plain {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Plain {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

impl Stream for Plain {
    fn will_reset(&self) {
        reset(&self.0);
    }
}

impl Stream for StreamOwned<ServerConnection, TcpStream> {
    fn will_reset(&self) {
        reset(&self.sock);
    }
}

fn reset(stream: &TcpStream) {
    socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO)).unwrap();
}

fn read(stream: &mut BufReader<impl Stream>) -> Option<Request> {
    let mut line = String::new();
    stream.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split(' ');
    let method = words.next()?.to_owned();
    let path = words.next()?.split('?').next()?.to_owned();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut request = Request { method, path, headers, body: String::new() };
    let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    request.body = String::from_utf8(body).unwrap();
    Some(request)
}

/// A test that failed elsewhere is no reason for this one to fail.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
