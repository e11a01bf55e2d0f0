//! How a Locust is asked.

use std::fmt;
use std::path::PathBuf;

use secrecy::SecretString;
use url::Url;

use crate::redact;

/// How a Locust is asked.
pub struct Config {
    /// Where its web UI is: `http` or `https`, with the base path if it has one. A user and a
    /// password in it are sent as HTTP Basic; query and fragment are ignored. It is asked directly:
    /// proxies named in the environment are not used.
    pub url: Url,
    /// The credentials.
    pub auth: Auth,
    /// How TLS is done.
    pub tls: Tls,
    /// Which percentiles are wanted.
    pub quantiles: Quantiles,
    /// The longest answer that is read, in bytes after decompression. Answers that are there at
    /// the same time share it.
    pub body_limit: usize,
    /// The `User-Agent` header.
    pub user_agent: String,
}

impl Config {
    /// 64 MiB.
    pub const DEFAULT_BODY_LIMIT: usize = 64 << 20;

    /// The defaults for an address: no credentials, the system's trusted certificates.
    pub fn new(url: Url) -> Self {
        Self {
            url,
            auth: Auth::None,
            tls: Tls::default(),
            quantiles: Quantiles::Default,
            body_limit: Self::DEFAULT_BODY_LIMIT,
            user_agent: concat!("locust_exporter/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("url", &redact::url(&self.url))
            .field("auth", &self.auth)
            .field("tls", &self.tls)
            .field("quantiles", &self.quantiles)
            .field("body_limit", &self.body_limit)
            .field("user_agent", &self.user_agent)
            .finish()
    }
}

/// Credentials.
#[derive(Clone, Debug, Default)]
pub enum Auth {
    /// None, but for those of the address.
    #[default]
    None,
    /// HTTP Basic: `--web-auth` of Locust before 2.21, or a proxy before it.
    Basic {
        /// The user.
        username: String,
        /// The password.
        password: SecretString,
    },
    /// A bearer token, for a locustfile with a `request_loader` or a proxy.
    Bearer(SecretString),
    /// The form at `/login`: `--web-login` of Locust 2.21 and later. It is filled in once Locust
    /// asks for it, and again when the session has ended.
    Login {
        /// The user.
        username: String,
        /// The password.
        password: SecretString,
    },
}

/// How TLS is done.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// The certificates to trust, in PEM, instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Our own certificate and its chain, in PEM, where Locust (or a proxy) asks for one.
    pub cert_file: Option<PathBuf>,
    /// Its private key, in PEM.
    pub key_file: Option<PathBuf>,
    /// The name that Locust's certificate must bear, if it is not that of the address. (The name
    /// asked for in the handshake stays that of the address.)
    pub server_name: Option<String>,
    /// Trusts any certificate.
    pub insecure_skip_verify: bool,
}

/// Which percentiles are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Quantiles {
    /// Those of Locust's table. Where the rows come from the CSV, those of them that it has, or
    /// else 0.5, 0.95 and 0.99.
    #[default]
    Default,
    /// Every one that Locust knows, through the CSV on every look.
    All,
}

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
        what: &'static str,
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
