//! Taking credentials out of addresses, and lines out of what others say.

use url::Url;

/// An address as it may be shown: without user, password, query and fragment.
pub fn shown(url: &Url) -> String {
    let mut shown = url.clone();
    // These fail only for addresses without a host, which have no user either.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.set_query(None);
    shown.set_fragment(None);
    shown.into()
}

/// A text in one line without control characters.
pub(crate) fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

/// The beginning of a text of our own or of the user's, in one line without control characters.
/// What a peer says is quoted by [`Secrets::quote`](crate::Secrets::quote).
pub fn excerpt(text: &str) -> String {
    const CHARS: usize = 120;
    let mut line = one_line(text);
    if let Some((end, _)) = line.char_indices().nth(CHARS) {
        line.truncate(end);
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_credentials_and_query() {
        let address = Url::parse("http://me:secret@locust:8089/base/?token=secret#x").unwrap();
        assert_eq!(shown(&address), "http://locust:8089/base/");
    }

    #[test]
    fn an_excerpt_is_one_bounded_line() {
        assert_eq!(excerpt("a\r\n\tb\u{1b}[31m  c"), "a b [31m c");
        assert_eq!(excerpt(&"é".repeat(500)).chars().count(), 121);
    }
}
