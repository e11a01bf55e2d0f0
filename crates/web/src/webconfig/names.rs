//! Go's names of versions, cipher suites and curves, as this library has them.

use rustls::crypto::SupportedKxGroup;
use rustls::crypto::ring::{ALL_CIPHER_SUITES, kx_group};
use rustls::{CipherSuite, SupportedCipherSuite, SupportedProtocolVersion, version};

use super::Problem;

/// Curves by Go's names.
const CURVES: [(&str, &dyn SupportedKxGroup); 3] = [
    ("X25519", kx_group::X25519),
    ("CurveP256", kx_group::SECP256R1),
    ("CurveP384", kx_group::SECP384R1),
];

/// Go's name of a suite: this library's, but for those of TLS 1.3.
fn go_name(suite: CipherSuite) -> String {
    let name = suite.as_str().unwrap_or_default();
    name.strip_prefix("TLS13_").map_or_else(|| name.to_owned(), |rest| format!("TLS_{rest}"))
}

/// The suite of that name.
pub(super) fn cipher_suite(name: &str) -> Result<SupportedCipherSuite, Problem> {
    // Go knew these two by a shorter name at first.
    let full = match name {
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305" | "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305" => {
            format!("{name}_SHA256")
        }
        name => name.to_owned(),
    };
    let found = ALL_CIPHER_SUITES.iter().find(|suite| go_name(suite.suite()) == full);
    found.copied().ok_or_else(|| {
        let known: Vec<String> =
            ALL_CIPHER_SUITES.iter().map(|suite| go_name(suite.suite())).collect();
        Problem::from(format!(
            "tls_server_config.cipher_suites: {name:?} is not offered; choose of {}",
            known.join(", ")
        ))
    })
}

/// The curve of that name.
pub(super) fn curve(name: &str) -> Result<&'static dyn SupportedKxGroup, Problem> {
    let found = CURVES.iter().find(|(known, _)| *known == name);
    found.map(|(_, curve)| *curve).ok_or_else(|| {
        let known: Vec<&str> = CURVES.iter().map(|(known, _)| *known).collect();
        Problem::from(format!(
            "tls_server_config.curve_preferences: {name:?} is not offered; choose of {}",
            known.join(", ")
        ))
    })
}

/// The versions from `min` to `max`.
pub(super) fn versions(
    min: Option<&str>,
    max: Option<&str>,
) -> Result<Vec<&'static SupportedProtocolVersion>, Problem> {
    let min = tls13("min_version", min.unwrap_or("TLS12"))?;
    let max = tls13("max_version", max.unwrap_or("TLS13"))?;
    match (min, max) {
        (false, false) => Ok(vec![&version::TLS12]),
        (false, true) => Ok(vec![&version::TLS13, &version::TLS12]),
        (true, true) => Ok(vec![&version::TLS13]),
        (true, false) => Err(Problem::from(
            "tls_server_config: min_version TLS13 is above max_version TLS12".to_owned(),
        )),
    }
}

/// Whether a version is 1.3 (or else 1.2).
fn tls13(key: &str, name: &str) -> Result<bool, Problem> {
    match name {
        "TLS13" => Ok(true),
        "TLS12" => Ok(false),
        "TLS10" | "TLS11" => Err(Problem::from(format!(
            "tls_server_config.{key}: {name} is too old to be safe and not offered; choose TLS12 \
             or TLS13"
        ))),
        _ => Err(Problem::from(format!(
            "tls_server_config.{key}: {name:?} is not a TLS version; choose TLS12 or TLS13"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_have_gos_names() {
        for name in [
            "TLS_AES_128_GCM_SHA256",
            "TLS_AES_256_GCM_SHA384",
            "TLS_CHACHA20_POLY1305_SHA256",
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
            "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
            "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
            "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305",
        ] {
            assert!(cipher_suite(name).is_ok(), "{name}");
        }
    }
}
