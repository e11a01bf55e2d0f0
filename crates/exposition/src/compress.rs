//! Compression of an answer that is written piece by piece.

use std::fmt;
use std::io::{self, Write};

use crate::negotiate::Compression;

/// Level of gzip: the fastest. The lines of an exposition are so alike that it finds nearly all
/// that higher levels find, in a fraction of their time.
const GZIP_LEVEL: u32 = 1;

/// Level of Zstandard, chosen alike.
const ZSTD_LEVEL: i32 = 1;

/// A compressor could not get the memory it needs.
#[derive(Debug, thiserror::Error)]
#[error("cannot compress with {compression}: {source}")]
pub struct CompressError {
    compression: &'static str,
    source: io::Error,
}

/// Compresses bytes as they come, without waiting for the last.
///
/// Most of what is pushed stays inside until there is enough to compress well or
/// [`Compressor::finish`] is called.
pub struct Compressor {
    inner: Inner,
}

enum Inner {
    Identity(Vec<u8>),
    Gzip(flate2::write::GzEncoder<Vec<u8>>),
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
}

impl Compressor {
    /// A compressor of the kind that was negotiated.
    ///
    /// # Errors
    ///
    /// [`CompressError`] if there is no memory for it.
    pub fn new(compression: Compression) -> Result<Self, CompressError> {
        let inner = match compression {
            Compression::Identity => Inner::Identity(Vec::new()),
            Compression::Gzip => Inner::Gzip(flate2::write::GzEncoder::new(
                Vec::new(),
                flate2::Compression::new(GZIP_LEVEL),
            )),
            Compression::Zstd => Inner::Zstd(
                zstd::stream::write::Encoder::new(Vec::new(), ZSTD_LEVEL)
                    .map_err(failed("zstd"))?,
            ),
        };
        Ok(Self { inner })
    }

    /// Takes more bytes.
    ///
    /// # Errors
    ///
    /// [`CompressError`]; what has been taken before is then of no use.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), CompressError> {
        match &mut self.inner {
            Inner::Identity(out) => {
                out.extend_from_slice(bytes);
                Ok(())
            }
            Inner::Gzip(gzip) => gzip.write_all(bytes).map_err(failed("gzip")),
            Inner::Zstd(zstd) => zstd.write_all(bytes).map_err(failed("zstd")),
        }
    }

    /// How many bytes are ready.
    pub fn ready(&self) -> usize {
        match &self.inner {
            Inner::Identity(out) => out.len(),
            Inner::Gzip(gzip) => gzip.get_ref().len(),
            Inner::Zstd(zstd) => zstd.get_ref().len(),
        }
    }

    /// Hands out what is ready, which may be nothing.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(match &mut self.inner {
            Inner::Identity(out) => out,
            Inner::Gzip(gzip) => gzip.get_mut(),
            Inner::Zstd(zstd) => zstd.get_mut(),
        })
    }

    /// Ends the stream and hands out the rest.
    ///
    /// # Errors
    ///
    /// [`CompressError`]; what has been taken before is then of no use.
    pub fn finish(self) -> Result<Vec<u8>, CompressError> {
        match self.inner {
            Inner::Identity(out) => Ok(out),
            Inner::Gzip(gzip) => gzip.finish().map_err(failed("gzip")),
            Inner::Zstd(zstd) => zstd.finish().map_err(failed("zstd")),
        }
    }
}

impl fmt::Debug for Compressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compressor").finish_non_exhaustive()
    }
}

fn failed(compression: &'static str) -> impl FnOnce(io::Error) -> CompressError {
    move |source| CompressError { compression, source }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn pieces() -> Vec<Vec<u8>> {
        let line =
            |i: u32| format!("requests_total{{name=\"/page/{i}\"}} {}\n", i * 7).into_bytes();
        (0..20_000).map(line).collect()
    }

    /// Everything a compressor of this kind hands out, and how much of it before the end.
    fn compressed(compression: Compression) -> (Vec<u8>, usize) {
        let mut compressor = Compressor::new(compression).unwrap();
        let mut out = Vec::new();
        for piece in pieces() {
            compressor.push(&piece).unwrap();
            out.extend(compressor.take());
        }
        let early = out.len();
        out.extend(compressor.finish().unwrap());
        (out, early)
    }

    #[test]
    fn identity_changes_nothing() {
        let (bytes, early) = compressed(Compression::Identity);
        assert_eq!(bytes, pieces().concat());
        assert_eq!(early, bytes.len());
    }

    #[test]
    fn gzip_is_read_back_and_small() {
        let (bytes, early) = compressed(Compression::Gzip);
        let mut back = Vec::new();
        flate2::read::GzDecoder::new(&*bytes).read_to_end(&mut back).unwrap();
        assert_eq!(back, pieces().concat());
        assert!(bytes.len() * 4 < back.len(), "{} of {}", bytes.len(), back.len());
        assert!(early * 2 > bytes.len(), "most is handed out before the end");
    }

    #[test]
    fn zstd_is_read_back_and_small() {
        let (bytes, early) = compressed(Compression::Zstd);
        let back = zstd::decode_all(&*bytes).unwrap();
        assert_eq!(back, pieces().concat());
        assert!(bytes.len() * 4 < back.len(), "{} of {}", bytes.len(), back.len());
        assert!(early * 2 > bytes.len(), "most is handed out before the end");
    }

    #[test]
    fn nothing_is_a_valid_stream_too() {
        let gzip = Compressor::new(Compression::Gzip).unwrap().finish().unwrap();
        let mut back = Vec::new();
        flate2::read::GzDecoder::new(&*gzip).read_to_end(&mut back).unwrap();
        assert!(back.is_empty());
        let zstd = Compressor::new(Compression::Zstd).unwrap().finish().unwrap();
        assert!(zstd::decode_all(&*zstd).unwrap().is_empty());
    }
}
