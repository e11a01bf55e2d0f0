//! A client that writes what it is told and shows what it got.

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::LONG;

/// An HTTP/1 answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("UTF-8")
    }
}

/// Sends `head` lines with `Connection: close`, and reads to the end.
pub(crate) async fn request(address: SocketAddr, first: &str, headers: &[&str]) -> Answer {
    let mut stream = TcpStream::connect(address).await.expect("connect");
    exchange(&mut stream, first, headers).await
}

/// GETs `path`.
pub(crate) async fn get(address: SocketAddr, path: &str) -> Answer {
    request(address, &format!("GET {path}"), &[]).await
}

/// Connects from a loopback address of one's own: another peer for each last byte.
pub(crate) async fn connect_from(peer: u8, address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("socket");
    socket.bind(SocketAddr::from(([127, 0, 0, peer], 0))).expect("bind");
    socket.connect(address).await.expect("connect")
}

/// GETs `path` from that address.
pub(crate) async fn get_from(
    peer: u8,
    address: SocketAddr,
    path: &str,
    headers: &[&str],
) -> Answer {
    let mut stream = connect_from(peer, address).await;
    exchange(&mut stream, &format!("GET {path}"), headers).await
}

/// The same over a stream that is open already.
pub(crate) async fn exchange(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    first: &str,
    headers: &[&str],
) -> Answer {
    let mut text = format!("{first} HTTP/1.1\r\nConnection: close\r\n");
    if !headers.iter().any(|header| header.starts_with("Host: ")) {
        text.push_str("Host: localhost\r\n");
    }
    for header in headers {
        text.push_str(header);
        text.push_str("\r\n");
    }
    text.push_str("\r\n");
    let mut all = Vec::new();
    timeout(LONG, async {
        stream.write_all(text.as_bytes()).await.expect("write");
        stream.read_to_end(&mut all).await.expect("read");
    })
    .await
    .expect("in time");
    parse(&all)
}

/// Takes an answer apart.
fn parse(all: &[u8]) -> Answer {
    let end = all.windows(4).position(|window| window == b"\r\n\r\n").expect("an answer");
    let head = std::str::from_utf8(&all[..end]).expect("UTF-8");
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("status");
    let headers: Vec<_> = lines
        .map(|line| line.split_once(": ").expect("header"))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let answer =
        Answer { status: status.parse().expect("number"), headers, body: all[end + 4..].to_vec() };
    if answer.header("transfer-encoding") == Some("chunked") {
        return Answer { body: unchunk(&answer.body), ..answer };
    }
    answer
}

/// Undoes the chunked encoding, whose end must be there.
fn unchunk(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|window| window == b"\r\n").expect("a chunk's size");
        let size = std::str::from_utf8(&rest[..line]).expect("UTF-8");
        let size = usize::from_str_radix(size, 16).expect("a chunk's size");
        let data = &rest[line + 2..];
        if size == 0 {
            assert_eq!(data, b"\r\n");
            return body;
        }
        body.extend_from_slice(&data[..size]);
        rest = &data[size + 2..];
    }
}
