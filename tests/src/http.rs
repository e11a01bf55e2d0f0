//! HTTP/1.1 in so far as one asks a server on loopback: one request on each connection.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::str;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

/// Longer than anything that is asked here takes.
const PATIENCE: Duration = Duration::from_secs(90);

/// What the server answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status, such as 200.
    pub status: u16,
    head: String,
    /// The body, whole.
    pub body: Vec<u8>,
}

impl Answer {
    /// The value of a header, its name in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The body as text.
    ///
    /// # Errors
    ///
    /// If it is not UTF-8.
    pub fn text(&self) -> Result<&str> {
        str::from_utf8(&self.body).context("the body is not UTF-8")
    }

    /// The body as text, of an answer that says it succeeded.
    ///
    /// # Errors
    ///
    /// If the status is not 200, or the body not UTF-8.
    pub fn ok(&self) -> Result<&str> {
        let text = self.text()?;
        ensure!(self.status == 200, "status {}: {text}", self.status);
        Ok(text)
    }
}

/// Asks `method` of `path` (with its query) at `address`.
///
/// # Errors
///
/// If there is no whole answer.
pub fn ask(
    method: &str,
    address: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
) -> Result<Answer> {
    send(method, address, path, headers, "")
}

/// As [`ask`], with a body.
///
/// # Errors
///
/// If there is no whole answer.
pub fn send(
    method: &str,
    address: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<Answer> {
    try_send(method, address, path, headers, body)
        .with_context(|| format!("{method} http://{address}{path}"))
}

/// POSTs a form, encoded as in a query, to `path` at `address`.
///
/// # Errors
///
/// If there is no whole answer.
pub fn post(
    address: SocketAddr,
    path: &str,
    form: &str,
    headers: &[(&str, &str)],
) -> Result<Answer> {
    let kind = ("Content-Type", "application/x-www-form-urlencoded");
    let headers: Vec<_> = headers.iter().copied().chain([kind]).collect();
    send("POST", address, path, &headers, form)
}

/// GETs `path` at `address`.
///
/// # Errors
///
/// If there is no whole answer.
pub fn get(address: SocketAddr, path: &str) -> Result<Answer> {
    ask("GET", address, path, &[])
}

fn try_send(
    method: &str,
    address: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\n");
    for (name, value) in headers {
        write!(request, "{name}: {value}\r\n")?;
    }
    write!(request, "Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())?;
    stream.write_all(request.as_bytes())?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    parse(&bytes)
}

fn parse(bytes: &[u8]) -> Result<Answer> {
    let end = find(bytes, b"\r\n\r\n").context("the answer ends before its body")?;
    let head = str::from_utf8(&bytes[..end])?.to_owned();
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
    let status = status.with_context(|| format!("not an HTTP answer: {head:?}"))?;
    let mut answer = Answer { status, head, body: bytes[end + 4..].to_vec() };
    if answer.header("transfer-encoding").is_some_and(|coding| coding == "chunked") {
        answer.body = unchunk(&answer.body)?;
    } else if let Some(length) = answer.header("content-length") {
        let length: usize = length.parse()?;
        ensure!(answer.body.len() == length, "{} of {length} bytes came", answer.body.len());
    }
    Ok(answer)
}

fn unchunk(mut rest: &[u8]) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = find(rest, b"\r\n").context("the answer is cut short")?;
        let size = str::from_utf8(&rest[..end])?.split(';').next().unwrap_or_default();
        let size = usize::from_str_radix(size.trim(), 16).context("a chunk's size")?;
        rest = &rest[end + 2..];
        if size == 0 {
            return Ok(body);
        }
        if rest.len() < size + 2 {
            bail!("the answer is cut short");
        }
        body.extend_from_slice(&rest[..size]);
        rest = &rest[size + 2..];
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// `text` as it stands in a query.
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.extend(['%', hex(byte >> 4), hex(byte & 15)]);
        }
    }
    encoded
}

fn hex(digit: u8) -> char {
    char::from(b"0123456789ABCDEF"[usize::from(digit)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_put_together() {
        let bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n";
        assert_eq!(parse(bytes).unwrap().ok().unwrap(), "abcde");
    }

    #[test]
    fn an_answer_cut_short_is_an_error() {
        for cut in [
            "HTTP/1.1 200 OK\r\nContent-Le",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        ] {
            assert!(parse(cut.as_bytes()).is_err(), "{cut:?}");
        }
    }

    #[test]
    fn a_header_is_found_in_any_case() {
        let answer =
            parse(b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\n\r\nno").unwrap();
        assert_eq!(answer.status, 404);
        assert_eq!(answer.header("content-type"), Some("text/plain"));
        assert!(answer.ok().is_err());
    }

    #[test]
    fn a_query_keeps_its_braces_and_quotes() {
        assert_eq!(encode("up{a=\"ü\"}"), "up%7Ba%3D%22%C3%BC%22%7D");
    }
}
