//! Making JSON of what Python writes instead of it.

/// Stands where a bare `NaN` or `Infinity` stood: a text, which is no number, and which no
/// Locust gives where a number is due.
pub(super) const NOT_FINITE: &str = "!";

const QUOTED: &[u8] = b"\"!\"";

/// Mends the known slips in place, without changing the length: bare `NaN`, `Infinity` and
/// `-Infinity` become a text, and escapes of lone surrogates, which no UTF-8 can hold, the
/// replacement character. Answers whether there was one. What is valid stays as it is, and so
/// does what stands in strings.
pub(crate) fn mend(json: &mut [u8]) -> bool {
    let mut mended = false;
    let mut at = 0;
    while at < json.len() {
        match json[at] {
            b'"' => at = mend_string(json, at + 1, &mut mended),
            b'N' | b'I' | b'-' => match word(&json[at..]) {
                Some(length) => {
                    json[at..at + QUOTED.len()].copy_from_slice(QUOTED);
                    json[at + QUOTED.len()..at + length].fill(b' ');
                    mended = true;
                    at += length;
                }
                None => at += 1,
            },
            _ => at += 1,
        }
    }
    mended
}

fn word(json: &[u8]) -> Option<usize> {
    [&b"NaN"[..], b"Infinity", b"-Infinity"]
        .into_iter()
        .find(|word| json.starts_with(word))
        .map(<[u8]>::len)
}

/// Mends a string from behind its opening quote on; answers where it ends.
fn mend_string(json: &mut [u8], mut at: usize, mended: &mut bool) -> usize {
    while at < json.len() {
        match json[at] {
            b'"' => return at + 1,
            b'\\' => match unit(json, at) {
                Some(unit) if (0xD800..0xDC00).contains(&unit) => {
                    if unit_is_low(json, at + 6) {
                        at += 12;
                    } else {
                        replace(json, at, mended);
                        at += 6;
                    }
                }
                Some(unit) if (0xDC00..0xE000).contains(&unit) => {
                    replace(json, at, mended);
                    at += 6;
                }
                _ => at += 2,
            },
            _ => at += 1,
        }
    }
    at
}

fn replace(json: &mut [u8], at: usize, mended: &mut bool) {
    json[at..at + 6].copy_from_slice(b"\\uFFFD");
    *mended = true;
}

fn unit_is_low(json: &[u8], at: usize) -> bool {
    unit(json, at).is_some_and(|unit| (0xDC00..0xE000).contains(&unit))
}

/// The UTF-16 unit that `\uXXXX` at a place stands for.
fn unit(json: &[u8], at: usize) -> Option<u16> {
    let escape = json.get(at..at + 6)?;
    let digits = escape.strip_prefix(b"\\u")?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mended(json: &str) -> Option<String> {
        let mut bytes = json.as_bytes().to_vec();
        let mended = mend(&mut bytes);
        assert_eq!(bytes.len(), json.len());
        mended.then(|| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn bare_words_become_a_text_of_the_same_length() {
        let json = r#"{"a":NaN,"b":[Infinity,-Infinity,-1]}"#;
        let expected = r#"{"a":"!","b":["!"     ,"!"      ,-1]}"#;
        assert_eq!(mended(json).as_deref(), Some(expected));
    }

    #[test]
    fn words_in_strings_stay() {
        assert_eq!(mended(r#"{"NaN":"NaN \" Infinity \\","-Infinity":-1}"#), None);
    }

    #[test]
    fn lone_surrogates_are_replaced_and_pairs_stay() {
        let json = r#"["\udcff","\ud83d\ude00","\ud83dx","\ud83d\ud83d\ude00","\\udcff"]"#;
        let expected = r#"["\uFFFD","\ud83d\ude00","\uFFFDx","\uFFFD\ud83d\ude00","\\udcff"]"#;
        assert_eq!(mended(json).as_deref(), Some(expected));
    }

    #[test]
    fn what_is_cut_short_does_no_harm() {
        for json in ["\"", "\"\\", "\"\\u", "\"\\ud83d", "\"\\ud83d\\u12", "Na", "-", "-Infinit"] {
            assert_ne!(mended(json).as_deref(), Some(json));
        }
    }
}
