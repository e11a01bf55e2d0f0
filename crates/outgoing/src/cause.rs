//! What lies beneath a failed request, in plain words.

use std::error::Error as StdError;
use std::io;

use rustls::{AlertDescription, CertificateError};

use crate::client::Http;
use crate::peer::Raw;
use crate::secrets::Secrets;
use crate::tls::is_of_a_ca;

/// What lies beneath a failed request.
pub enum Cause {
    /// There is no connection, or it broke.
    Connection(String),
    /// What came is not HTTP, or not gzip where it says so.
    Garbage(String),
}

impl Cause {
    /// Finds the innermost cause. `tls_flags` is what the options for TLS are called: what is wrong
    /// with a certificate is said with the one that helps. What the peer says in it (as HTTP/2's
    /// `GOAWAY`) is shown without the secrets.
    pub fn of(error: &reqwest::Error, tls_flags: &str, secrets: &Secrets) -> Self {
        let mut garbage = false;
        let mut innermost: &(dyn StdError + 'static) = error;
        for cause in chain(error) {
            if let Some(error) = cause.downcast_ref::<rustls::Error>() {
                return Self::Connection(tls(error, tls_flags, secrets));
            }
            if let Some(error) = cause.downcast_ref::<hyper::Error>() {
                garbage |= error.is_parse() && !error.is_incomplete_message();
            }
            innermost = cause;
        }
        let text = secrets.quote(&Raw::new(innermost.to_string())).to_string();
        if garbage { Self::Garbage(text) } else { Self::Connection(text) }
    }
}

/// Whether it is as if the other side spoke another version of HTTP than it was spoken to in. One
/// that fails at TLS has not come so far.
pub(crate) fn is_of_other_http(error: &reqwest::Error, spoken: Http) -> bool {
    let any = |is: fn(&(dyn StdError + 'static)) -> bool| chain(error).any(is);
    !any(<dyn StdError>::is::<rustls::Error>)
        && match spoken {
            Http::One => any(speaks_unasked),
            Http::Two => any(is_no_http2) || any(is_end),
        }
}

/// Bytes came before anything was asked, as HTTP/2 begins. For that hyper has no question, unlike
/// for all else that has no cause beneath it.
fn speaks_unasked(cause: &(dyn StdError + 'static)) -> bool {
    cause.downcast_ref::<hyper::Error>().is_some_and(|error| {
        error.source().is_none()
            && !(error.is_parse()
                || error.is_user()
                || error.is_canceled()
                || error.is_closed()
                || error.is_incomplete_message()
                || error.is_body_write_aborted()
                || error.is_shutdown()
                || error.is_timeout())
    })
}

/// What came is no frame of HTTP/2, or not one that may come then. One that refuses a request in
/// HTTP/2 (`REFUSED_STREAM`, say) speaks it.
fn is_no_http2(cause: &(dyn StdError + 'static)) -> bool {
    cause.downcast_ref::<h2::Error>().is_some_and(h2::Error::is_library)
}

/// The connection was closed in due form, be it before the request was on it: some that do not know
/// HTTP/2 do that without a word. Of a connection that breaks, the system tells.
fn is_end(cause: &(dyn StdError + 'static)) -> bool {
    let hyper = cause.downcast_ref::<hyper::Error>();
    let io = cause.downcast_ref::<io::Error>();
    hyper.is_some_and(|it| it.is_canceled() || it.is_closed())
        || io
            .is_some_and(|it| it.kind() == io::ErrorKind::BrokenPipe && it.raw_os_error().is_none())
}

/// Whether the connection broke before there was an answer, so that asking again may help.
pub fn is_broken_connection(error: &reqwest::Error) -> bool {
    let mut broken = false;
    for cause in chain(error) {
        if cause.is::<rustls::Error>() {
            return false;
        }
        if let Some(error) = cause.downcast_ref::<hyper::Error>() {
            broken |= error.is_incomplete_message() || error.is_canceled() || error.is_closed();
        }
        if let Some(error) = cause.downcast_ref::<io::Error>() {
            broken |= is_broken(error.kind());
        }
    }
    broken
}

/// Whether an answer's body ended because its connection did, and not because of what it holds.
pub fn is_broken_body(error: &reqwest::Error) -> bool {
    chain(error).any(|cause| {
        cause.is::<hyper::Error>()
            || cause.is::<rustls::Error>()
            || cause.downcast_ref::<io::Error>().is_some_and(|error| {
                error.kind() != io::ErrorKind::UnexpectedEof && is_broken(error.kind())
            })
    })
}

fn is_broken(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{
        BrokenPipe, ConnectionAborted, ConnectionRefused, ConnectionReset, NotConnected,
        UnexpectedEof,
    };
    matches!(
        kind,
        BrokenPipe
            | ConnectionAborted
            | ConnectionRefused
            | ConnectionReset
            | NotConnected
            | UnexpectedEof
    )
}

/// An error and all that lie beneath it. An [`io::Error`] that wraps another hides it from
/// `source`, which goes on one further.
fn chain<'e>(
    error: &'e (dyn StdError + 'static),
) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| {
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        match wrapped {
            Some(wrapped) => Some(wrapped as &(dyn StdError + 'static)),
            None => error.source(),
        }
    })
}

fn tls(error: &rustls::Error, flags: &str, secrets: &Secrets) -> String {
    let quoted = || secrets.quote(&Raw::new(error.to_string()));
    match error {
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => format!(
            "its certificate is for another name ({}); use an address or a server name that it \
             bears, or trust any with {flags}.insecure-skip-verify",
            quoted()
        ),
        error if is_of_a_ca(error) => format!(
            "its certificate is self-signed and not trusted; give that very certificate with \
             {flags}.ca-file, or trust any with {flags}.insecure-skip-verify"
        ),
        rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => format!(
            "its certificate is not trusted ({}); give the CA with {flags}.ca-file, or trust any \
             with {flags}.insecure-skip-verify",
            quoted()
        ),
        rustls::Error::AlertReceived(
            AlertDescription::CertificateRequired | AlertDescription::NoCertificate,
        ) => format!(
            "it asks for a client certificate; give one with {flags}.cert-file and \
             {flags}.key-file"
        ),
        rustls::Error::InvalidMessage(_) => {
            "it does not speak TLS; is the address to begin with http:// ?".to_owned()
        }
        _ => format!("TLS failed: {}", quoted()),
    }
}
