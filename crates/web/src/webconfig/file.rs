//! The file's words, before they are understood.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde_saphyr::{Error, UserMessageFormatter};

use super::Problem;

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct File {
    #[serde(rename = "tls_server_config", deserialize_with = "or_default")]
    pub(super) tls: Tls,
    #[serde(rename = "http_server_config", deserialize_with = "or_default")]
    pub(super) http: Http,
    #[serde(rename = "basic_auth_users", deserialize_with = "or_default")]
    pub(super) users: BTreeMap<String, Secret>,
    #[serde(rename = "rate_limit", deserialize_with = "or_default")]
    pub(super) rate: RateLimit,
}

/// `tls_server_config`.
#[derive(Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Tls {
    pub(super) cert: Option<String>,
    pub(super) key: Option<Secret>,
    pub(super) client_ca: Option<String>,
    pub(super) cert_file: Option<String>,
    pub(super) key_file: Option<String>,
    pub(super) client_ca_file: Option<String>,
    pub(super) client_auth_type: Option<String>,
    pub(super) client_allowed_sans: Option<Vec<String>>,
    pub(super) cipher_suites: Option<Vec<String>>,
    pub(super) curve_preferences: Option<Vec<String>>,
    pub(super) min_version: Option<String>,
    pub(super) max_version: Option<String>,
    pub(super) prefer_server_cipher_suites: Option<bool>,
}

/// `http_server_config`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Http {
    pub(super) http2: Option<bool>,
    #[serde(deserialize_with = "or_default")]
    pub(super) headers: BTreeMap<String, String>,
}

/// `rate_limit`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RateLimit {
    pub(super) interval: Option<String>,
    pub(super) burst: Option<u32>,
}

/// A text that is never shown.
#[derive(Clone, Deserialize, PartialEq, Eq)]
#[serde(transparent)]
pub(super) struct Secret(String);

impl Secret {
    /// The text, for use.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

/// A key without a value stands for nothing, as in Go.
fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

impl File {
    /// Reads YAML; an empty file says nothing.
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        let options = serde_saphyr::options! {
            // A snippet of the file would show secrets.
            with_snippet: false,
        };
        serde_saphyr::from_str_with_options::<Option<Self>>(text, options)
            .map(Option::unwrap_or_default)
            .map_err(|error| problem(&error))
    }
}

impl Tls {
    /// The files named.
    pub(super) fn files(&self) -> impl Iterator<Item = &str> {
        let named = [&self.cert_file, &self.key_file, &self.client_ca_file];
        named.into_iter().filter_map(|name| name.as_deref()).filter(|name| !name.is_empty())
    }
}

/// The library's message in words for who wrote the file, not for who wrote this program.
fn problem(error: &Error) -> Problem {
    let error = error.without_snippet();
    let text = match error {
        Error::DuplicateMappingKey { key: Some(key), .. } => {
            format!("{key:?} is given twice; keep one")
        }
        Error::MultipleDocuments { .. } => "a second document begins; keep one".to_owned(),
        Error::NullIntoString { .. } => "the value is missing".to_owned(),
        error => error.render_with_formatter(&UserMessageFormatter),
    };
    let location = error.location();
    let place =
        location.map(|place| format!(" at line {}, column {}", place.line(), place.column()));
    let text = place.and_then(|place| text.strip_suffix(&place)).unwrap_or(&text).to_owned();
    // These say what Rust expects.
    let text = match text.as_str() {
        "expected mapping start" => "keys with values (key: value) are expected here".to_owned(),
        "expected string scalar" => "one text is expected here".to_owned(),
        "invalid u32" => "a whole number, 0 or more, is expected here".to_owned(),
        "invalid boolean" => "true or false is expected here".to_owned(),
        _ => text,
    };
    Problem { line: location.map(|place| place.line()), text }
}

/// Whether a text is a web configuration file, leaving aside the files that it names. For the fuzz target alone.
///
/// # Errors
///
/// What is wrong with it. Secrets are not shown.
pub fn check_text(text: &str) -> Result<(), String> {
    let file = File::parse(text).map_err(|problem| problem.text)?;
    super::headers::build(&file.http.headers).map_err(|problem| problem.text)?;
    super::Rate::new(&file.rate).map_err(|problem| problem.text)?;
    super::Users::new(&file.users).map_err(|problem| problem.text)?;
    super::tls::Settings::new(&file.tls).map_err(|problem| problem.text)?;
    Ok(())
}
