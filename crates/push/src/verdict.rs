//! What an answer means, as far as backends agree.
//!
//! A backend that does not answer, or not as itself, loses nothing: what waits for it goes on
//! waiting. That holds for a login that fails, a wrong path and a redirect too. The rule of remote
//! write and of OTLP that no other 4xx is tried again is about data that have been judged, and
//! these answers have judged the setup alone: a mistake of one minute must not empty the spool.

mod refusal;

use bytes::Bytes;
use outgoing::header::{CONTENT_TYPE, HeaderMap};
use outgoing::{Answer, Client, Method, NoAnswer, Raw, StatusCode, shown};
use url::Url;

use self::refusal::Refusal;
use crate::transport::Outcome;

/// Asks, and gives the answer; or what becomes of a batch that got one that is about the setup, or
/// none, for which `unanswered` is asked.
pub(crate) async fn ask(
    client: &Client,
    method: Method,
    url: &Url,
    headers: HeaderMap,
    body: Bytes,
    unanswered: impl FnOnce(&NoAnswer) -> Outcome,
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
        StatusCode::BAD_REQUEST
            if answer.text().expose().starts_with("unsupported path requested") =>
        {
            format!("look at the address and its path in {flags}.*")
        }
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
            "the proxy that the environment names wants credentials".to_owned()
        }
        _ => return None,
    };
    later(format!("{url} answers {}; {what_to_do}", said_through(client, answer)))
}

/// An answer in one line; where a proxy may have given it in the place of the target, with the
/// proxy's address.
pub(crate) fn said_through(client: &Client, answer: &Answer) -> String {
    format!("{}{}", answer.line(), through(client, answer))
}

/// What is said of the proxy behind an answer that may be its own.
pub(crate) fn through(client: &Client, answer: &Answer) -> String {
    match (answer.status.as_u16(), client.via().address()) {
        (407 | 502..=504, Some(_)) => format!(" (asked{})", client.via()),
        _ => String::new(),
    }
}

/// Whether an answer that says that all is well is a page for people: then a proxy asks them to log
/// in, say. Of frameworks that call every text HTML, the text tells.
fn is_page(answer: &Answer) -> bool {
    let kind = answer.header(CONTENT_TYPE.as_str()).unwrap_or_default();
    let is_html = kind.expose().get(..9).is_some_and(|kind| kind.eq_ignore_ascii_case("text/html"));
    answer.status.is_success() && is_html && answer.text().expose().trim_start().starts_with('<')
}

/// What becomes of a batch whose answer is no success, and is not about the setup. `line` is all of
/// the answer in one line, and `words` are the backend's.
pub(crate) fn failed(answer: &Answer, line: String, words: &Raw<'_>) -> Outcome {
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

/// What becomes of a batch that was refused as a whole, in these words; `line` is all of the
/// answer in one line.
pub(crate) fn refused(line: &str, words: &Raw<'_>) -> Outcome {
    match Refusal::of(words.expose()) {
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
