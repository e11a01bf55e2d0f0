//! Numbers in as few bits as they need: what a report is small by.
//!
//! Bits are filled from the lowest up. Every code holds at least one set bit or has a fixed width,
//! so that reading past the end is always noticed.

use super::ReportError;

/// Greater numbers are written as this one: nothing is ever counted so often, and no float could
/// tell it.
const MOST: u64 = u64::MAX >> 11;

/// Zeros that a code begins with at most: as many as can be seen at once.
const MOST_ZEROS: u32 = 56;

/// Bits of a number's width.
const WIDTH_BITS: u32 = 6;

/// So many zeros, a one, and a number's lower bits.
struct Code {
    zeros: u32,
    low: u64,
    low_bits: u32,
}

impl Code {
    #[inline]
    fn of(value: u64, scale: u32) -> Self {
        let value = value.min(MOST) + (1 << scale);
        let low_bits = value.ilog2();
        Self { zeros: low_bits - scale, low: value ^ (1 << low_bits), low_bits }
    }
}

/// Appends bits to bytes.
pub(crate) struct BitWriter<'a> {
    /// Longer than what has been written, so that eight bytes can always be stored.
    out: &'a mut Vec<u8>,
    at: usize,
    pending: u64,
    /// Bits that are pending: fewer than 8.
    filled: u32,
}

/// Bytes by which the output grows.
const STEP: usize = 1024;

impl<'a> BitWriter<'a> {
    /// Begins at a byte of its own.
    pub(crate) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { at: out.len(), out, pending: 0, filled: 0 }
    }

    /// At most 56 bits; those of `value` beyond them must be 0. There is no branch that depends on
    /// the number: it could not be foretold.
    #[inline]
    fn short(&mut self, value: u64, bits: u32) {
        self.pending |= value << self.filled;
        self.filled += bits;
        if self.out.len() < self.at + 8 {
            grow(self.out, self.at);
        }
        self.out[self.at..self.at + 8].copy_from_slice(&self.pending.to_le_bytes());
        self.at += (self.filled / 8) as usize;
        self.pending >>= self.filled & !7;
        self.filled &= 7;
    }

    /// The lowest `count` bits of a value.
    #[inline]
    pub(crate) fn bits(&mut self, value: u64, count: u32) {
        let value = value & mask(count);
        if count <= 56 {
            self.short(value, count);
        } else {
            self.short(value & mask(32), 32);
            self.short(value >> 32, count - 32);
        }
    }

    /// Yes or no.
    pub(crate) fn flag(&mut self, value: bool) {
        self.short(u64::from(value), 1);
    }

    /// A number that is mostly small; 0 takes one bit.
    #[inline]
    pub(crate) fn small(&mut self, value: u64) {
        self.scaled(value, 0);
    }

    /// A number that is mostly about 2 to the power of `scale` (Elias gamma over exponential
    /// Golomb): half its size costs a bit less, twice its size two bits more.
    #[inline]
    pub(crate) fn scaled(&mut self, value: u64, scale: u32) {
        let Code { zeros, low, low_bits } = Code::of(value, scale);
        let bits = zeros + 1 + low_bits;
        if bits <= 56 {
            self.short(low << (zeros + 1) | 1 << zeros, bits);
        } else {
            self.bits(1 << zeros, zeros + 1);
            self.bits(low, low_bits);
        }
    }

    /// A small number and a scaled one, at once. The writer is handed on instead of lent, so that
    /// between one pair and the next it is kept in registers.
    #[inline]
    pub(crate) fn pair(mut self, small: u64, value: u64, scale: u32) -> Self {
        let (a, b) = (Code::of(small, 0), Code::of(value, scale));
        let (a_bits, b_bits) = (a.zeros + 1 + a.low_bits, b.zeros + 1 + b.low_bits);
        if a_bits + b_bits <= 56 {
            let a = a.low << (a.zeros + 1) | 1 << a.zeros;
            let b = b.low << (b.zeros + 1) | 1 << b.zeros;
            self.short(b << a_bits | a, a_bits + b_bits);
            self
        } else {
            self.long_pair(small, value, scale)
        }
    }

    #[cold]
    fn long_pair(mut self, small: u64, value: u64, scale: u32) -> Self {
        self.small(small);
        self.scaled(value, scale);
        self
    }

    /// Any number.
    pub(crate) fn number(&mut self, value: u64) {
        let value = value.min(MOST);
        let width = value.checked_ilog2().map_or(0, |log| log + 1);
        self.bits(u64::from(width), WIDTH_BITS);
        // The highest bit is known.
        self.bits(value, width.saturating_sub(1));
    }

    /// A number that is mostly near 0 on either side.
    pub(crate) fn signed(&mut self, value: i64) {
        let folded = (value << 1) ^ (value >> 63);
        self.flag(folded.cast_unsigned() > MOST);
        if folded.cast_unsigned() > MOST {
            self.bits(value.cast_unsigned(), 64);
        } else {
            self.number(folded.cast_unsigned());
        }
    }

    /// Every bit of a float.
    pub(crate) fn float(&mut self, value: f64) {
        self.bits(value.to_bits(), 64);
    }

    /// A float that is mostly close to one that the reader knows.
    pub(crate) fn float_near(&mut self, value: f64, known: f64) {
        self.signed(value.to_bits().wrapping_sub(known.to_bits()).cast_signed());
    }

    /// Fills the last byte with zeros.
    pub(crate) fn finish(self) {
        let bytes = self.filled.div_ceil(8) as usize;
        self.out.truncate(self.at);
        self.out.extend_from_slice(&self.pending.to_le_bytes()[..bytes]);
    }
}

