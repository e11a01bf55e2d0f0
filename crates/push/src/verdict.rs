//! What an answer means, as far as backends agree.
//!
//! A backend that does not answer, or not as itself, loses nothing: what waits for it goes on
//! waiting. That holds for a login that fails, a wrong path and a redirect too. The rule of remote
//! write and of OTLP that no other 4xx is tried again is about data that have been judged, and
//! these answers have judged the setup alone: a mistake of one minute must not empty the spool.

use bytes::Bytes;
use outgoing::header::{CONTENT_TYPE, HeaderMap};
use outgoing::{Answer, Client, Method, NoAnswer, StatusCode, shown};
use url::Url;

use crate::transport::Outcome;

/// Asks, and gives the answer; or what becomes of a batch that got none, or one that is about the
/// setup.
pub(crate) async fn ask(
    client: &Client,
    method: Method,
    url: &Url,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Answer, Outcome> {
    let answer = client.send(method, url, headers, body).await;
    let answer = answer.map_err(|error| unanswered(&error))?;
    match of_setup(client, url, &answer) {
        Some(outcome) => Err(outcome),
        None => Ok(answer),
    }
}

/// What becomes of a batch that got no answer.
pub(crate) fn unanswered(error: &NoAnswer) -> Outcome {
    Outcome::Later { cause: error.to_string(), after: None, is_doubtful: true }
}

/// What becomes of a batch whose answer is about the setup, if it is.
pub(crate) fn of_setup(client: &Client, url: &Url, answer: &Answer) -> Option<Outcome> {
    let flags = client.flags();
    let url = shown(url);
    let later =
        |cause| Some(Outcome::Later { cause, after: answer.retry_after(), is_doubtful: false });
    if is_page(answer) {
        return later(format!(
            "{url} answers {} with a page of HTML, as no backend does; is it a login, or another \
             program? look at the address and the credentials in {flags}.*",
            answer.status
        ));
    }
    let what_to_do = match answer.status {
        status if status.is_redirection() => match answer.location() {
            Some(to) => format!("it redirects to {to}; is that the address to give in {flags}.*?"),
            None => format!("it redirects; look at the address in {flags}.*"),
        },
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            format!("look at the credentials and headers in {flags}.*")
        }
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
            format!("look at the address and its path in {flags}.*")
        }
        // VictoriaMetrics has no 404 for a path that it does not know.
        StatusCode::BAD_REQUEST if answer.text().starts_with("unsupported path requested") => {
            format!("look at the address and its path in {flags}.*")
        }
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
            "the proxy that the environment names wants credentials".to_owned()
        }
        _ => return None,
    };
    later(format!("{url} answers {}; {what_to_do}", answer.line()))
}

/// Whether an answer that says that all is well is a page for people: then a proxy asks them to log
/// in, say. Of frameworks that call every text HTML, the text tells.
fn is_page(answer: &Answer) -> bool {
    let kind = answer.header(CONTENT_TYPE.as_str()).unwrap_or_default();
    let is_html = kind.get(..9).is_some_and(|kind| kind.eq_ignore_ascii_case("text/html"));
    answer.status.is_success() && is_html && answer.text().trim_start().starts_with('<')
}

/// What becomes of a batch whose answer is no success, and is not about the setup. `line` is all of
/// the answer in one line, and `words` are the backend's.
pub(crate) fn failed(answer: &Answer, line: String, words: &str) -> Outcome {
    let after = answer.retry_after();
    match answer.status {
        StatusCode::TOO_MANY_REQUESTS => Outcome::Later { cause: line, after, is_doubtful: false },
        // Remote write says that these are to be tried again ("Retries and backoff"). OTLP says it
        // of 502 to 504 alone; but a 500 mostly tells of a backend in trouble, or of one behind it,
        // not of data that it judged, and what is thrown away then is lost for good. 408 is a proxy
        // that lost patience.
        status if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => {
            Outcome::Later { cause: line, after, is_doubtful: true }
        }
        _ => refused(&line, words),
    }
}

/// What a refusal of samples says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The backend has later ones already, or these very ones: they were sent before, and only the
    /// answer to that was lost.
    Had,
    /// It takes nothing that old.
    TooOld,
    /// Something else, or of each something.
    Other,
}

impl Refusal {
    /// Reads it off the text: Prometheus says it in a line for each series, Mimir of the first.
    pub(crate) fn of(text: &str) -> Self {
        // A text that was cut off ends within a line, which tells nothing.
        let whole = text.rsplit_once('\n').map_or(text, |(whole, _)| whole);
        let mut lines = whole.lines().filter(|line| !line.trim().is_empty()).map(Self::of_line);
        let Some(first) = lines.next() else { return Self::Other };
        if lines.all(|line| line == first) { first } else { Self::Other }
    }

    fn of_line(line: &str) -> Self {
        /// How Prometheus begins a line. `VictoriaMetrics` takes such samples without a word.
        const HAD: [&str; 2] = ["out of order sample", "duplicate sample for timestamp"];
        /// The former where it takes samples out of order; the latter is also said of times too
        /// far in the future.
        const TOO_OLD: [&str; 2] = ["too old sample", "out of bounds"];
        /// What Mimir has in its line, behind words of its own.
        const MIMIR_HAD: [&str; 2] =
            ["(err-mimir-sample-out-of-order)", "(err-mimir-sample-duplicate-timestamp)"];
        const MIMIR_TOO_OLD: [&str; 1] = ["(err-mimir-sample-timestamp-too-old)"];
        let line = before_labels(line.trim_start());
        let begins = |words: &[&str]| words.iter().any(|word| line.starts_with(word));
        let has = |ids: &[&str]| ids.iter().any(|id| line.contains(id));
        if begins(&HAD) || has(&MIMIR_HAD) {
            Self::Had
        } else if begins(&TOO_OLD) && !line.contains("future") || has(&MIMIR_TOO_OLD) {
            Self::TooOld
        } else {
            Self::Other
        }
    }
}

