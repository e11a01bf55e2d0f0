//! `tls_server_config`: from words to a TLS server.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, SupportedKxGroup, ring};
use rustls::{ServerConfig, SupportedCipherSuite, SupportedProtocolVersion};

use super::client::{self, ClientAuth};
use super::file::Tls;
use super::{Problem, names, pem};

/// What can be checked without reading a file.
pub(super) struct Settings<'a> {
    cert: Source<'a>,
    key: Source<'a>,
    client_ca: Option<Source<'a>>,
    client_auth: ClientAuth,
    versions: Vec<&'static SupportedProtocolVersion>,
    cipher_suites: Vec<SupportedCipherSuite>,
    curves: Vec<&'static dyn SupportedKxGroup>,
}

/// Where a PEM text comes from.
#[derive(Clone, Copy)]
struct Source<'a> {
    /// The key in the file.
    key: &'static str,
    value: &'a str,
    is_file: bool,
}

impl<'a> Source<'a> {
    /// Of two keys, the one that is given.
    fn choose(
        keys: [&'static str; 2],
        inline: Option<&'a str>,
        file: Option<&'a str>,
    ) -> Result<Option<Self>, Problem> {
        let [inline_key, file_key] = keys;
        match (inline.filter(|text| !text.is_empty()), file.filter(|name| !name.is_empty())) {
            (Some(_), Some(_)) => Err(Problem::from(format!(
                "tls_server_config: {inline_key} and {file_key} are both given; keep one"
            ))),
            (Some(value), None) => Ok(Some(Self { key: inline_key, value, is_file: false })),
            (None, Some(value)) => Ok(Some(Self { key: file_key, value, is_file: true })),
            (None, None) => Ok(None),
        }
    }

    fn text(self, directory: &Path) -> Result<Cow<'a, str>, Problem> {
        if !self.is_file {
            return Ok(Cow::Borrowed(self.value));
        }
        let text = pem::read_text(&directory.join(self.value))
            .map_err(|problem| format!("tls_server_config.{}: {}", self.key, problem.text))?;
        Ok(Cow::Owned(text))
    }
}

impl<'a> Settings<'a> {
    /// `None` if no TLS is asked for.
    pub(super) fn new(tls: &'a Tls) -> Result<Option<Self>, Problem> {
        if *tls == Tls::default() {
            return Ok(None);
        }
        let missing = |keys: &str| Problem::from(format!("tls_server_config: {keys} is missing"));
        let key = tls.key.as_ref().map(super::file::Secret::reveal);
        let cert =
            Source::choose(["cert", "cert_file"], tls.cert.as_deref(), tls.cert_file.as_deref())?
                .ok_or_else(|| missing("cert or cert_file"))?;
        let key = Source::choose(["key", "key_file"], key, tls.key_file.as_deref())?
            .ok_or_else(|| missing("key or key_file"))?;
        let client_ca = Source::choose(
            ["client_ca", "client_ca_file"],
            tls.client_ca.as_deref(),
            tls.client_ca_file.as_deref(),
        )?;
        let client_auth = ClientAuth::new(tls, client_ca.is_some())?;
        let mut versions = names::versions(tls.min_version.as_deref(), tls.max_version.as_deref())?;
        let cipher_suites = cipher_suites(tls, &mut versions)?;
        let curves = match tls.curve_preferences.as_deref() {
            None | Some([]) => ring::ALL_KX_GROUPS.to_vec(),
            Some(names) => names.iter().map(|name| names::curve(name)).collect::<Result<_, _>>()?,
        };
        Ok(Some(Self { cert, key, client_ca, client_auth, versions, cipher_suites, curves }))
    }
}

/// The suites. As in Go, the list chooses among those of TLS 1.2; those of 1.3 are always there.
/// A list without any of 1.2 leaves 1.3 alone.
fn cipher_suites(
    tls: &Tls,
    versions: &mut Vec<&'static SupportedProtocolVersion>,
) -> Result<Vec<SupportedCipherSuite>, Problem> {
    let listed = match tls.cipher_suites.as_deref() {
        None | Some([]) => return Ok(ring::ALL_CIPHER_SUITES.to_vec()),
        Some(names) => {
            names.iter().map(|name| names::cipher_suite(name)).collect::<Result<Vec<_>, _>>()?
        }
    };
    let is_tls13 = |suite: &SupportedCipherSuite| suite.tls13().is_some();
    if listed.iter().all(is_tls13) {
        versions.retain(|version| **version == rustls::version::TLS13);
        if versions.is_empty() {
            return Err(Problem::from(
                "tls_server_config.cipher_suites: none of them is for TLS12, the max_version"
                    .to_owned(),
            ));
        }
    }
    let tls13 = ring::ALL_CIPHER_SUITES.iter().copied().filter(is_tls13);
    let tls12 = listed.iter().copied().filter(|suite| !is_tls13(suite));
    Ok(tls13.chain(tls12).collect())
}

/// Reads certificates and keys, and makes the server's side of TLS of it all.
pub(super) fn build(
    tls: &Tls,
    directory: &Path,
    http2: bool,
) -> Result<Option<(ServerConfig, client::Locks)>, Problem> {
    let Some(settings) = Settings::new(tls)? else { return Ok(None) };
    let provider = Arc::new(CryptoProvider {
        cipher_suites: settings.cipher_suites,
        kx_groups: settings.curves,
        ..ring::default_provider()
    });
    let chain = pem::certificates(settings.cert.key, &settings.cert.text(directory)?)?;
    let key = pem::private_key(settings.key.key, &settings.key.text(directory)?)?;
    let authorities = match settings.client_ca {
        Some(source) => pem::certificates(source.key, &source.text(directory)?)?,
        None => Vec::new(),
    };
    let locks = settings.client_auth.locks();
    let verifier = settings.client_auth.verifier(authorities, &provider)?;
    let unusable = |error: rustls::Error| format!("tls_server_config: {error}");
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&settings.versions)
        .map_err(unusable)?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                "tls_server_config: the key is not the certificate's".to_owned()
            }
            error => unusable(error),
        })?;
    config.ignore_client_order = tls.prefer_server_cipher_suites.unwrap_or(true);
    let http1 = b"http/1.1".to_vec();
    config.alpn_protocols = if http2 { vec![b"h2".to_vec(), http1] } else { vec![http1] };
    Ok(Some((config, locks)))
}
