//! Writing of short texts, in a way that costs next to nothing for each.
//!
//! An exposition is made of millions of texts of a few bytes. To append one to a `Vec` is a call of
//! `memcpy`, which takes longer than to copy it does, and a length that goes through memory. A pen
//! copies words in place, into bytes that lie initialised ahead of it, and its place stays in a
//! register for a whole line.

#![expect(
    clippy::inline_always,
    reason = "a pen's place stays in a register only where no call takes the pen: without, a line \
              takes a third longer"
)]

/// The bytes that are initialised at once, ahead of the pen.
const AHEAD: usize = 4096;

/// What can be copied in one step, whatever of it is meant.
pub(super) const STEP: usize = 64;

/// Writes into a buffer from a place on. What lies behind that place is of no meaning.
pub(super) struct Pen<'b> {
    out: &'b mut Vec<u8>,
    at: usize,
}

impl<'b> Pen<'b> {
    /// A pen that writes at `at`, which lies within `out` or at its end.
    #[inline(always)]
    pub(super) fn new(out: &'b mut Vec<u8>, at: usize) -> Self {
        Self { out, at }
    }

    /// Where it will write next.
    #[inline(always)]
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Writes one byte.
    #[inline(always)]
    pub(super) fn byte(&mut self, byte: u8) {
        self.room(1)[0] = byte;
        self.at += 1;
    }

    /// Writes bytes.
    #[inline(always)]
    pub(super) fn put(&mut self, bytes: &[u8]) {
        let len = bytes.len();
        let room = self.room(len);
        // Copying some bytes twice is cheaper than copying the rest one by one.
        if len > 32 {
            room[..len].copy_from_slice(bytes);
        } else if let (Some(first), Some(last)) = ends::<16>(bytes) {
            room[..16].copy_from_slice(first);
            room[len - 16..len].copy_from_slice(last);
        } else if let (Some(first), Some(last)) = ends::<8>(bytes) {
            room[..8].copy_from_slice(first);
            room[len - 8..len].copy_from_slice(last);
        } else {
            room[..8].copy_from_slice(&short(bytes).to_le_bytes());
        }
        self.at += len;
    }

    /// Writes the first `len` bytes. Where [`STEP`] bytes can be read, and not more are meant, that
    /// takes no call and no choice.
    #[inline(always)]
    pub(super) fn put_first(&mut self, len: usize, bytes: &[u8]) {
        match bytes.first_chunk::<STEP>() {
            Some(step) if len <= STEP => {
                self.room(0)[..STEP].copy_from_slice(step);
                self.at += len;
            }
            _ => self.put(&bytes[..len]),
        }
    }

    /// Writes a number of less than nine digits.
    #[inline(always)]
    pub(super) fn small(&mut self, number: u32) {
        let digits = digits(number);
        // The last digit is written even if it is 0.
        let zeros = (digits.trailing_zeros() / 8).min(7);
        let text = (digits | 0x3030_3030_3030_3030) >> (8 * zeros);
        self.room(0)[..8].copy_from_slice(&text.to_le_bytes());
        self.at += 8 - zeros as usize;
    }

    /// Writes a label value, or any text that is escaped like one: `\`, `"` and line feed.
    #[inline(always)]
    pub(super) fn quoted(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let len = bytes.len();
        let room = self.room(len);
        let is_plain = if len > 32 {
            room[..len].copy_from_slice(bytes);
            is_plain(bytes)
        } else if let (Some(first), Some(last)) = ends::<16>(bytes) {
            room[..16].copy_from_slice(first);
            room[len - 16..len].copy_from_slice(last);
            !has_special([first, last])
        } else if let (Some(first), Some(last)) = ends::<8>(bytes) {
            room[..8].copy_from_slice(first);
            room[len - 8..len].copy_from_slice(last);
            !has_special_word(u64::from_le_bytes(*first))
                && !has_special_word(u64::from_le_bytes(*last))
        } else {
            let word = short(bytes);
            room[..8].copy_from_slice(&word.to_le_bytes());
            !has_special_word(word)
        };
        self.at = if is_plain {
            self.at + len
        } else {
            // Over what has just been written.
            escaped(self.out, self.at, text, true)
        };
    }

    /// Writes the help text of the text format 0.0.4, where quotes stay as they are.
    pub(super) fn help(&mut self, text: &str) {
        self.at = escaped(self.out, self.at, text, false);
    }

    /// Room for `len` bytes, and for a step beyond them.
    #[inline(always)]
    fn room(&mut self, len: usize) -> &mut [u8] {
        let end = self.at + len + STEP;
        if end > self.out.len() {
            make_room(self.out, end);
        }
        &mut self.out[self.at..end]
    }
}

#[cold]
#[inline(never)]
fn make_room(out: &mut Vec<u8>, end: usize) {
    out.resize(end + AHEAD, 0);
}

/// Writes at `at`; answers where the text ends.
#[cold]
#[inline(never)]
fn escaped(out: &mut Vec<u8>, at: usize, text: &str, quotes: bool) -> usize {
    let mut pen = Pen::new(out, at);
    for byte in text.bytes() {
        match byte {
            b'\\' => pen.put(b"\\\\"),
            b'\n' => pen.put(b"\\n"),
            b'"' if quotes => pen.put(b"\\\""),
            other => pen.byte(other),
        }
    }
    pen.at
}

