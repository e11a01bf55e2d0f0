//! What surrounds a report's content: its format, whose it is, which it follows, its checksum. And
//! the master's answer.

use std::hash::{BuildHasher, RandomState};

use super::bytes::{Cursor, put_number};
use super::{MOST_BYTES, ReportError, VERSION};

/// Whose report it is and where it stands among the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Envelope {
    /// The process; a later one of the same worker has a greater number.
    pub(crate) boot: u64,
    /// The process's statistics since they last began or were reset; grows.
    pub(crate) incarnation: u64,
    /// Number of the report in its process, from 1.
    pub(crate) sequence: u64,
    /// The report that this one goes on from: what changed since is in it. 0 for everything.
    pub(crate) base: u64,
    /// The report since which an endpoint's extremes are told beside those of all its time.
    pub(crate) extremes_from: u64,
    /// The master that is known to have some of these statistics, by its number; 0 where none is.
    pub(crate) master: u64,
}

/// Bytes of a checksum.
const SEAL_BYTES: usize = 4;

impl Envelope {
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        out.extend_from_slice(&self.boot.to_le_bytes());
        for number in [self.incarnation, self.sequence, self.base, self.extremes_from] {
            put_number(out, number);
        }
        out.extend_from_slice(&self.master.to_le_bytes());
    }

    pub(crate) fn read(from: &mut Cursor<'_>) -> Result<Self, ReportError> {
        let envelope = Self {
            boot: from.word()?,
            incarnation: from.number()?,
            sequence: from.number()?,
            base: from.number()?,
            extremes_from: from.number()?,
            master: from.word()?,
        };
        if envelope.base >= envelope.sequence || envelope.extremes_from >= envelope.sequence {
            return Err(ReportError::Malformed("its number"));
        }
        Ok(envelope)
    }
}

/// A number for a process or a master: when it began, in nanoseconds, and where two did so at the
/// same moment, chance. Never 0.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates")]
pub(crate) fn number_of(now: f64) -> u64 {
    let nanoseconds = (now * 1e9) as u64;
    (nanoseconds & !0xff | RandomState::new().hash_one(0) & 0xff).max(1)
}

/// Ends a report.
pub(crate) fn seal(report: &mut Vec<u8>) {
    report.extend_from_slice(&checksum(report).to_le_bytes());
}

/// What stands between version and checksum.
pub(crate) fn open(report: &[u8]) -> Result<Cursor<'_>, ReportError> {
    if report.len() > MOST_BYTES {
        return Err(ReportError::TooLarge { bytes: report.len() });
    }
    match report.first() {
        None => return Err(ReportError::Truncated),
        Some(&VERSION) => {}
        Some(&found) => return Err(ReportError::Version { found }),
    }
    let (content, seal) = report.split_last_chunk::<SEAL_BYTES>().ok_or(ReportError::Truncated)?;
    if content.is_empty() {
        return Err(ReportError::Truncated);
    }
    if checksum(content).to_le_bytes() != *seal {
        return Err(ReportError::Damaged);
    }
    Ok(Cursor::new(&content[1..]))
}

/// Tells accidents, not attacks.
fn checksum(bytes: &[u8]) -> u32 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |hash: u64, word: u64| {
        let hash = (hash ^ word).wrapping_mul(FACTOR);
        hash ^ hash >> 29
    };
    let (words, rest) = bytes.as_chunks();
    let mut hash =
        words.iter().fold(bytes.len() as u64, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    hash = mix(hash, u64::from_le_bytes(last));
    let [_, _, _, _, high @ ..] = hash.to_le_bytes();
    u32::from_le_bytes(high)
}

/// The master's answer to a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Acknowledgement {
    pub(crate) boot: u64,
    pub(crate) incarnation: u64,
    /// The last report up to which the master has everything of this incarnation; 0 if it wants
    /// everything.
    pub(crate) has: u64,
    /// The number of the master that answers.
    pub(crate) master: u64,
}

impl Acknowledgement {
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let mut out = vec![VERSION];
        out.extend_from_slice(&self.boot.to_le_bytes());
        put_number(&mut out, self.incarnation);
        put_number(&mut out, self.has);
        out.extend_from_slice(&self.master.to_le_bytes());
        seal(&mut out);
        out
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, ReportError> {
        let mut from = open(bytes)?;
        let (boot, incarnation) = (from.word()?, from.number()?);
        let answer = Self { boot, incarnation, has: from.number()?, master: from.word()? };
        if from.is_empty() { Ok(answer) } else { Err(ReportError::Malformed("its length")) }
    }
}
