//! A certificate of one's own making.

use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use tempfile::TempDir;

/// A self-signed certificate for 127.0.0.1, and its key.
pub(crate) struct Pki {
    certificate: rcgen::Certificate,
    key: KeyPair,
    folder: TempDir,
}

impl Pki {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { certificate, key, folder: TempDir::new().unwrap() }
    }

    /// The certificate, in a file.
    pub(crate) fn certificate_file(&self) -> PathBuf {
        let path = self.folder.path().join("certificate.pem");
        std::fs::write(&path, self.certificate.pem()).unwrap();
        path
    }

    /// How a server shows it.
    pub(crate) fn server(&self) -> ServerConfig {
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).unwrap();
        ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.der().clone()], key)
            .unwrap()
    }
}
