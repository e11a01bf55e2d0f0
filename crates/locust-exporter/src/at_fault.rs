//! Which option it is, where somebody cannot be asked as configured.

use outgoing::{ConfigError, Tls};

/// The end of the option's name, behind what all of that target begin with (`--locust`): `tls.ca-file`.
/// `None` where none of its options says that.
pub(crate) fn option_at_fault(tls: &Tls, error: &ConfigError) -> Option<&'static str> {
    match error {
        ConfigError::File { path, .. } | ConfigError::HalfCertificate { path, .. } => [
            ("tls.ca-file", &tls.ca_file),
            ("tls.cert-file", &tls.cert_file),
            ("tls.key-file", &tls.key_file),
        ]
        .into_iter()
        .find_map(|(option, file)| (file.as_ref() == Some(path)).then_some(option)),
        ConfigError::ServerName { name } => {
            (tls.server_name.as_ref() == Some(name)).then_some("tls.server-name")
        }
        // No other kind of credentials can hold what no header can.
        ConfigError::Header { .. } => Some("bearer-token-file"),
        ConfigError::HeaderName { .. } => Some("header"),
        ConfigError::Client { .. } => Some("tls.*"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn the_option_is_the_one_that_says_what_cannot_be_used() {
        let tls = Tls {
            ca_file: Some(PathBuf::from("ca")),
            cert_file: Some(PathBuf::from("cert")),
            key_file: Some(PathBuf::from("key")),
            server_name: Some("name".to_owned()),
            insecure_skip_verify: false,
        };
        let file = |path: &str| ConfigError::File {
            what: "file",
            path: PathBuf::from(path),
            cause: String::new(),
        };
        let name = |name: &str| ConfigError::ServerName { name: name.to_owned() };
        for (error, option) in [
            (file("ca"), Some("tls.ca-file")),
            (file("cert"), Some("tls.cert-file")),
            (file("key"), Some("tls.key-file")),
            (file("another's"), None),
            (name("name"), Some("tls.server-name")),
            (name("another's"), None),
            (ConfigError::Header { what: "bearer token".into() }, Some("bearer-token-file")),
        ] {
            assert_eq!(option_at_fault(&tls, &error), option, "{error}");
        }
    }
}
