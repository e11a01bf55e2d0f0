//! Taking credentials out of the host under test.

use url::Url;

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

#[cfg(test)]
mod tests {
    use super::*;

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
}
