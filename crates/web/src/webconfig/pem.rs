//! Files, and certificates and keys in them. No message shows what a key's file holds.

use std::path::Path;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::Problem;

/// Reads a text file.
pub(super) fn read_text(path: &Path) -> Result<String, Problem> {
    files::read_text(path)
        .map_err(|error| format!("cannot read {}: {error}", path.display()).into())
}

/// The certificates in a PEM text; `key` is where it came from.
pub(super) fn certificates(key: &str, text: &str) -> Result<Vec<CertificateDer<'static>>, Problem> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(Problem::from(format!(
            "tls_server_config.{key}: there is no PEM certificate (BEGIN CERTIFICATE), or a \
             damaged one"
        ))),
    }
}

/// The private key in a PEM text; `key` is where it came from.
pub(super) fn private_key(key: &str, text: &str) -> Result<PrivateKeyDer<'static>, Problem> {
    PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| {
        Problem::from(format!(
            "tls_server_config.{key}: there is no PEM private key (BEGIN PRIVATE KEY), or a \
             damaged or encrypted one"
        ))
    })
}
