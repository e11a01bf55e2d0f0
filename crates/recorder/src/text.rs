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
}
