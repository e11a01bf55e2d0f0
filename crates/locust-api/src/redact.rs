//! Taking credentials out of addresses.

use url::Url;

/// An address as it may be shown: without user, password, query and fragment.
pub fn url(url: &Url) -> String {
    let mut shown = url.clone();
    // These fail only for addresses without a host, which have no user either.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.set_query(None);
    shown.set_fragment(None);
    shown.into()
}

/// The host under test as it may be shown: Locust's text without user, password, query and
/// fragment; `None` where nothing is left.
///
/// What looks like an address is cut with care, so that it stays the text that Locust shows. What
/// does not is cut generously: better a shorter host than a password on a dashboard.
pub fn host(text: &str) -> Option<String> {
    let text = text.trim();
    let is_plain = Url::parse(text)
        .is_ok_and(|url| url.has_host() && url.username().is_empty() && url.password().is_none());
    let text = if is_plain {
        text.to_owned()
    } else {
        let (scheme, rest) = text.split_once("://").map_or((None, text), |(s, r)| (Some(s), r));
        let rest = rest.rsplit('@').next().unwrap_or_default();
        scheme.map_or_else(|| rest.to_owned(), |scheme| format!("{scheme}://{rest}"))
    };
    let end = text.find(['?', '#']).unwrap_or(text.len());
    let text = &text[..end];
    (!text.is_empty()).then(|| text.to_owned())
}

/// The beginning of a text, in one line without control characters.
pub(crate) fn excerpt(text: &str) -> String {
    const CHARS: usize = 120;
    let mut line = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        if word.is_empty() {
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if let Some((end, _)) = line.char_indices().nth(CHARS) {
            line.truncate(end);
            line.push('…');
            break;
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_credentials_and_query() {
        let address = Url::parse("http://me:secret@locust:8089/base/?token=secret#x").unwrap();
        assert_eq!(url(&address), "http://locust:8089/base/");
    }

    #[test]
    fn a_plain_host_stays_as_locust_shows_it() {
        for same in ["http://127.0.0.1:38417", "https://shop.example/@me", "shop.example", "a b"] {
            assert_eq!(host(same).as_deref(), Some(same));
        }
    }

    #[test]
    fn a_host_loses_user_password_and_query() {
        for (text, shown) in [
            ("http://me:secret@shop.example/x?k=secret", "http://shop.example/x"),
            ("http://me@shop.example", "http://shop.example"),
            ("me:secret@shop.example:80", "shop.example:80"),
            ("http://me:sec/ret@shop.example/", "http://shop.example/"),
            ("http://me:sec?ret@shop.example/", "http://shop.example/"),
            ("http://me:sec@ret@shop.example/", "http://shop.example/"),
            ("grpc://shop.example:1?key=secret", "grpc://shop.example:1"),
            ("  http://shop.example#secret ", "http://shop.example"),
        ] {
            assert_eq!(host(text).as_deref(), Some(shown), "{text}");
        }
    }

    #[test]
    fn no_host_is_none() {
        assert_eq!(host(""), None);
        assert_eq!(host("?secret"), None);
    }

    #[test]
    fn an_excerpt_is_one_bounded_line() {
        assert_eq!(excerpt("a\r\n\tb\u{1b}[31m  c"), "a b [31m c");
        assert_eq!(excerpt(&"é".repeat(500)).chars().count(), 121);
    }
}
