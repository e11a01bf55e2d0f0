//! What lies beneath a failed request, in plain words.

use std::error::Error as StdError;
use std::io;

use rustls::{AlertDescription, CertificateError};

use crate::shown::excerpt;
use crate::tls::is_of_a_ca;

/// What lies beneath a failed request.
pub enum Cause {
    /// There is no connection, or it broke.
    Connection(String),
    /// What came is of another version of HTTP.
    OtherHttp(String),
    /// What came is not HTTP, or not gzip where it says so.
    Garbage(String),
}

impl Cause {
    /// Finds the innermost cause. `tls_flags` is what the options for TLS are called: what is wrong
    /// with a certificate is said with the one that helps.
    pub fn of(error: &reqwest::Error, tls_flags: &str) -> Self {
        let (mut garbage, mut other_http) = (false, false);
        let mut innermost: &(dyn StdError + 'static) = error;
        for cause in chain(error) {
            if let Some(error) = cause.downcast_ref::<rustls::Error>() {
                return Self::Connection(tls(error, tls_flags));
            }
            if let Some(error) = cause.downcast_ref::<hyper::Error>() {
                garbage |= error.is_parse() && !error.is_incomplete_message();
                other_http |= is_nameless(error);
            }
            // What the system tells of a connection has a name.
            other_http &= !cause.is::<io::Error>();
            innermost = cause;
        }
        let text = excerpt(&innermost.to_string());
        if garbage {
            Self::Garbage(text)
        } else if other_http {
            Self::OtherHttp(text)
        } else {
            Self::Connection(text)
        }
    }
}

/// Whether this is an error for which hyper has no question, unlike for all others: bytes came that
/// nobody had asked for, or, in HTTP/2, what is no frame of it.
fn is_nameless(error: &hyper::Error) -> bool {
    !(error.is_parse()
        || error.is_user()
        || error.is_canceled()
        || error.is_closed()
        || error.is_incomplete_message()
        || error.is_body_write_aborted()
        || error.is_shutdown()
        || error.is_timeout())
}

/// Whether a connection of HTTP/2 was closed in due form without an answer, be it before the request
/// was on it. Of a connection that breaks, the system tells.
pub(crate) fn is_end_of_http2(error: &reqwest::Error) -> bool {
    chain(error).any(|cause| {
        let io = cause.downcast_ref::<io::Error>();
        cause.downcast_ref::<hyper::Error>().is_some_and(|it| it.is_canceled() || it.is_closed())
            || io.is_some_and(|it| {
                it.kind() == io::ErrorKind::BrokenPipe && it.raw_os_error().is_none()
            })
    })
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

fn tls(error: &rustls::Error, flags: &str) -> String {
    match error {
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => format!(
            "its certificate is for another name ({}); use an address or a server name that it \
             bears, or trust any with {flags}.insecure-skip-verify",
            excerpt(&error.to_string())
        ),
        error if is_of_a_ca(error) => format!(
            "its certificate is self-signed and not trusted; give that very certificate with \
             {flags}.ca-file, or trust any with {flags}.insecure-skip-verify"
        ),
        rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => format!(
            "its certificate is not trusted ({}); give the CA with {flags}.ca-file, or trust any \
             with {flags}.insecure-skip-verify",
            excerpt(&error.to_string())
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
        error => format!("TLS failed: {}", excerpt(&error.to_string())),
    }
}
