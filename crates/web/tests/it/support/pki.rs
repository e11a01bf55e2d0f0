//! Certificates made for one test.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SanType,
};

/// A certificate and its key, in PEM.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) cert: String,
    pub(crate) key: String,
}

/// An authority, and a server that it vouches for.
pub(crate) struct Pki {
    issuer: CertifiedIssuer<'static, KeyPair>,
    pub(crate) ca: Identity,
    pub(crate) server: Identity,
}

impl Pki {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("params");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("key");
        let pem = key.serialize_pem();
        let issuer = CertifiedIssuer::self_signed(params, key).expect("authority");
        let ca = Identity { cert: issuer.pem(), key: pem };
        let server = sign(&issuer, vec![SanType::IpAddress([127, 0, 0, 1].into())], false);
        Self { issuer, ca, server }
    }

    /// Another certificate for the server, from the same authority.
    pub(crate) fn renewed_server(&self) -> Identity {
        sign(&self.issuer, vec![SanType::IpAddress([127, 0, 0, 1].into())], false)
    }

    /// A client that the authority vouches for, with these alternative names.
    pub(crate) fn client(&self, names: Vec<SanType>) -> Identity {
        sign(&self.issuer, names, true)
    }
}

fn sign(issuer: &CertifiedIssuer<'_, KeyPair>, names: Vec<SanType>, is_client: bool) -> Identity {
    let mut params = CertificateParams::new(Vec::new()).expect("params");
    params.subject_alt_names = names;
    params.extended_key_usages = vec![if is_client {
        ExtendedKeyUsagePurpose::ClientAuth
    } else {
        ExtendedKeyUsagePurpose::ServerAuth
    }];
    let key = KeyPair::generate().expect("key");
    let cert = params.signed_by(&key, issuer).expect("certificate");
    Identity { cert: cert.pem(), key: key.serialize_pem() }
}

/// A client that vouches for itself, as `openssl req -x509` makes it.
pub(crate) fn self_signed_client() -> Identity {
    let mut params = CertificateParams::new(vec!["self.example.org".to_owned()]).expect("params");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("key");
    let cert = params.self_signed(&key).expect("certificate");
    Identity { cert: cert.pem(), key: key.serialize_pem() }
}
