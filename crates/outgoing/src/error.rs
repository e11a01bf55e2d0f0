//! What can be wrong with what was configured.

use std::borrow::Cow;
use std::path::PathBuf;

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// An address that nobody can be asked at.
    #[error("the address {url:?} {reason}; give http://HOST[:PORT][/BASE_PATH] or https://…")]
    Url {
        /// The address, without credentials.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Two kinds of credentials for one header.
    #[error(
        "the address {url:?} has a user or password in it, and {other} are given too: \
         give one of them"
    )]
    TwoCredentials {
        /// The address, without credentials.
        url: String,
        /// What else is given.
        other: &'static str,
    },
    /// A credential or a text that no HTTP header can hold.
    #[error("the {what} holds a control character or another one that no HTTP header can hold")]
    Header {
        /// What it is.
        what: Cow<'static, str>,
    },
    /// A header whose name is none.
    #[error("{name:?} is no name of a header; give letters, digits and hyphens")]
    HeaderName {
        /// What was given for one.
        name: String,
    },
    /// A file that cannot be used.
    #[error("the {what} {path:?} cannot be used: {cause}", path = path.display().to_string())]
    File {
        /// What it is for.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not, and what is accepted.
        cause: String,
    },
    /// A certificate without its key, or a key without its certificate.
    #[error("a client certificate needs both files: {missing} is missing beside {path:?}",
        path = path.display().to_string())]
    HalfCertificate {
        /// The one that is missing.
        missing: &'static str,
        /// The one that is given.
        path: PathBuf,
    },
    /// A server name that no certificate can bear.
    #[error("the server name {name:?} is neither a host name nor an IP address")]
    ServerName {
        /// The name.
        name: String,
    },
    /// The HTTP client could not be made.
    #[error("the HTTP client cannot be made: {cause}")]
    Client {
        /// Why not.
        cause: String,
    },
}
