//! What an answer means, as far as backends agree.
//!
//! A backend that does not answer, or not as itself, loses nothing: what waits for it goes on
//! waiting. That holds for a login that fails, a wrong path and a redirect too. The rule of remote
//! write and of OTLP that no other 4xx is tried again is about data that have been judged, and
//! these answers have judged the setup alone: a mistake of one minute must not empty the spool.

use outgoing::{Answer, Client, NoAnswer, StatusCode, shown};

use crate::transport::Outcome;

/// What becomes of a batch that got no answer.
pub(crate) fn unanswered(error: &NoAnswer) -> Outcome {
    Outcome::Later { cause: error.to_string(), after: None }
}

/// What becomes of a batch whose answer is about the setup, if it is.
pub(crate) fn of_setup(client: &Client, answer: &Answer) -> Option<Outcome> {
    let flags = client.flags();
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
    let url = shown(client.url());
    let cause = format!("{url} answers {}; {what_to_do}", answer.line());
    Some(Outcome::Later { cause, after: answer.retry_after() })
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
        let text = text.to_lowercase();
        // A text that was cut off ends within a line, which tells nothing.
        let whole = text.rsplit_once('\n').map_or(&*text, |(whole, _)| whole);
        let mut lines = whole.lines().filter(|line| !line.trim().is_empty()).map(Self::of_line);
        let Some(first) = lines.next() else { return Self::Other };
        if lines.all(|line| line == first) { first } else { Self::Other }
    }

    fn of_line(line: &str) -> Self {
        /// Prometheus, Cortex, Thanos: `out of order sample`, `duplicate sample for timestamp`.
        /// Mimir: `out-of-order samples are not allowed (err-mimir-sample-out-of-order)`,
        /// `err-mimir-sample-duplicate-timestamp`. `VictoriaMetrics` takes them without a word.
        const HAD: [&str; 4] =
            ["out of order", "out-of-order", "duplicate sample", "duplicate-timestamp"];
        /// Prometheus: `too old sample` where it takes samples out of order, else `out of bounds`,
        /// which is also said of times too far in the future. Mimir:
        /// `err-mimir-sample-timestamp-too-old`.
        const TOO_OLD: [&str; 3] = ["too old", "too-old", "out of bounds"];
        let has = |words: &[&str]| words.iter().any(|word| line.contains(word));
        if has(&TOO_OLD) && !line.contains("future") {
            Self::TooOld
        } else if has(&HAD) {
            Self::Had
        } else {
            Self::Other
        }
    }
}

/// What becomes of a batch that was refused as a whole, in these words; `line` is all of the
/// answer in one line.
pub(crate) fn refused(line: &str, words: &str) -> Outcome {
    match Refusal::of(words) {
        Refusal::Had => {
            let why = format!("{line}; so it has them, or later ones, already");
            Outcome::Delivered { refused: 0, why: Some(why) }
        }
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
            ("out of bounds: timestamp is too far in the future\n", Refusal::Other),
            ("out of order sample for series {a=\"1\"}\ninvalid labels\n", Refusal::Other),
            ("out of order sample for series {a=\"1\"}\nout of or", Refusal::Had),
            ("snappy: corrupt input\n", Refusal::Other),
            ("", Refusal::Other),
        ] {
            assert_eq!(Refusal::of(body), wanted, "{body}");
        }
    }
}
