//! Sizes of flags.

/// What a size may end in, and the bytes of one.
const UNITS: [(&str, u64); 4] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1)];

/// The least room: with less, hardly a push would fit in.
const LEAST: u64 = 1 << 20;

/// Reads how much room there is for what waits.
///
/// # Errors
///
/// A sentence that says what is accepted.
pub(super) fn room(text: &str) -> Result<u64, String> {
    let size = parse(text)?;
    if size < LEAST {
        return Err("expected at least 1MiB, so that what is pushed at once has room".to_owned());
    }
    Ok(size)
}

/// Reads a size: a number of bytes, or of the unit behind it.
fn parse(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let (number, unit) = UNITS
        .into_iter()
        .find_map(|(word, bytes)| Some((text.strip_suffix(word)?.trim_end(), bytes)))
        .unwrap_or((text, 1));
    // `parse` would take a sign.
    let digits = number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse().ok());
    match digits.flatten().and_then(|number: u64| number.checked_mul(unit)) {
        None => Err("expected a size like 64MiB, 1GiB, 512KiB or a number of bytes".to_owned()),
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
    fn a_room_in_which_nothing_fits_is_refused() {
        for (text, is_room) in
            [("1MiB", true), ("1048576", true), ("1048575", false), ("1KiB", false), ("0", false)]
        {
            let room = room(text);
            assert_eq!(room.is_ok(), is_room, "{text}");
            assert!(room.is_ok() || room.is_err_and(|line| line.contains("at least 1MiB")));
        }
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in ["", "MiB", "-1", "+1", "1.5GiB", "64MB", "64mib", "99999999999GiB"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
