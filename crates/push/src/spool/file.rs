//! What a spooled file looks like.
//!
//! ```text
//!  0  magic "lpsh"                    16  samples       u32
//!  4  version, 1                      20  histograms    u32
//!  5  format (`batch::Format`)        24  body's length u32
//!  6  two zeros                       28  body's CRC-32 u32
//!  8  time, ms since 1970  i64        32  CRC-32 of the 32 bytes before  u32
//! 36  body
//! ```
//!
//! Numbers are little-endian. The header has a checksum of its own, so that it can be believed at
//! the start without reading the body; it covers the body's, so that nothing is left unchecked.

use bytes::Bytes;

use crate::batch::{Batch, Format};
use crate::point::Millis;

/// Bytes before the body.
pub(crate) const HEADER: usize = 36;

const MAGIC: [u8; 4] = *b"lpsh";
const VERSION: u8 = 1;
/// Where the header's own checksum stands.
const CHECKED: usize = 32;

/// What the header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    format: Format,
    pub(super) time: Millis,
    samples: u32,
    histograms: u32,
    body_len: u32,
    body_crc: u32,
}

/// Why a file is no batch that can be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Damage {
    #[error("it has {0} bytes, less than a header")]
    Short(u64),
    #[error("it does not begin as a batch does")]
    Magic,
    #[error("the checksum of its header is wrong")]
    Header,
    #[error("it was written in version {0} of the format, and {VERSION} is known")]
    Version(u8),
    #[error("it holds a request of the unknown kind {0}")]
    Format(u8),
    #[error("it has {0} bytes, more than any batch")]
    Large(u64),
    #[error("it has {found} bytes where its header tells of {told}")]
    Length { told: u64, found: u64 },
    #[error("the checksum of its body is wrong")]
    Body,
}

impl Damage {
    /// Whether it is whole, by its checksum, but only another version of the exporter can send it.
    pub(crate) fn is_anothers(&self) -> bool {
        matches!(self, Self::Version(_) | Self::Format(_))
    }
}

impl Header {
    /// The header of a batch; none of one whose length it cannot tell.
    pub(super) fn of(batch: &Batch) -> Option<Self> {
        Some(Self {
            format: batch.format,
            time: batch.time,
            samples: batch.samples,
            histograms: batch.histograms,
            body_len: u32::try_from(batch.body.len()).ok()?,
            body_crc: crc32fast::hash(&batch.body),
        })
    }

    pub(super) fn to_bytes(self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4] = VERSION;
        bytes[5] = self.format as u8;
        bytes[8..16].copy_from_slice(&self.time.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.samples.to_le_bytes());
        bytes[20..24].copy_from_slice(&self.histograms.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.body_len.to_le_bytes());
        bytes[28..32].copy_from_slice(&self.body_crc.to_le_bytes());
        let crc = crc32fast::hash(&bytes[..CHECKED]);
        bytes[CHECKED..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads the header of a file that has `len` bytes in all.
    pub(super) fn parse(start: &[u8], len: u64) -> Result<Self, Damage> {
        let Some(bytes) = start.first_chunk::<HEADER>() else { return Err(Damage::Short(len)) };
        if bytes[..4] != MAGIC {
            return Err(Damage::Magic);
        }
        if u32_at(bytes, CHECKED) != crc32fast::hash(&bytes[..CHECKED]) {
            return Err(Damage::Header);
        }
        if bytes[4] != VERSION {
            return Err(Damage::Version(bytes[4]));
        }
        let header = Self {
            format: Format::of(bytes[5]).ok_or(Damage::Format(bytes[5]))?,
            time: i64::from_le_bytes(array_at(bytes, 8)),
            samples: u32_at(bytes, 16),
            histograms: u32_at(bytes, 20),
            body_len: u32_at(bytes, 24),
            body_crc: u32_at(bytes, 28),
        };
        if len > super::MAX_FILE {
            return Err(Damage::Large(len));
        }
        let told = header.file_len();
        if told == len { Ok(header) } else { Err(Damage::Length { told, found: len }) }
    }

    /// Bytes of the whole file.
    pub(super) fn file_len(&self) -> u64 {
        HEADER as u64 + u64::from(self.body_len)
    }

    pub(super) fn points(&self) -> u64 {
        u64::from(self.samples) + u64::from(self.histograms)
    }
}

/// Reads a whole file.
pub(crate) fn parse(file: Vec<u8>) -> Result<Batch, Damage> {
    let header = Header::parse(&file, file.len() as u64)?;
    let body = Bytes::from(file).slice(HEADER..);
    if crc32fast::hash(&body) != header.body_crc {
        return Err(Damage::Body);
    }
    let Header { format, time, samples, histograms, .. } = header;
    Ok(Batch { format, time, samples, histograms, body })
}

/// A whole file of a batch.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn written(batch: &Batch) -> Option<Vec<u8>> {
    let mut file = Header::of(batch)?.to_bytes().to_vec();
    file.extend_from_slice(&batch.body);
    Some(file)
}