#[cold]
fn grow(out: &mut Vec<u8>, at: usize) {
    out.resize(at + STEP, 0);
}

/// Reads what a [`BitWriter`] wrote.
pub(crate) struct BitReader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> BitReader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next bits, at least 57, zeros past the end.
    #[inline]
    fn peek(&self) -> u64 {
        let byte = self.at / 8;
        let word = if let Some(chunk) = self.bytes.get(byte..).and_then(<[u8]>::first_chunk) {
            u64::from_le_bytes(*chunk)
        } else {
            let mut last = [0; 8];
            let rest = self.bytes.get(byte..).unwrap_or_default();
            last[..rest.len()].copy_from_slice(rest);
            u64::from_le_bytes(last)
        };
        word >> (self.at % 8)
    }

    pub(crate) fn bits(&mut self, count: u32) -> u64 {
        if count <= 57 {
            let value = self.peek() & mask(count);
            self.at += count as usize;
            value
        } else {
            let low = self.bits(32);
            low | self.bits(count - 32) << 32
        }
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.bits(1) == 1
    }

    #[inline]
    pub(crate) fn small(&mut self) -> Result<u64, ReportError> {
        self.scaled(0)
    }

    #[inline]
    pub(crate) fn scaled(&mut self, scale: u32) -> Result<u64, ReportError> {
        let word = self.peek();
        let more = word.trailing_zeros();
        let low = more + scale;
        if more > MOST_ZEROS || low > 62 {
            return Err(ReportError::Malformed("a number"));
        }
        self.at += more as usize + 1;
        let value = if more + 1 + low <= 57 {
            self.at += low as usize;
            (word >> (more + 1)) & mask(low)
        } else {
            self.bits(low)
        };
        // At least 2 to the power of `scale`, by how it is made.
        Ok((value | 1 << low) - (1 << scale))
    }

    /// A small number and a scaled one.
    #[inline]
    pub(crate) fn pair(&mut self, scale: u32) -> Result<(u64, u64), ReportError> {
        let word = self.peek();
        let zeros = word.trailing_zeros();
        if zeros < 16 {
            let small = (word >> (zeros + 1) & mask(zeros) | 1 << zeros) - 1;
            let used = 2 * zeros + 1;
            let word = word >> used;
            let more = word.trailing_zeros();
            let low = more + scale;
            if used + more + 1 + low <= 57 {
                self.at += (used + more + 1 + low) as usize;
                let value = (word >> (more + 1) & mask(low) | 1 << low) - (1 << scale);
                return Ok((small, value));
            }
        }
        Ok((self.small()?, self.scaled(scale)?))
    }

    pub(crate) fn number(&mut self) -> Result<u64, ReportError> {
        match self.bits(WIDTH_BITS).try_into() {
            Ok(0) => Ok(0),
            Ok(width @ 1..=62) => Ok(self.bits(width - 1) | 1 << (width - 1)),
            _ => Err(ReportError::Malformed("a number's width")),
        }
    }

    pub(crate) fn signed(&mut self) -> Result<i64, ReportError> {
        if self.flag() {
            return Ok(self.bits(64).cast_signed());
        }
        let folded = self.number()?;
        Ok((folded >> 1).cast_signed() ^ -(folded & 1).cast_signed())
    }

    pub(crate) fn float(&mut self) -> f64 {
        f64::from_bits(self.bits(64))
    }

    pub(crate) fn float_near(&mut self, known: f64) -> Result<f64, ReportError> {
        Ok(f64::from_bits(known.to_bits().wrapping_add(self.signed()?.cast_unsigned())))
    }

    /// All bytes must have been needed.
    pub(crate) fn finish(self) -> Result<(), ReportError> {
        if self.at.div_ceil(8) != self.bytes.len() || self.peek() != 0 {
            return Err(ReportError::Malformed("an endpoint's length"));
        }
        Ok(())
    }
}

