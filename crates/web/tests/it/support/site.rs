//! A folder with a web configuration file, certificates and keys; and a TLS client.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use web::Config;

use super::{Answer, Identity, Pki, Running, Small, Source, config, exchange, hooks, start};

/// The lines of every file with TLS.
pub(crate) const TLS: &str =
    "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n";

/// The folder, removed at the end.
pub(crate) struct Site {
    directory: TempDir,
    pub(crate) pki: Pki,
}

impl Site {
    pub(crate) fn new(text: &str) -> Self {
        let site = Self { directory: tempfile::tempdir().expect("folder"), pki: Pki::new() };
        site.install(&site.pki.server);
        site.write("ca.crt", &site.pki.ca.cert);
        site.write("web.yml", text);
        site
    }

    /// Puts the server's certificate and key in place.
    pub(crate) fn install(&self, server: &Identity) {
        self.write("server.crt", &server.cert);
        self.write("server.key", &server.key);
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("write");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn config(&self) -> Config {
        Config { config_file: Some(self.path("web.yml")), ..config() }
    }

    pub(crate) async fn start(&self) -> Running {
        start(self.config(), hooks(&Arc::new(Source::new(Small)))).await
    }

    /// GETs a path over TLS.
    pub(crate) async fn get(
        &self,
        address: SocketAddr,
        path: &str,
        client: Option<&Identity>,
    ) -> io::Result<Answer> {
        let mut stream = self.connect(address, client, |_| {}).await?;
        Ok(exchange(&mut stream, &format!("GET {path}"), &[]).await)
    }

    /// Whether a client gets in. In TLS 1.3 it hears of a refusal when it reads at the earliest.
    pub(crate) async fn admits(&self, address: SocketAddr, client: Option<&Identity>) -> bool {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let Ok(mut stream) = self.connect(address, client, |_| {}).await else { return false };
        let request = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
        let mut answer = [0; 12];
        stream.write_all(request).await.is_ok()
            && stream.read_exact(&mut answer).await.is_ok()
            && &answer == b"HTTP/1.1 200"
    }

    /// Connects with TLS, trusting the authority.
    pub(crate) async fn connect(
        &self,
        address: SocketAddr,
        client: Option<&Identity>,
        change: impl FnOnce(&mut ClientConfig),
    ) -> io::Result<TlsStream<TcpStream>> {
        self.connect_by(ring::default_provider(), address, client, change).await
    }

    /// The same with a choice of suites and curves.
    pub(crate) async fn connect_by(
        &self,
        provider: CryptoProvider,
        address: SocketAddr,
        client: Option<&Identity>,
        change: impl FnOnce(&mut ClientConfig),
    ) -> io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(certificate(&self.pki.ca.cert)).expect("root");
        let builder = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots);
        let mut config = match client {
            Some(client) => {
                let key = PrivateKeyDer::from_pem_slice(client.key.as_bytes()).expect("key");
                let chain = vec![certificate(&client.cert)];
                builder.with_client_auth_cert(chain, key).expect("client")
            }
            None => builder.with_no_client_auth(),
        };
        change(&mut config);
        let stream = TcpStream::connect(address).await?;
        TlsConnector::from(Arc::new(config)).connect(address.ip().into(), stream).await
    }
}

fn certificate(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).expect("certificate")
}
