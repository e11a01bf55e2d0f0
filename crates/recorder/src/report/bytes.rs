//! The parts of a report that need no bit to be saved.

use super::ReportError;

pub(crate) fn put_number(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        if value == 0 {
            out.push(low & 0x7f);
            return;
        }
        out.push(low | 0x80);
    }
}

pub(crate) fn put_signed(out: &mut Vec<u8>, value: i64) {
    put_number(out, ((value << 1) ^ (value >> 63)).cast_unsigned());
}

pub(crate) fn put_float(out: &mut Vec<u8>, value: f64) {
    out.extend_from_slice(&value.to_le_bytes());
}

pub(crate) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_bytes(out, text.as_bytes());
}

pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Reads what was put.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], ReportError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(ReportError::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ReportError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(ReportError::Truncated)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, ReportError> {
        self.array().map(|[byte]| byte)
    }

    /// Eight bytes.
    pub(crate) fn word(&mut self) -> Result<u64, ReportError> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn float(&mut self) -> Result<f64, ReportError> {
        self.array().map(f64::from_le_bytes)
    }

    pub(crate) fn number(&mut self) -> Result<u64, ReportError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7f);
            if part << shift >> shift != part {
                return Err(ReportError::Malformed("a number"));
            }
            value |= part << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(ReportError::Malformed("a number"))
    }

    /// A number that counts or numbers things in memory.
    pub(crate) fn size(&mut self) -> Result<usize, ReportError> {
        self.number()?.try_into().map_err(|_| ReportError::Malformed("a size"))
    }

    pub(crate) fn signed(&mut self) -> Result<i64, ReportError> {
        let folded = self.number()?;
        Ok((folded >> 1).cast_signed() ^ -(folded & 1).cast_signed())
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], ReportError> {
        let length = self.size()?;
        self.take(length)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, ReportError> {
        str::from_utf8(self.bytes()?).map_err(|_| ReportError::Malformed("a text's UTF-8"))
    }
}
