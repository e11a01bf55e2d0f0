//! Undoing what older Locusts did to texts.

use std::borrow::Cow;

/// How a Locust writes texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// Up to 2.27, error texts and their names are HTML-escaped, and an error that came from a
    /// worker bears one more pair of quotes.
    pub(crate) escapes_errors: bool,
    /// From 2.10.2 up to 2.37.12, the texts of exceptions are HTML-escaped.
    pub(crate) escapes_exceptions: bool,
}

/// Undoes Python's `html.escape`.
pub(super) fn unescaped(text: &str) -> Cow<'_, str> {
    const ENTITIES: [(&str, char); 7] = [
        ("&amp;", '&'),
        ("&lt;", '<'),
        ("&gt;", '>'),
        ("&quot;", '"'),
        ("&#x27;", '\''),
        ("&#39;", '\''),
        ("&#34;", '"'),
    ];
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let (written, character) =
            ENTITIES.into_iter().find(|(entity, _)| rest.starts_with(entity)).unwrap_or(("&", '&'));
        plain.push(character);
        rest = &rest[written.len()..];
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

/// Undoes Python's `repr` of a string, up to twice: once for the worker that wrote it, once for
/// the master. A text that is not wholly one string literal stays as it is.
pub(super) fn unquoted(text: &str) -> Cow<'_, str> {
    match literal(text) {
        Some(inner) => Cow::Owned(literal(&inner).unwrap_or(inner)),
        None => Cow::Borrowed(text),
    }
}

fn literal(text: &str) -> Option<String> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let inside = text.strip_prefix(quote)?.strip_suffix(quote)?;
    let mut plain = String::with_capacity(inside.len());
    let mut chars = inside.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => plain.push(escape(&mut chars)?),
            c if c == quote => return None,
            c => plain.push(c),
        }
    }
    Some(plain)
}

fn escape(chars: &mut std::str::Chars<'_>) -> Option<char> {
    let digits = match chars.next()? {
        'n' => return Some('\n'),
        'r' => return Some('\r'),
        't' => return Some('\t'),
        c @ ('\\' | '\'' | '"') => return Some(c),
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => return None,
    };
    let mut code = 0;
    for _ in 0..digits {
        code = code * 16 + chars.next()?.to_digit(16)?;
    }
    Some(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escaped_text_becomes_plain() {
        assert_eq!(unescaped("&lt;a href=&quot;x&#x27;&gt; &amp;amp; &"), "<a href=\"x'> &amp; &");
        assert_eq!(unescaped("plain"), "plain");
    }

    #[test]
    fn a_workers_error_loses_its_extra_quotes() {
        assert_eq!(unquoted(r#"'Exception("boom \'y\'")'"#), r#"Exception("boom 'y'")"#);
        assert_eq!(unquoted(r#""OSError('x')""#), "OSError('x')");
    }

    #[test]
    fn a_worker_s_error_that_is_a_text_loses_both_pairs() {
        assert_eq!(unquoted(r#""'it broke'""#), "it broke");
    }

    #[test]
    fn what_is_no_whole_literal_stays() {
        for text in ["OSError('x')", "'a' and 'b'", "'", "'\\", "'a\\'", "'\\q'", ""] {
            assert_eq!(unquoted(text), text);
        }
    }

    #[test]
    fn escapes_of_any_length_are_read() {
        assert_eq!(unquoted(r"'\xe9\u20ac\U0001f600\ud800\n'"), "é€😀\u{fffd}\n");
    }
}