/// So many set bits.
fn mask(count: u32) -> u64 {
    if count >= 64 { u64::MAX } else { (1 << count) - 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Item {
        Flag(bool),
        Small(u64),
        Scaled(u64, u32),
        Pair(u64, u64, u32),
        Number(u64),
        Signed(i64),
        Near(u64, u64),
    }

    fn magnitudes() -> impl Strategy<Value = u64> {
        (any::<u64>(), 0u32..64).prop_map(|(bits, shift)| (bits >> shift).min(MOST))
    }

    fn items() -> impl Strategy<Value = Item> {
        prop_oneof![
            any::<bool>().prop_map(Item::Flag),
            magnitudes().prop_map(Item::Small),
            (magnitudes(), 0u32..20).prop_map(|(value, scale)| Item::Scaled(value, scale)),
            (magnitudes(), magnitudes(), 0u32..20)
                .prop_map(|(a, b, scale)| Item::Pair(a, b, scale)),
            magnitudes().prop_map(Item::Number),
            any::<i64>().prop_map(Item::Signed),
            (any::<u64>(), any::<u64>()).prop_map(|(a, b)| Item::Near(a, b)),
        ]
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(items in prop::collection::vec(items(), 0..60)) {
            let mut bytes = Vec::new();
            let mut writer = BitWriter::new(&mut bytes);
            for item in &items {
                match *item {
                    Item::Flag(value) => writer.flag(value),
                    Item::Small(value) => writer.small(value),
                    Item::Scaled(value, scale) => writer.scaled(value, scale),
                    Item::Pair(a, b, scale) => writer = writer.pair(a, b, scale),
                    Item::Number(value) => writer.number(value),
                    Item::Signed(value) => writer.signed(value),
                    Item::Near(a, b) => writer.float_near(f64::from_bits(a), f64::from_bits(b)),
                }
            }
            writer.finish();
            let mut reader = BitReader::new(&bytes);
            for item in items {
                match item {
                    Item::Flag(value) => prop_assert_eq!(reader.flag(), value),
                    Item::Small(value) => prop_assert_eq!(reader.small(), Ok(value)),
                    Item::Scaled(value, scale) => {
                        prop_assert_eq!(reader.scaled(scale), Ok(value));
                    }
                    Item::Pair(a, b, scale) => {
                        prop_assert_eq!(reader.pair(scale), Ok((a, b)));
                    }
                    Item::Number(value) => prop_assert_eq!(reader.number(), Ok(value)),
                    Item::Signed(value) => prop_assert_eq!(reader.signed(), Ok(value)),
                    Item::Near(a, b) => {
                        let read = reader.float_near(f64::from_bits(b)).map(f64::to_bits);
                        prop_assert_eq!(read, Ok(a));
                    }
                }
            }
            prop_assert_eq!(reader.finish(), Ok(()));
        }
    }

    #[test]
    fn past_the_end_there_is_no_number() {
        assert!(BitReader::new(&[]).small().is_err());
        assert!(BitReader::new(&[0; 9]).small().is_err());
    }
}