/// The first and the last `N` bytes, which may overlap.
#[inline(always)]
fn ends<const N: usize>(bytes: &[u8]) -> (Option<&[u8; N]>, Option<&[u8; N]>) {
    (bytes.first_chunk(), bytes.last_chunk())
}

/// The eight decimal digits of a number below 100,000,000, the first one in the lowest byte.
///
/// Each step divides all parts of the word at once: by multiplying and shifting, which is exact for
/// parts of this size.
#[inline(always)]
fn digits(number: u32) -> u64 {
    let number = u64::from(number);
    let fours = (number / 10_000) | ((number % 10_000) << 32);
    let hundreds = ((fours * 10_486) >> 20) & 0x7f_0000_007f;
    let twos = hundreds | ((fours - 100 * hundreds) << 16);
    let tens = ((twos * 103) >> 10) & 0x000f_000f_000f_000f;
    tens | ((twos - 10 * tens) << 8)
}

/// A text shorter than a word, followed by zeros.
#[inline(always)]
fn short(bytes: &[u8]) -> u64 {
    let at = |byte: u8, place: usize| u64::from(byte) << (8 * place);
    let len = bytes.len();
    match (bytes.first_chunk(), bytes.last_chunk()) {
        // What stands in both is the same, so that one may lie over the other.
        (Some(first), Some(last)) => {
            let [first, last] = [first, last].map(|half| u64::from(u32::from_le_bytes(*half)));
            first | (last << (8 * (len - 4)))
        }
        _ => match bytes {
            [] => 0,
            [first, ..] => {
                at(*first, 0) | at(bytes[len / 2], len / 2) | at(bytes[len - 1], len - 1)
            }
        },
    }
}

/// Whether nothing in a text of at least 16 bytes has to be escaped.
#[inline(never)]
fn is_plain(bytes: &[u8]) -> bool {
    // Looking at some bytes twice is cheaper than looking at the rest one by one.
    let (chunks, _) = bytes.as_chunks::<16>();
    !chunks.iter().chain(bytes.last_chunk()).any(|chunk| has_special([chunk, chunk]))
}

/// How far a byte is from the nearest that has to be escaped: 0 if it is one.
#[inline(always)]
fn distance(byte: u8) -> u8 {
    (byte ^ b'\\').min(byte ^ b'"').min(byte ^ b'\n')
}

/// Whether any byte has to be escaped. Written so that it is compiled to vector instructions.
#[inline(always)]
fn has_special([a, b]: [&[u8; 16]; 2]) -> bool {
    let mut distances = [0; 16];
    for ((nearest, a), b) in distances.iter_mut().zip(a).zip(b) {
        *nearest = distance(*a).min(distance(*b));
    }
    let (words, _) = distances.as_chunks::<8>();
    words.iter().fold(false, |any, word| any | has_zero(u64::from_le_bytes(*word)))
}

/// The same for a word.
#[inline(always)]
fn has_special_word(word: u64) -> bool {
    let differs = |byte| word ^ u64::from_le_bytes([byte; 8]);
    has_zero(differs(b'\\')) | has_zero(differs(b'"')) | has_zero(differs(b'\n'))
}

/// Whether any byte of `word` is zero: subtracting 1 from one borrows into its high bit.
#[inline(always)]
fn has_zero(word: u64) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = ONES << 7;
    word.wrapping_sub(ONES) & !word & HIGHS != 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a pen writes behind `before`.
    fn written(before: &[u8], write: impl FnOnce(&mut Pen<'_>)) -> Vec<u8> {
        let mut out = before.to_vec();
        let mut pen = Pen::new(&mut out, before.len());
        write(&mut pen);
        let end = pen.at();
        out.truncate(end);
        out.split_off(before.len())
    }

    #[test]
    fn texts_of_every_length_are_written_whole() {
        let text: Vec<u8> = (0..=255).collect();
        for length in 0..text.len() {
            let twice = written(b"before", |pen| {
                pen.put(&text[..length]);
                pen.put(&text[..length]);
            });
            assert_eq!(twice, text[..length].repeat(2));
        }
    }

    #[test]
    fn texts_longer_than_what_lies_ahead_are_written_whole() {
        let text = vec![b'x'; 3 * AHEAD + 1];
        assert_eq!(written(b"", |pen| pen.put(&text)), text);
        let numbers =
            written(b"", |pen| (0..=255).cycle().take(3 * AHEAD).for_each(|b| pen.byte(b)));
        assert_eq!(numbers, (0..=255).cycle().take(3 * AHEAD).collect::<Vec<_>>());
    }

    #[test]
    fn a_special_byte_is_escaped_at_every_place_of_every_length() {
        for length in 0..80 {
            for place in 0..length {
                for special in ["\\", "\"", "\n"] {
                    let [before, after] = [place, length - place - 1].map(|n| "a".repeat(n));
                    let escape = if special == "\n" { "n" } else { special };
                    let text = format!("{before}{special}{after}");
                    let wanted = format!("{before}\\{escape}{after}");
                    assert_eq!(written(b"", |pen| pen.quoted(&text)), wanted.as_bytes());
                }
            }
        }
    }

    #[test]
    fn help_keeps_its_quotes() {
        assert_eq!(written(b"", |pen| pen.help("a \"b\"\n\\")), br#"a "b"\n\\"#);
    }

    proptest! {
        #[test]
        fn any_text_is_quoted(text: String) {
            let wanted = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            prop_assert_eq!(written(b"", |pen| pen.quoted(&text)), wanted.as_bytes());
        }
    }
}
