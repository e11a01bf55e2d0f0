//! Sizes of flags.

/// What a size may end in, and the bytes of one.
const UNITS: [(&str, u64); 4] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1)];

/// Reads a size: a number of bytes, or of the unit behind it.
///
/// # Errors
///
/// A sentence that says what is accepted. A size of nothing is refused: nothing could be kept.
pub(super) fn parse(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let (number, unit) = UNITS
        .into_iter()
        .find_map(|(word, bytes)| Some((text.strip_suffix(word)?.trim_end(), bytes)))
        .unwrap_or((text, 1));
    // `parse` would take a sign.
    let digits = number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse().ok());
    match digits.flatten().and_then(|number: u64| number.checked_mul(unit)) {
        None => Err("expected a size like 64MiB, 1GiB, 512KiB or a number of bytes".to_owned()),
        Some(0) => Err("expected more than 0".to_owned()),
        Some(size) => Ok(size),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units_or_are_bytes() {
        for (text, size) in [
            ("64MiB", 64 << 20),
            ("1GiB", 1 << 30),
            (" 2 KiB ", 2 << 10),
            ("5B", 5),
            ("1000000", 1_000_000),
        ] {
            assert_eq!(parse(text), Ok(size), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in ["", "MiB", "-1", "+1", "1.5GiB", "64MB", "64mib", "0", "99999999999GiB"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
