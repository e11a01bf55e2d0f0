//! A scraper that costs little: one connection, one request after the other.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

/// Longer than any scrape that is worth measuring.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection to an exporter.
pub(crate) struct Scraper {
    stream: BufReader<TcpStream>,
    request: Vec<u8>,
}

impl Scraper {
    /// Connects, to ask for `path`; `encoding` is what to accept, `identity` for no compression.
    pub(crate) fn new(address: SocketAddr, path: &str, encoding: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).context("cannot connect to the exporter")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: bench\r\nAccept: text/plain;version=0.0.4\r\n\
             Accept-Encoding: {encoding}\r\n\r\n"
        );
        let stream = BufReader::with_capacity(1 << 20, stream);
        Ok(Self { stream, request: request.into_bytes() })
    }

    /// Scrapes once into `body`; answers how long it took.
    pub(crate) fn scrape(&mut self, body: &mut Vec<u8>) -> Result<Duration> {
        body.clear();
        let began = Instant::now();
        self.stream.get_mut().write_all(&self.request)?;
        let status = self.line()?;
        ensure!(status.starts_with("HTTP/1.1 200"), "the exporter answers {status:?}");
        let mut length = None;
        let mut chunked = false;
        loop {
            let header = self.line()?.to_ascii_lowercase();
            match header.split_once(": ") {
                Some(("content-length", value)) => length = Some(value.parse()?),
                Some(("transfer-encoding", "chunked")) => chunked = true,
                None if header.is_empty() => break,
                _ => {}
            }
        }
        match length {
            Some(length) => self.take(length, body)?,
            None if chunked => self.chunks(body)?,
            None => bail!("an answer without a length"),
        }
        Ok(began.elapsed())
    }

    fn chunks(&mut self, body: &mut Vec<u8>) -> Result<()> {
        loop {
            let length = usize::from_str_radix(&self.line()?, 16)?;
            self.take(length, body)?;
            ensure!(self.line()?.is_empty(), "a chunk longer than it says");
            if length == 0 {
                return Ok(());
            }
        }
    }

    fn take(&mut self, length: usize, body: &mut Vec<u8>) -> Result<()> {
        let taken = (&mut self.stream).take(length as u64).read_to_end(body)?;
        ensure!(taken == length, "the answer ended early");
        Ok(())
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        ensure!(!line.is_empty(), "the exporter closed the connection");
        Ok(line.trim_end().to_owned())
    }
}
