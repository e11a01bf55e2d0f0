//! Texts of errors as they are kept.

use std::borrow::Cow;

const TARGET: &str = "object at 0x";

/// An error's text as Locust keeps it: the first address of an object in it is made the same for
/// all objects, so that errors alike stay one (`StatsError.parse_error`).
pub(crate) fn without_address(text: &str) -> Cow<'_, str> {
    let Some(target) = text.find(TARGET) else { return text.into() };
    let start = target + TARGET.len() - 2;
    match text[start..].find('>') {
        Some(length) => text.replace(&text[start..start + length], "0x....").into(),
        None => text.into(),
    }
}

/// The first so many characters.
pub(crate) fn cut(text: &str, chars: usize) -> &str {
    // Most are so short that their characters need no counting.
    if text.len() <= chars {
        return text;
    }
    text.char_indices().nth(chars).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_made_alike() {
        let error = "ValueError(<object object at 0x7f01>, <object object at 0x7f01>)";
        assert_eq!(
            without_address(error),
            "ValueError(<object object at 0x....>, <object object at 0x....>)"
        );
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut("ééé", 2), "éé");
        assert_eq!(cut("ééé", 3), "ééé");
        assert_eq!(cut("", 0), "");
    }
}
