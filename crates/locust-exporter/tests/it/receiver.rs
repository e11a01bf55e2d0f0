//! A canned backend: takes whatever is pushed to it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

/// What was pushed at once.
#[derive(Clone, Debug)]
pub(crate) struct Push {
    /// Method, path and protocol.
    pub(crate) line: String,
    /// Headers, as they came.
    pub(crate) headers: Vec<String>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Push {
    /// Whether the body has this text in it.
    pub(crate) fn says(&self, text: &str) -> bool {
        self.body.windows(text.len()).any(|window| window == text.as_bytes())
    }
}

/// A backend on a port of its own, until it is dropped.
pub(crate) struct Receiver {
    address: SocketAddr,
    pushes: Arc<Mutex<Vec<Push>>>,
    is_over: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Receiver {
    /// It answers every push with this status, as `200 OK`.
    pub(crate) fn answering(status: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (pushes, is_over) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let (ours, over) = (Arc::clone(&pushes), Arc::clone(&is_over));
        let accepting = thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                let pushes = Arc::clone(&ours);
                thread::spawn(move || serve(stream, status, &pushes));
            }
        });
        Self { address, pushes, is_over, accepting: Some(accepting) }
    }

    /// Host and port.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// All that was pushed.
    pub(crate) fn pushes(&self) -> Vec<Push> {
        lock(&self.pushes).clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        drop(TcpStream::connect(self.address));
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

fn serve(stream: TcpStream, status: &str, pushes: &Mutex<Vec<Push>>) {
    let mut stream = BufReader::new(stream);
    while let Some(push) = read(&mut stream) {
        lock(pushes).push(push);
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
        if stream.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn read(stream: &mut BufReader<TcpStream>) -> Option<Push> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        lines.push(line);
    }
    let lengths = lines.iter().filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let mut body = vec![0; lengths.sum()];
    stream.read_exact(&mut body).ok()?;
    let headers = lines.split_off(1);
    Some(Push { line: lines.pop()?, headers, body })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