/// Makes lengths and checksums of a file right.
#[cfg(feature = "fuzzing")]
pub(crate) fn sealed(file: &mut [u8]) {
    let Some((header, body)) = file.split_at_mut_checked(HEADER) else { return };
    header[..4].copy_from_slice(&MAGIC);
    let length = u32::try_from(body.len()).unwrap_or_default();
    header[24..28].copy_from_slice(&length.to_le_bytes());
    header[28..32].copy_from_slice(&crc32fast::hash(body).to_le_bytes());
    let crc = crc32fast::hash(&header[..CHECKED]);
    header[CHECKED..].copy_from_slice(&crc.to_le_bytes());
}

fn u32_at(bytes: &[u8; HEADER], at: usize) -> u32 {
    u32::from_le_bytes(array_at(bytes, at))
}

fn array_at<const N: usize>(bytes: &[u8; HEADER], at: usize) -> [u8; N] {
    std::array::from_fn(|index| bytes[at + index])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch() -> Batch {
        Batch {
            format: Format::OtlpGzip,
            time: 1_700_000_000_123,
            samples: 7,
            histograms: 2,
            body: Bytes::from_static(b"a body"),
        }
    }

    fn written(batch: &Batch) -> Vec<u8> {
        super::written(batch).unwrap()
    }

    #[test]
    fn a_batch_comes_back_as_it_was() {
        assert_eq!(parse(written(&batch())), Ok(batch()));
        let empty = Batch { body: Bytes::new(), ..batch() };
        assert_eq!(parse(written(&empty)), Ok(empty));
    }

    #[test]
    fn the_layout_is_the_documented_one() {
        let file = written(&batch());
        assert_eq!(&file[..8], b"lpsh\x01\x04\0\0");
        assert_eq!(file[8..16], 1_700_000_000_123_i64.to_le_bytes());
        assert_eq!(file[16..28], [7, 0, 0, 0, 2, 0, 0, 0, 6, 0, 0, 0]);
        // What any CRC-32 of zlib's kind gives of `a body`.
        assert_eq!(file[28..32], crc32fast::hash(b"a body").to_le_bytes());
        assert_eq!(&file[36..], b"a body");
    }

    #[test]
    fn a_file_cut_anywhere_or_continued_is_damaged() {
        let file = written(&batch());
        for len in 0..file.len() {
            assert!(parse(file[..len].to_vec()).is_err(), "{len} bytes");
        }
        let mut longer = file;
        longer.push(0);
        assert_eq!(parse(longer), Err(Damage::Length { told: 42, found: 43 }));
    }

    #[test]
    fn any_flipped_bit_is_seen() {
        let file = written(&batch());
        for at in 0..file.len() {
            for bit in 0..8 {
                let mut file = file.clone();
                file[at] ^= 1 << bit;
                assert!(parse(file).is_err(), "bit {bit} of byte {at}");
            }
        }
    }

    #[test]
    fn what_another_version_wrote_is_named() {
        let mut file = written(&batch());
        file[4] = 2;
        let crc = crc32fast::hash(&file[..CHECKED]);
        file[CHECKED..HEADER].copy_from_slice(&crc.to_le_bytes());
        assert_eq!(parse(file), Err(Damage::Version(2)));
        assert_eq!(parse(b"GIF89a, of a length that would do".to_vec()), Err(Damage::Short(33)));
        assert_eq!(parse(vec![b'x'; 100]), Err(Damage::Magic));
    }
}
