//! A short answer.

use std::time::{Duration, SystemTime};

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, LOCATION, RETRY_AFTER};
use url::Url;

use crate::peer::{PeerText, Raw};
use crate::secrets::Secrets;
use crate::shown::shown;

/// A short answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub(crate) headers: HeaderMap,
    /// The beginning of its body.
    pub(crate) body: Vec<u8>,
    /// Headers that came after the body.
    pub(crate) trailers: HeaderMap,
    /// What is cut out of all that is quoted.
    pub(crate) secrets: Secrets,
}

impl Answer {
    /// The longest that an answer may ask to wait: a slip there must not silence us for a day, and
    /// what waits meanwhile needs room.
    pub const LONGEST_WAIT: Duration = Duration::from_mins(5);

    /// A header's value, if it is there and is text.
    pub fn header(&self, name: &str) -> Option<Raw<'_>> {
        self.headers.get(name)?.to_str().ok().map(Raw::new)
    }

    /// A header's value that came after the body; or else before it.
    pub fn trailer(&self, name: &str) -> Option<Raw<'_>> {
        match self.trailers.get(name) {
            Some(value) => value.to_str().ok().map(Raw::new),
            None => self.header(name),
        }
    }

    /// The beginning of its body, to be read and never to be shown.
    pub fn expose_body(&self) -> &[u8] {
        &self.body
    }

    /// The beginning of its body as text.
    pub fn text(&self) -> Raw<'_> {
        Raw::of_bytes(&self.body)
    }

    /// The beginning of something that it says, as it may be shown.
    pub fn quote(&self, text: &Raw<'_>) -> PeerText {
        self.secrets.quote(text)
    }

    /// Status and the beginning of the text, in one line: `400 Bad Request: out of order sample`.
    pub fn line(&self) -> String {
        self.line_of(&self.text())
    }

    /// Status and the beginning of these words of its, in one line.
    pub fn line_of(&self, words: &Raw<'_>) -> String {
        let words = self.quote(words);
        if words.is_empty() { self.status.to_string() } else { format!("{}: {words}", self.status) }
    }

    /// Where it redirects to, without credentials and query; relative as it came.
    pub fn location(&self) -> Option<PeerText> {
        let to = String::from_utf8_lossy(self.headers.get(LOCATION)?.as_bytes());
        let to = Url::parse(&to).map_or_else(
            |_| to.split(['?', '#']).next().unwrap_or_default().to_owned(),
            |url| shown(&url),
        );
        Some(self.quote(&Raw::new(to)))
    }

    /// How long it asks to wait, in seconds or until a date (RFC 9110, section 10.2.3);
    /// [`Self::LONGEST_WAIT`] at most.
    pub fn retry_after(&self) -> Option<Duration> {
        let text = self.header(RETRY_AFTER.as_str())?;
        let text = text.expose().trim();
        let wait = if let Ok(seconds) = text.parse() {
            Duration::from_secs(seconds)
        } else {
            let until = httpdate::parse_http_date(text).ok()?;
            until.duration_since(SystemTime::now()).unwrap_or_default()
        };
        Some(wait.min(Self::LONGEST_WAIT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(headers: &[(&'static str, String)], body: &str) -> Answer {
        let headers = headers.iter().map(|(name, value)| {
            (name.parse().unwrap(), reqwest::header::HeaderValue::from_str(value).unwrap())
        });
        Answer {
            status: StatusCode::SERVICE_UNAVAILABLE,
            headers: headers.collect(),
            body: body.into(),
            trailers: HeaderMap::new(),
            secrets: Secrets::default(),
        }
    }

    #[test]
    fn it_is_told_in_one_line() {
        assert_eq!(answer(&[], " no\nroom\n").line(), "503 Service Unavailable: no room");
        assert_eq!(answer(&[], "").line(), "503 Service Unavailable");
    }

    #[test]
    fn it_asks_to_wait_for_seconds_or_until_a_date() {
        let wait = |text: String| answer(&[("retry-after", text)], "").retry_after();
        assert_eq!(wait("7".into()), Some(Duration::from_secs(7)));
        assert_eq!(wait("86400".into()), Some(Answer::LONGEST_WAIT));
        assert_eq!(wait("soon".into()), None);
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT".into()), Some(Duration::ZERO));
        let later = SystemTime::now() + Duration::from_mins(4);
        let waited = wait(httpdate::fmt_http_date(later)).unwrap();
        assert!(waited > Duration::from_mins(3) && waited <= Duration::from_mins(4), "{waited:?}");
        assert_eq!(answer(&[], "").retry_after(), None);
    }

    #[test]
    fn a_redirect_is_shown_without_what_is_secret() {
        for (to, shown) in [
            ("/login?token=secret", "/login"),
            ("https://me:secret@other.example/x?y#z", "https://other.example/x"),
        ] {
            let answer = answer(&[("location", to.to_owned())], "");
            assert_eq!(answer.location().unwrap().as_str(), shown);
        }
    }
}
