//! Whom to ask, and how.

use std::path::PathBuf;

use secrecy::SecretString;
use url::Url;

/// Whom to ask, and how.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its address: `http` or `https`. A user and a password have been taken out of it.
    pub url: Url,
    /// The credentials.
    pub credentials: Credentials,
    /// More headers of every request.
    pub headers: Vec<(String, SecretString)>,
    /// How TLS is done.
    pub tls: Tls,
    /// What the options for TLS are called: `--locust.tls` of `--locust.tls.ca-file`.
    pub tls_flags: &'static str,
}

/// Credentials.
#[derive(Clone, Debug, Default)]
pub enum Credentials {
    /// None.
    #[default]
    None,
    /// HTTP Basic.
    Basic {
        /// The user.
        username: String,
        /// The password.
        password: SecretString,
    },
    /// A bearer token.
    Bearer(SecretString),
}

/// How TLS is done.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// The certificates to trust, in PEM, instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Our own certificate and its chain, in PEM, where the other side asks for one.
    pub cert_file: Option<PathBuf>,
    /// Its private key, in PEM.
    pub key_file: Option<PathBuf>,
    /// The name that the other side's certificate must bear, if it is not that of the address.
    /// (The name asked for in the handshake stays that of the address.)
    pub server_name: Option<String>,
    /// Trusts any certificate.
    pub insecure_skip_verify: bool,
}
