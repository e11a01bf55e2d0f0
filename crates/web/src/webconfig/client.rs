//! What is asked of a client's certificate.

use std::net::IpAddr;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    SignatureScheme,
};
use x509_parser::prelude::{ASN1Time, FromDer, GeneralName, X509Certificate};

use super::Problem;
use super::file::Tls;

/// Go's types of client authentication.
const TYPES: [(&str, Locks); 6] = {
    const NONE: Locks = Locks { asked: false, mandatory: false, verified: false, sans: false };
    const ASKED: Locks = Locks { asked: true, ..NONE };
    [
        ("NoClientCert", NONE),
        ("RequestClientCert", ASKED),
        ("RequireAnyClientCert", Locks { mandatory: true, ..ASKED }),
        // An older name of the one before, which old files still have.
        ("RequireClientCert", Locks { mandatory: true, ..ASKED }),
        ("VerifyClientCertIfGiven", Locks { verified: true, ..ASKED }),
        ("RequireAndVerifyClientCert", Locks { mandatory: true, verified: true, ..ASKED }),
    ]
};

/// What is asked, in brief.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "four independent locks")]
pub(super) struct Locks {
    asked: bool,
    mandatory: bool,
    verified: bool,
    sans: bool,
}

impl Locks {
    /// The lock that is here but not in `next`, in words.
    pub(super) fn lost(self, next: Self) -> Option<&'static str> {
        if (self.mandatory && !next.mandatory) || (self.verified && !next.verified) {
            Some("what is asked of client certificates (client_auth_type)")
        } else if self.sans && !next.sans {
            Some("the list of clients (client_allowed_sans)")
        } else {
            None
        }
    }
}

/// What is asked of a client's certificate.
pub(super) struct ClientAuth {
    locks: Locks,
    sans: Vec<String>,
}

impl ClientAuth {
    /// Understands the type and what belongs to it.
    pub(super) fn new(tls: &Tls, has_ca: bool) -> Result<Self, Problem> {
        let name = tls.client_auth_type.as_deref().filter(|name| !name.is_empty());
        let name = name.unwrap_or("NoClientCert");
        let Some((_, mut locks)) = TYPES.into_iter().find(|(known, _)| *known == name) else {
            return Err(Problem::from(format!(
                "tls_server_config.client_auth_type: {name:?} is unknown; choose NoClientCert, \
                 RequestClientCert, RequireAnyClientCert, VerifyClientCertIfGiven or \
                 RequireAndVerifyClientCert"
            )));
        };
        let sans = tls.client_allowed_sans.clone().unwrap_or_default();
        locks.sans = tls.client_allowed_sans.is_some();
        let fail = |text: &str| Err(Problem::from(format!("tls_server_config: {text}")));
        if !locks.asked && has_ca {
            return fail(
                "a client_ca is given, but no client_auth_type asks for a certificate; add \
                 client_auth_type: RequireAndVerifyClientCert",
            );
        }
        if !locks.asked && locks.sans {
            return fail(
                "client_allowed_sans are given, but no client_auth_type asks for a certificate; \
                 add client_auth_type: RequireAndVerifyClientCert",
            );
        }
        if locks.mandatory && locks.verified && !has_ca {
            return fail(
                "client_auth_type RequireAndVerifyClientCert needs client_ca or client_ca_file: \
                 without one every client would be refused",
            );
        }
        Ok(Self { locks, sans })
    }

    /// What is asked, in brief.
    pub(super) fn locks(&self) -> Locks {
        self.locks
    }

    /// The verifier that asks it.
    pub(super) fn verifier(
        self,
        authorities: Vec<CertificateDer<'static>>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ClientCertVerifier>, Problem> {
        if !self.locks.asked {
            return Ok(WebPkiClientVerifier::no_client_auth());
        }
        let unusable = |why: String| Problem::from(format!("tls_server_config.client_ca: {why}"));
        let mut roots = RootCertStore::empty();
        for authority in &authorities {
            roots.add(authority.clone()).map_err(|error| unusable(error.to_string()))?;
        }
        let chain = if roots.is_empty() {
            None
        } else {
            let builder =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
            Some(builder.build().map_err(|error| unusable(error.to_string()))?)
        };
        let algorithms = provider.signature_verification_algorithms;
        Ok(Arc::new(Verifier { auth: self, chain, authorities, algorithms }))
    }
}

/// Asks it.
#[derive(Debug)]
struct Verifier {
    auth: ClientAuth,
    /// Follows the chain to an authority. Without authorities none is trusted.
    chain: Option<Arc<dyn ClientCertVerifier>>,
    authorities: Vec<CertificateDer<'static>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl std::fmt::Debug for ClientAuth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientAuth").field("locks", &self.locks).finish_non_exhaustive()
    }
}

impl Verifier {
    fn verify_chain(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        let unknown = Err(Error::InvalidCertificate(CertificateError::UnknownIssuer));
        let verified = self.chain.as_ref().map_or(unknown, |chain| {
            chain.verify_client_cert(end_entity, intermediates, now).map(|_| ())
        });
        // A self-signed certificate that is an authority and a client at once, as `openssl req
        // -x509` makes it, is refused by the library as a client; Go takes it.
        verified.or_else(|error| {
            let is_authority = self.authorities.iter().any(|authority| authority == end_entity);
            if is_authority && is_fit_for_client(end_entity, now) { Ok(()) } else { Err(error) }
        })
    }
}

impl ClientCertVerifier for Verifier {
    fn client_auth_mandatory(&self) -> bool {
        self.auth.locks.mandatory
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.chain.as_ref().map_or(&[], |chain| chain.root_hint_subjects())
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if self.auth.locks.verified {
            self.verify_chain(end_entity, intermediates, now)?;
        }
        if self.auth.locks.sans && !has_san(end_entity, &self.auth.sans) {
            tracing::debug!("a client's certificate has none of client_allowed_sans");
            let refused = CertificateError::ApplicationVerificationFailure;
            return Err(Error::InvalidCertificate(refused));
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Whether a trusted certificate is valid now, and may be a client's.
fn is_fit_for_client(certificate: &CertificateDer<'_>, now: UnixTime) -> bool {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else { return false };
    let Some(now) =
        i64::try_from(now.as_secs()).ok().and_then(|s| ASN1Time::from_timestamp(s).ok())
    else {
        return false;
    };
    let usage = match certificate.extended_key_usage() {
        Ok(None) => true,
        Ok(Some(usage)) => usage.value.any || usage.value.client_auth,
        Err(_) => false,
    };
    usage && certificate.validity().is_valid_at(now)
}

/// Whether one of the certificate's alternative names is in the list, exactly.
fn has_san(certificate: &CertificateDer<'_>, allowed: &[String]) -> bool {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else { return false };
    let Ok(Some(names)) = certificate.subject_alternative_name() else { return false };
    names.value.general_names.iter().any(|name| match name {
        GeneralName::DNSName(name) | GeneralName::RFC822Name(name) | GeneralName::URI(name) => {
            allowed.iter().any(|allowed| allowed == name)
        }
        GeneralName::IPAddress(bytes) => {
            address(bytes).is_some_and(|ip| allowed.iter().any(|allowed| allowed.parse() == Ok(ip)))
        }
        _ => false,
    })
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}
