//! How a Locust is asked.

use std::fmt;

use outgoing::Tls;
use secrecy::SecretString;
use url::Url;

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
    /// Connections that are kept open for the next request, at most.
    pub idle_connections: usize,
    /// The `User-Agent` header.
    pub user_agent: String,
}

impl Config {
    /// 64 MiB.
    pub const DEFAULT_BODY_LIMIT: usize = 64 << 20;

    /// The routes of a look, the CSVs among them.
    ///
    /// Locust writes the head and the body of an answer apart, and its kernel holds a small body
    /// back until the head is acknowledged. On a connection on which a request followed an answer
    /// within 40 ms that takes another 40 ms. Looks are seldom that close together, while a new
    /// connection for each route costs CPU on every look: a sixth of one with 500 endpoints.
    pub const DEFAULT_IDLE_CONNECTIONS: usize = 5;

    /// The defaults for an address: no credentials, the system's trusted certificates.
    pub fn new(url: Url) -> Self {
        Self {
            url,
            auth: Auth::None,
            tls: Tls::default(),
            quantiles: Quantiles::Default,
            body_limit: Self::DEFAULT_BODY_LIMIT,
            idle_connections: Self::DEFAULT_IDLE_CONNECTIONS,
            user_agent: concat!("locust_exporter/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("url", &outgoing::shown(&self.url))
            .field("auth", &self.auth)
            .field("tls", &self.tls)
            .field("quantiles", &self.quantiles)
            .field("body_limit", &self.body_limit)
            .field("idle_connections", &self.idle_connections)
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
