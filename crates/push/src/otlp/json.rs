//! Answers of OTLP in JSON.

use std::borrow::Cow;

use outgoing::Raw;
use serde::Deserialize;

/// What an `ExportMetricsServiceResponse` says of points that were not taken.
pub(super) struct Response<'a> {
    /// How many points were rejected.
    pub(super) rejected: u64,
    /// Why, or a warning.
    pub(super) words: Raw<'a>,
}

/// Both spellings of its field must be taken (protobuf's JSON mapping).
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default, alias = "partial_success", rename = "partialSuccess")]
    partial: Option<Partial<'a>>,
}

#[derive(Deserialize)]
struct Partial<'a> {
    #[serde(default, alias = "rejected_data_points", rename = "rejectedDataPoints")]
    rejected: Option<Count>,
    #[serde(borrow, default, alias = "error_message", rename = "errorMessage")]
    words: Option<Cow<'a, str>>,
}

/// An `int64`, which is written as a text, and by some as a number.
#[derive(Deserialize)]
#[serde(untagged)]
enum Count {
    Number(f64),
    Text(String),
}

/// A `google.rpc.Status`.
#[derive(Deserialize)]
struct Status<'a> {
    #[serde(borrow)]
    message: Cow<'a, str>,
}

impl<'a> Response<'a> {
    /// Reads it; none where the body is something else.
    pub(super) fn read(body: &'a [u8]) -> Option<Self> {
        let envelope: Envelope<'_> = serde_json::from_slice(body).ok()?;
        let partial = envelope.partial?;
        Some(Self {
            rejected: partial.rejected.map(Count::number).unwrap_or_default(),
            words: Raw::new(partial.words.unwrap_or_default()),
        })
    }
}

impl Count {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a negative count is none, and no batch has 2^64 points"
    )]
    fn number(self) -> u64 {
        match self {
            Self::Number(number) => number as u64,
            Self::Text(text) => text.trim().parse().unwrap_or_default(),
        }
    }
}

/// The words of a failure.
pub(super) fn message(body: &[u8]) -> Option<Raw<'_>> {
    let status: Status<'_> = serde_json::from_slice(body).ok()?;
    (!status.message.is_empty()).then(|| Raw::new(status.message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Option<(u64, String)> {
        let response = Response::read(body.as_bytes())?;
        Some((response.rejected, response.words.expose().to_owned()))
    }

    #[test]
    fn a_partial_success_is_read_in_every_spelling() {
        for body in [
            r#"{"partialSuccess":{"rejectedDataPoints":"3","errorMessage":"no"}}"#,
            r#"{"partialSuccess":{"rejectedDataPoints":3,"errorMessage":"no","x":[1]},"y":null}"#,
            r#"{"partial_success":{"rejected_data_points":"3","error_message":"no"}}"#,
        ] {
            assert_eq!(read(body), Some((3, "no".to_owned())), "{body}");
        }
    }

    #[test]
    fn what_rejects_nothing_or_is_none_is_no_rejection() {
        assert_eq!(read(r#"{"partialSuccess":{}}"#), Some((0, String::new())));
        let odd = r#"{"partialSuccess":{"rejectedDataPoints":-1}}"#;
        assert_eq!(read(odd), Some((0, String::new())));
        for body in ["{}", "null", "", "{", r#"{"partialSuccess":null}"#, "[]"] {
            assert_eq!(read(body), None, "{body}");
        }
    }

    #[test]
    fn the_words_of_a_failure_are_found() {
        let words = message(br#"{"code":3,"message":"too \"long\"","details":[]}"#).unwrap();
        assert_eq!(words.expose(), r#"too "long""#);
        assert!(message(b"{\"code\":3}").is_none() && message(b"no").is_none());
    }
}
