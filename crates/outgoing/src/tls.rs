//! TLS towards whom is asked.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::time_provider::TimeProvider;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};

use crate::error::ConfigError;
use crate::target::Tls;

/// Makes the TLS configuration. The files are read, and judged, also where the address is not
/// `https`; the system's certificates only where they are needed.
///
/// # Errors
///
/// A [`ConfigError`] that names the file or the name that cannot be used.
pub fn tls_config(tls: &Tls, is_https: bool) -> Result<ClientConfig, ConfigError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let (roots, given) = roots(tls, is_https)?;
    let roots = Arc::new(roots);
    let server_name = tls.server_name.as_deref().map(server_name).transpose()?;
    let builder = ClientConfig::builder_with_details(provider.clone(), Arc::new(Clock))
        .with_safe_default_protocol_versions()
        .map_err(|error| ConfigError::Client { cause: error.to_string() })?;
    let builder = if tls.insecure_skip_verify {
        builder.dangerous().with_custom_certificate_verifier(Verifier::new(provider, None))
    } else if is_https && (server_name.is_some() || !given.is_empty()) {
        let trust = Trust::new(server_name, given, roots, Arc::clone(&provider))?;
        builder.dangerous().with_custom_certificate_verifier(Verifier::new(provider, Some(trust)))
    } else {
        builder.with_root_certificates(roots)
    };
    match (&tls.cert_file, &tls.key_file) {
        (Some(cert), Some(key)) => {
            let chain = certificates("client certificate file", cert)?;
            builder.with_client_auth_cert(chain, private_key(key)?).map_err(|error| {
                ConfigError::File {
                    what: "client key file",
                    path: key.clone(),
                    cause: format!("it does not fit {}: {error}", cert.display()),
                }
            })
        }
        (Some(path), None) => {
            Err(ConfigError::HalfCertificate { missing: "the key file", path: path.clone() })
        }
        (None, Some(path)) => Err(ConfigError::HalfCertificate {
            missing: "the certificate file",
            path: path.clone(),
        }),
        (None, None) => Ok(builder.with_no_client_auth()),
    }
}

/// The system's clock. rustls's own panics where that is before 1970; then no certificate is valid
/// yet, and the handshake says so.
#[derive(Debug)]
struct Clock;

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Some(UnixTime::since_unix_epoch(since.unwrap_or_default()))
    }
}

/// The certificates to trust, and those of them that were given as a file.
fn roots(
    tls: &Tls,
    is_https: bool,
) -> Result<(RootCertStore, Vec<CertificateDer<'static>>), ConfigError> {
    let mut roots = RootCertStore::empty();
    let mut given = Vec::new();
    if let Some(path) = &tls.ca_file {
        const WHAT: &str = "CA file";
        given = certificates(WHAT, path)?;
        for certificate in &given {
            roots.add(certificate.clone()).map_err(|error| ConfigError::File {
                what: WHAT,
                path: path.clone(),
                cause: error.to_string(),
            })?;
        }
    } else if is_https && !tls.insecure_skip_verify {
        // A system without certificates trusts nobody: the handshake then fails with an error
        // that names the flags.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    Ok((roots, given))
}

fn server_name(name: &str) -> Result<ServerName<'static>, ConfigError> {
    ServerName::try_from(name.to_owned())
        .map_err(|_| ConfigError::ServerName { name: name.to_owned() })
}

fn certificates(
    what: &'static str,
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let unusable = |cause| ConfigError::File { what, path: path.to_owned(), cause };
    let pem = files::read(path).map_err(|error| unusable(error.to_string()))?;
    let certificates = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| unusable(pem_cause(&error)))?;
    if certificates.is_empty() {
        return Err(unusable("it holds no certificate; PEM is accepted".to_owned()));
    }
    Ok(certificates)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, ConfigError> {
    let unusable =
        |cause| ConfigError::File { what: "client key file", path: path.to_owned(), cause };
    let pem = files::read(path).map_err(|error| unusable(error.to_string()))?;
    PrivateKeyDer::from_pem_slice(&pem).map_err(|error| unusable(pem_cause(&error)))
}

fn pem_cause(error: &rustls::pki_types::pem::Error) -> String {
    use rustls::pki_types::pem::Error;
    match error {
        Error::NoItemsFound => {
            "it holds no private key; PEM is accepted, without a passphrase".to_owned()
        }
        // The others quote what they found, which may be a key.
        _ => "it is not PEM".to_owned(),
    }
}

/// Verifies a certificate as asked; of its owner, always that it has the key.
#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    /// Without it, any certificate is trusted.
    trust: Option<Trust>,
}

/// What is trusted: as usual, but against another name if there is one, and with a server that
/// shows the very certificate that is trusted, as it is with those that `openssl req -x509` makes:
/// they say that they are a CA's, which is otherwise no certificate for a server.
#[derive(Debug)]
struct Trust {
    inner: Arc<WebPkiServerVerifier>,
    name: Option<ServerName<'static>>,
    given: Vec<CertificateDer<'static>>,
}

impl Trust {
    fn new(
        name: Option<ServerName<'static>>,
        given: Vec<CertificateDer<'static>>,
        roots: Arc<RootCertStore>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, ConfigError> {
        let inner = WebPkiServerVerifier::builder_with_provider(roots, provider)
            .build()
            .map_err(|error| ConfigError::Client { cause: error.to_string() })?;
        Ok(Self { inner, name, given })
    }
}

impl Verifier {
    fn new(provider: Arc<CryptoProvider>, trust: Option<Trust>) -> Arc<Self> {
        Arc::new(Self { provider, trust })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(trust) = &self.trust else {
            return Ok(ServerCertVerified::assertion());
        };
        let name = trust.name.as_ref().unwrap_or(name);
        match trust.inner.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            Err(error) if is_of_a_ca(&error) && trust.given.contains(certificate) => {
                // Its dates were looked at before what it is for, its name was not.
                verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            result => result,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Whether a certificate was refused because it says that it is a CA's.
pub(crate) fn is_of_a_ca(error: &rustls::Error) -> bool {
    matches!(error, rustls::Error::InvalidCertificate(CertificateError::Other(other))
        if other.0.to_string() == "CaUsedAsEndEntity")
}
