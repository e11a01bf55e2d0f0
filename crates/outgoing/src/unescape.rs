//! Reading the escapes in which a peer may repeat a text: those of URLs, JSON and HTML.

/// A byte that a text stands for, and where in the text it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unit {
    pub(crate) byte: u8,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// How HTML writes the characters that it must escape.
const ENTITIES: [(&str, char); 8] = [
    ("&amp;", '&'),
    ("&lt;", '<'),
    ("&gt;", '>'),
    ("&quot;", '"'),
    ("&apos;", '\''),
    ("&#34;", '"'),
    ("&#39;", '\''),
    ("&#x27;", '\''),
];

/// A text as it is.
pub(crate) fn plain(text: &str) -> Vec<Unit> {
    let unit = |(start, byte)| Unit { byte, start, end: start + 1 };
    text.bytes().enumerate().map(unit).collect()
}

/// A text with its escapes resolved, each once.
pub(crate) fn unescaped(text: &str) -> Vec<Unit> {
    let mut units = Vec::with_capacity(text.len());
    let mut start = 0;
    while let Some(first) = text[start..].chars().next() {
        let rest = &text[start..];
        let mut put = |bytes: &[u8], length: usize| {
            let end = start + length;
            if bytes.len() == length {
                units.extend(plain(&text[start..end]).into_iter().map(|unit| Unit {
                    byte: unit.byte,
                    start: start + unit.start,
                    end: start + unit.end,
                }));
            } else {
                units.extend(bytes.iter().map(|byte| Unit { byte: *byte, start, end }));
            }
            start = end;
        };
        let escaped = match first {
            '\\' => backslash(rest),
            '&' => entity(rest),
            _ => None,
        };
        if let Some((meant, length)) = escaped {
            put(meant.encode_utf8(&mut [0; 4]).as_bytes(), length);
        } else if let Some(byte) = percent(rest) {
            put(&[byte], 3);
        } else {
            put(&rest.as_bytes()[..first.len_utf8()], first.len_utf8());
        }
    }
    units
}

/// `%2F`.
fn percent(text: &str) -> Option<u8> {
    let digits = text.strip_prefix('%')?.get(..2)?;
    digits
        .bytes()
        .all(|digit| digit.is_ascii_hexdigit())
        .then(|| u8::from_str_radix(digits, 16).ok())?
}

/// `\/`, `\"`, `\u00e9`: what is meant, and how long it is.
fn backslash(text: &str) -> Option<(char, usize)> {
    let rest = text.strip_prefix('\\')?;
    match rest.chars().next()? {
        meant @ ('"' | '\\' | '/' | '\'') => Some((meant, 2)),
        'u' => {
            let digits = rest.get(1..5)?;
            let meant = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)?;
            Some((meant, 6))
        }
        _ => None,
    }
}

/// `&amp;`: what is meant, and how long it is.
fn entity(text: &str) -> Option<(char, usize)> {
    let (name, meant) = ENTITIES.iter().find(|(name, _)| text.starts_with(name))?;
    Some((*meant, name.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meant(text: &str) -> String {
        String::from_utf8(unescaped(text).iter().map(|unit| unit.byte).collect()).unwrap()
    }

    #[test]
    fn each_escape_is_resolved_once() {
        for (text, wanted) in [
            ("a%2fb%2F%zz%", "a/b/%zz%"),
            (r#"\"a\/\\\u00e9\n"#, "\"a/\\é\\n"),
            ("&lt;&#39;&amp;lt;&other;", "<'&lt;&other;"),
            ("é%C3%A9", "éé"),
        ] {
            assert_eq!(meant(text), wanted);
        }
    }

    #[test]
    fn each_byte_knows_where_it_stands() {
        let units = unescaped("é%41b");
        let places: Vec<_> = units.iter().map(|unit| (unit.start, unit.end)).collect();
        assert_eq!(places, [(0, 1), (1, 2), (2, 5), (5, 6)]);
    }
}
