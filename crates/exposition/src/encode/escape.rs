//! Text between quotes and after `# HELP`.

/// Appends a label value, or any text that is escaped like one: `\`, `"` and line feed.
#[inline]
pub(super) fn quoted(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    if is_plain(bytes) {
        out.extend_from_slice(bytes);
    } else {
        escaped(out, bytes, true);
    }
}

/// Appends the help text of the text format 0.0.4, where quotes stay as they are.
pub(super) fn help(out: &mut Vec<u8>, text: &str) {
    escaped(out, text.as_bytes(), false);
}

fn escaped(out: &mut Vec<u8>, bytes: &[u8], quotes: bool) {
    for byte in bytes {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'"' if quotes => out.extend_from_slice(b"\\\""),
            other => out.push(*other),
        }
    }
}

/// Whether nothing in `bytes` has to be escaped. Looks at eight bytes at a time: nearly every
/// value is short and plain, and the call of a vectorised search would cost more than this.
#[inline]
fn is_plain(bytes: &[u8]) -> bool {
    // Where the length is no multiple of a word's, looking at some bytes twice is cheaper than
    // looking at the rest one by one.
    if let Some(last) = bytes.last_chunk::<8>() {
        let (words, _) = bytes.as_chunks::<8>();
        !words.iter().chain([last]).any(|word| has_special(u64::from_ne_bytes(*word)))
    } else if let (Some([a, b, c, d]), Some([e, f, g, h])) =
        (bytes.first_chunk(), bytes.last_chunk())
    {
        !has_special(u64::from_ne_bytes([*a, *b, *c, *d, *e, *f, *g, *h]))
    } else {
        !bytes.iter().any(|byte| matches!(byte, b'\\' | b'"' | b'\n'))
    }
}

/// Whether any byte of `word` is one of the three: a byte that equals `b` is zero after `^ b`, and
/// subtracting 1 from a zero byte borrows into its high bit.
fn has_special(word: u64) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = ONES << 7;
    let zeros = |b: u8| {
        let word = word ^ (ONES * u64::from(b));
        word.wrapping_sub(ONES) & !word
    };
    (zeros(b'\\') | zeros(b'"') | zeros(b'\n')) & HIGHS != 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_special_byte_is_found_at_every_place_of_every_length() {
        for length in 0..40 {
            assert!(is_plain(&vec![b'a'; length]));
            for place in 0..length {
                for special in *b"\\\"\n" {
                    let mut bytes = vec![b'a'; length];
                    bytes[place] = special;
                    assert!(!is_plain(&bytes), "{special} at {place} of {length}");
                }
            }
        }
    }

    #[test]
    fn help_keeps_its_quotes() {
        let mut out = Vec::new();
        help(&mut out, "a \"b\"\n\\");
        assert_eq!(out, br#"a "b"\n\\"#);
    }

    proptest! {
        #[test]
        fn plain_means_that_no_byte_is_special(bytes: Vec<u8>) {
            let special = bytes.iter().any(|b| b"\\\"\n".contains(b));
            prop_assert_eq!(is_plain(&bytes), !special);
        }
    }
}