/// The part of a line in which there are no labels yet: their values may say anything.
fn before_labels(line: &str) -> &str {
    let mark = line.find(['{', '"', '\'', '`']).unwrap_or(line.len());
    let end = line.find("series").map_or(mark, |series| series.min(mark));
    &line[..end]
}

/// What becomes of a batch that was refused as a whole, in these words; `line` is all of the
/// answer in one line.
pub(crate) fn refused(line: &str, words: &str) -> Outcome {
    match Refusal::of(words) {
        Refusal::Had => Outcome::Had {
            taken: 0,
            why: format!(
                "{line}; so it has later ones already: do two exporters push with the same \
                 --push.instance, or was a clock set back?"
            ),
        },
        Refusal::TooOld => Outcome::Refused {
            cause: format!(
                "{line}; let it take samples that come late (Prometheus: \
                 storage.tsdb.out_of_order_time_window)"
            ),
        },
        Refusal::Other => Outcome::Refused { cause: line.to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_backend_has_already_is_told_from_what_it_will_not_take() {
        for (body, wanted) in [
            ("out of order sample\n", Refusal::Had),
            ("duplicate sample for timestamp\n", Refusal::Had),
            (
                "out of order sample for series {a=\"1\"}\nduplicate sample for timestamp for \
                 series {a=\"2\"}\n",
                Refusal::Had,
            ),
            (
                "failed pushing to ingester: user=1: the sample has been rejected because another \
                 sample with a more recent timestamp has already been ingested and out-of-order \
                 samples are not allowed (err-mimir-sample-out-of-order). The affected sample …",
                Refusal::Had,
            ),
            ("… (err-mimir-sample-duplicate-timestamp). The affected …", Refusal::Had),
            ("out of bounds\n", Refusal::TooOld),
            ("too old sample\n", Refusal::TooOld),
            ("… (err-mimir-sample-timestamp-too-old). The affected …", Refusal::TooOld),
            (
                "duplicate sample for timestamp 1795288456411; overrides not allowed: existing 2, \
                 new value 3 for series {__name__=\"a2_total\", job=\"j\"}\n",
                Refusal::Had,
            ),
            ("out of bounds for series {a=\"1\"}\n", Refusal::TooOld),
            (
                "out of bounds: timestamp is too far in the future for series {a=\"1\"}\n",
                Refusal::Other,
            ),
            ("out of bounds: timestamp is too far in the future\n", Refusal::Other),
            ("out of order sample for series {a=\"1\"}\ninvalid labels\n", Refusal::Other),
            ("out of order sample for series {a=\"1\"}\nout of or", Refusal::Had),
            ("snappy: corrupt input\n", Refusal::Other),
            ("", Refusal::Other),
        ] {
            assert_eq!(Refusal::of(body), wanted, "{body}");
        }
    }

    #[test]
    fn a_label_that_says_out_of_order_does_not_make_refused_data_delivered() {
        for body in [
            "invalid labels for series {name=\"Item out of order sample\"}\n",
            "received a series whose label value is too long, label: 'name', value: \
             '(err-mimir-sample-out-of-order)'\n",
            "label value out of order sample is too long\n",
        ] {
            assert_eq!(Refusal::of(body), Refusal::Other, "{body}");
        }
    }

    /// Values like what backends say, and any others.
    fn value() -> impl Strategy<Value = String> {
        let words = [
            "out of order sample",
            "duplicate sample for timestamp",
            "out of bounds",
            "too old sample",
            "future",
            "series",
            "(err-mimir-sample-out-of-order)",
            "(err-mimir-sample-timestamp-too-old)",
            "\"} ",
            "\n",
        ];
        let word = prop_oneof![
            any::<String>(),
            proptest::sample::select(words.to_vec()).prop_map(String::from)
        ];
        proptest::collection::vec(word, 0..4).prop_map(|words| words.concat())
    }

    proptest! {
        #[test]
        fn the_values_of_labels_never_change_a_verdict(values in [value(), value()]) {
            // Backends quote them, so that a line remains one.
            let [one, other] = values.map(|value| format!("{value:?}"));
            for beginning in [
                "out of order sample for ",
                "duplicate sample for timestamp 5; overrides not allowed: existing 2, new value 3 \
                 for ",
                "out of bounds for ",
                "out of bounds: timestamp is too far in the future for ",
                "too old sample for ",
                "invalid labels for ",
                "failed pushing to ingester: user=1: rejected (err-mimir-sample-out-of-order). The \
                 affected sample has timestamp 5 and is from ",
                "rejected (err-mimir-max-label-value-length). The affected one is of ",
            ] {
                let line = |one: &str, other: &str| {
                    Refusal::of(&format!("{beginning}series {{a={one}, b={other}}}\n"))
                };
                prop_assert_eq!(line(&one, &other), line("\"1\"", "\"2\""), "{}", beginning);
                let bare = Refusal::of(&format!("{beginning}{{a={one}, b={other}}}\n"));
                prop_assert_eq!(bare, line("\"1\"", "\"2\""), "{}", beginning);
            }
        }
    }
}
