//! A canned HTTP server.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use locust_api::{Client, Config};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::rustls::ServerConfig;

/// What the server was asked.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Request {
    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

/// What the server does.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Sends these bytes.
    Raw(Vec<u8>),
    /// Waits before replying.
    After(Duration, Box<Reply>),
    /// Sends these bytes, and then nothing more.
    ThenStall(Vec<u8>),
    /// Sends these bytes, and then resets the connection.
    ThenReset(Vec<u8>),
    /// Sends the bytes again and again until the client goes.
    Endless(Vec<u8>, Vec<u8>),
}

impl Reply {
    pub(crate) fn new(status: &str, kind: &str, body: impl AsRef<[u8]>) -> Self {
        Self::with_headers(status, &[("Content-Type", kind)], body)
    }

    pub(crate) fn with_headers(
        status: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Self {
        let body = body.as_ref();
        let mut bytes = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n", body.len());
        for (name, value) in headers {
            bytes.extend([name, ": ", value, "\r\n"]);
        }
        bytes += "\r\n";
        let mut bytes = bytes.into_bytes();
        bytes.extend_from_slice(body);
        Self::Raw(bytes)
    }

    pub(crate) fn json(body: impl AsRef<[u8]>) -> Self {
        Self::new("200 OK", "application/json", body)
    }

    pub(crate) fn csv(body: impl AsRef<[u8]>) -> Self {
        Self::new("200 OK", "text/csv", body)
    }

    pub(crate) fn html(body: impl AsRef<[u8]>) -> Self {
        Self::new("200 OK", "text/html; charset=utf-8", body)
    }

    pub(crate) fn redirect(to: &str) -> Self {
        Self::with_headers("302 FOUND", &[("Location", to), ("Content-Type", "text/html")], "")
    }

    pub(crate) fn not_found() -> Self {
        Self::new("404 NOT FOUND", "text/html", "Not Found")
    }

    pub(crate) fn after(self, pause: Duration) -> Self {
        Self::After(pause, Box::new(self))
    }
}

type Handler = dyn Fn(&Request) -> Reply + Send + Sync;

/// A canned server on a port of its own; it ends when dropped.
pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    seen: Arc<Mutex<Vec<Request>>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(crate) async fn start(reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_on(reply, None).await
    }

    pub(crate) async fn start_tls(
        config: ServerConfig,
        reply: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::start_on(reply, Some(tokio_rustls::TlsAcceptor::from(Arc::new(config)))).await
    }

    async fn start_on(
        reply: impl Fn(&Request) -> Reply + Send + Sync + 'static,
        acceptor: Option<tokio_rustls::TlsAcceptor>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, reply): (_, Arc<Handler>) = (seen.clone(), Arc::new(reply));
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (log, reply, acceptor) = (log.clone(), reply.clone(), acceptor.clone());
                connections.spawn(async move {
                    match acceptor {
                        None => serve(stream, &log, &*reply).await,
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                serve(stream, &log, &*reply).await;
                            }
                        }
                    }
                });
            }
        });
        Self { addr, seen, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    pub(crate) fn config(&self) -> Config {
        Config::new(self.url().parse().unwrap())
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.config()).unwrap()
    }

    pub(crate) fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }

    /// How often a path was asked.
    pub(crate) fn count(&self, path: &str) -> usize {
        self.seen().iter().filter(|request| request.path == path).count()
    }
}

/// A stream that can be reset.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin {
    fn reset(self);
}

impl Stream for TcpStream {
    fn reset(self) {
        self.set_zero_linger().unwrap();
    }
}

impl Stream for tokio_rustls::server::TlsStream<TcpStream> {
    fn reset(self) {
        self.into_inner().0.reset();
    }
}

async fn serve<S: Stream>(mut stream: S, log: &Mutex<Vec<Request>>, reply: &Handler) {
    while let Some(request) = read(&mut stream).await {
        log.lock().unwrap().push(request.clone());
        let mut answer = reply(&request);
        while let Reply::After(pause, next) = answer {
            tokio::time::sleep(pause).await;
            answer = *next;
        }
        match answer {
            Reply::Raw(bytes) => {
                if stream.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            Reply::ThenStall(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.flush().await;
                tokio::time::sleep(Duration::from_secs(30)).await;
                return;
            }
            Reply::ThenReset(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.flush().await;
                // The client must see the bytes before the reset.
                tokio::time::sleep(Duration::from_millis(20)).await;
                stream.reset();
                return;
            }
            Reply::Endless(head, bytes) => {
                let _ = stream.write_all(&head).await;
                while stream.write_all(&bytes).await.is_ok() {}
                return;
            }
            Reply::After(..) => unreachable!("taken off above"),
        }
        let _ = stream.flush().await;
    }
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Request> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let mut request = parse(head);
            let length = request.header("content-length").map_or(0, |n| n.parse().unwrap());
            while bytes.len() < end + 4 + length {
                let read = stream.read(&mut buffer).await.ok().filter(|read| *read > 0)?;
                bytes.extend_from_slice(&buffer[..read]);
            }
            request.body = String::from_utf8_lossy(&bytes[end + 4..]).into_owned();
            return Some(request);
        }
        let read = stream.read(&mut buffer).await.ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&buffer[..read]);
    }
}

fn parse(head: String) -> Request {
    let mut words = head.split(' ');
    let method = words.next().unwrap_or_default().to_owned();
    let path = words.next().unwrap_or_default().to_owned();
    Request { method, path, head, body: String::new() }
}
