//! The grammar of both headers: elements with parameters and a quality.

/// A quality of 1 in thousandths, which is how fine they are.
const ONE: u16 = 1000;

/// An element of a header: `value;name=text;q=0.5`.
#[derive(Debug)]
pub(super) struct Element<'a> {
    /// What stands before the first `;`.
    pub(super) value: &'a str,
    /// The quality in thousandths, 0 to 1000.
    pub(super) quality: u16,
    parameters: &'a str,
}

impl<'a> Element<'a> {
    /// The text of a parameter, without its quotes.
    pub(super) fn parameter(&self, name: &str) -> Option<&'a str> {
        parameters(self.parameters)
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, text)| text)
    }
}

/// The elements of a header, without those whose quality makes no sense.
pub(super) fn elements(header: &str) -> impl Iterator<Item = Element<'_>> {
    split(header, ',').filter_map(|element| {
        let (value, rest) = element.split_once(';').unwrap_or((element, ""));
        let quality = parameters(rest).find(|(name, _)| name.eq_ignore_ascii_case("q"));
        let quality = quality.map_or(Some(ONE), |(_, text)| thousandths(text))?;
        Some(Element { value: value.trim_ascii(), quality, parameters: rest })
    })
}

fn parameters(text: &str) -> impl Iterator<Item = (&str, &str)> {
    split(text, ';').filter_map(|parameter| {
        let (name, text) = parameter.split_once('=')?;
        let text = text.trim_ascii();
        // None of the words that are looked for holds a character that would be escaped.
        let bare = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        Some((name.trim_ascii(), bare.unwrap_or(text)))
    })
}

/// Splits at a separator that is not between quotes.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let mut escaped = false;
    text.split(move |c| {
        let is_literal = std::mem::take(&mut escaped);
        match c {
            _ if is_literal => false,
            '\\' if quoted => {
                escaped = true;
                false
            }
            '"' => {
                quoted = !quoted;
                false
            }
            _ => c == separator && !quoted,
        }
    })
}

/// Reads a quality. More digits than RFC 9110 has are cut off, and `.5` is 0.5: old clients send
/// both.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let digits = fraction.bytes().map(|b| u16::from(b - b'0')).chain(std::iter::repeat(0));
    let fraction_thousandths = digits.take(3).fold(0, |sum, digit| sum * 10 + digit);
    match whole {
        "0" => Some(fraction_thousandths),
        "" if !fraction.is_empty() => Some(fraction_thousandths),
        "1" if fraction.bytes().all(|b| b == b'0') => Some(ONE),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn qualities_are_read_as_rfc_9110_writes_them_and_a_little_more() {
        for (text, wanted) in [
            ("0", Some(0)),
            ("1", Some(1000)),
            ("1.000", Some(1000)),
            ("0.5", Some(500)),
            ("0.123", Some(123)),
            ("0.1239", Some(123)),
            (".2", Some(200)),
            ("0.", Some(0)),
            ("1.001", None),
            ("2", None),
            ("-1", None),
            ("", None),
            (".", None),
            ("0.x", None),
            ("NaN", None),
        ] {
            assert_eq!(thousandths(text), wanted, "{text:?}");
        }
    }

    #[test]
    fn a_separator_between_quotes_separates_nothing() {
        let elements = elements(r#"a/b;x="1,2;q=0\",";q=0.5 , c/d"#).collect::<Vec<_>>();
        assert_eq!(elements.len(), 2);
        assert_eq!((elements[0].value, elements[0].quality), ("a/b", 500));
        assert_eq!((elements[1].value, elements[1].quality), ("c/d", 1000));
    }

    #[test]
    fn parameters_are_found_by_name_in_any_case() {
        let element = elements("a/b; Version=\"1.0.0\" ;flag; q=1").next().unwrap();
        assert_eq!(element.parameter("version"), Some("1.0.0"));
        assert_eq!(element.parameter("flag"), None);
    }
}
