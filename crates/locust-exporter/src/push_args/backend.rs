//! From the options of a backend to whom to ask, and how.

use std::borrow::Cow;
use std::convert::Infallible;
use std::path::Path;

use outgoing::header::HeaderName;
use outgoing::{Credentials, Target, Tls};
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::secret;
use crate::usage::Origin;

/// Headers that belong to the protocols: another value would break them.
const RESERVED: [&str; 15] = [
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "x-prometheus-remote-write-version",
    "grpc-encoding",
    "grpc-timeout",
];

/// What was given of a backend beside its address.
pub(crate) struct Backend<'a> {
    /// How its flags begin: `--push.otlp`.
    pub(super) flags: &'static str,
    /// How those for TLS begin.
    pub(super) tls_flags: &'static str,
    pub(super) password_variable: &'static str,
    pub(super) bearer_token_variable: &'static str,
    pub(super) headers: &'a [SecretString],
    pub(super) username: Option<&'a str>,
    pub(super) password_file: Option<&'a Path>,
    pub(super) bearer_token_file: Option<&'a Path>,
    pub(super) tls: Tls,
}

/// An address, and what stood before its `@`.
pub(super) struct Address {
    pub(super) url: Url,
    basic: Option<(String, SecretString)>,
}

/// Takes any text, and shows none: an error would show what it could not read.
#[expect(clippy::unnecessary_wraps, reason = "it is what reads a value")]
pub(super) fn secret(text: &str) -> Result<SecretString, Infallible> {
    Ok(text.into())
}

/// Reads an address; with a query only where that may be a part of it.
///
/// # Errors
///
/// What is wrong, in words that show neither credentials nor the query.
pub(super) fn address(text: &str, takes_query: bool) -> Result<Address, String> {
    let text = text.trim();
    let shown = &*shown(text);
    let expected = "expected http(s)://host[:port][/path]";
    let mut url = Url::parse(text).map_err(|cause| match cause {
        // `127.0.0.1:4318`, and more that does not begin as an address does.
        url::ParseError::RelativeUrlWithoutBase => {
            format!("{shown:?} is not an address to push to: {expected}")
        }
        cause => format!("{shown:?} is not a URL ({cause}): {expected}"),
    })?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(format!("{shown:?} is not an address to push to: {expected}"));
    }
    if url.fragment().is_some() || (url.query().is_some() && !takes_query) {
        return Err(format!("{shown:?} has a query or a fragment behind it: {expected}"));
    }
    let basic = credentials(&url).map_err(|cause| format!("{shown:?}: {cause}"))?;
    // These fail only for addresses without a host.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    Ok(Address { url, basic })
}

/// An address that may lack its scheme, which then is `http`: the client library of the Go exporters
/// takes a Pushgateway's so.
pub(super) fn with_scheme(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    if text.contains("://") { text.into() } else { format!("http://{text}").into() }
}

/// What may be shown of a text that should be an address: what stands before an `@` may be a
/// password, whatever the rest is, and what stands behind a `?` a token.
fn shown(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let is_scheme = matches!(scheme, "http" | "https");
    let text = match text.rsplit_once('@') {
        Some((_, host)) if is_scheme => format!("{scheme}://…@{host}"),
        Some((_, host)) => host.to_owned(),
        None if is_scheme => format!("{scheme}://{rest}"),
        None => text.to_owned(),
    };
    text.split(['?', '#']).next().unwrap_or_default().to_owned()
}

fn credentials(url: &Url) -> Result<Option<(String, SecretString)>, &'static str> {
    if url.username().is_empty() && url.password().is_none() {
        return Ok(None);
    }
    let decoded = |text| {
        let text = percent_decode_str(text).decode_utf8();
        text.map_err(|_| "the user or password in it is not valid UTF-8")
    };
    let username = decoded(url.username())?.into_owned();
    let password = decoded(url.password().unwrap_or_default())?;
    Ok(Some((username, password.as_ref().into())))
}

/// Whether a header is the exporter's own to set.
pub(super) fn is_reserved(name: &str) -> bool {
    RESERVED.iter().any(|reserved| name.eq_ignore_ascii_case(reserved))
}

impl Backend<'_> {
    /// Whether any credentials or certificates were given.
    pub(super) fn is_given(&self) -> bool {
        let files = [self.password_file, self.bearer_token_file];
        let tls = [&self.tls.ca_file, &self.tls.cert_file, &self.tls.key_file];
        !self.headers.is_empty()
            || self.username.is_some()
            || files.into_iter().any(|file| file.is_some())
            || tls.into_iter().any(Option::is_some)
    }

    /// Whom to ask, and how. `inherited` are headers that come from elsewhere; ours win.
    ///
    /// # Errors
    ///
    /// One line that names the flag, and shows no secret.
    pub(super) fn target(
        self,
        address: Address,
        inherited: Vec<(String, SecretString)>,
        origin: &Origin,
    ) -> Result<Target, String> {
        let credentials = self.credentials(address.basic, origin)?;
        let mut headers = self.headers(&credentials, origin)?;
        for (name, value) in inherited {
            let is_ours = headers.iter().any(|(ours, _)| ours.eq_ignore_ascii_case(&name));
            let is_said = name.eq_ignore_ascii_case("authorization")
                && !matches!(credentials, Credentials::None);
            if !is_ours && !is_said {
                headers.push((name, value));
            }
        }
        if self.tls.cert_file.is_some() != self.tls.key_file.is_some() {
            let (one, other) =
                if self.tls.key_file.is_none() { ("cert", "key") } else { ("key", "cert") };
            let given = origin.name(&format!("{}.{one}-file", self.tls_flags));
            return Err(format!("{given}: {}.{other}-file is missing: give both", self.tls_flags));
        }
        Ok(Target {
            url: address.url,
            credentials,
            headers,
            tls: self.tls,
            tls_flags: self.tls_flags,
        })
    }

    fn credentials(
        &self,
        in_url: Option<(String, SecretString)>,
        origin: &Origin,
    ) -> Result<Credentials, String> {
        let flags = self.flags;
        let read = |option: &str, file: Option<&Path>, variable| match file {
            Some(file) => {
                let flag = origin.name(&format!("{flags}.{option}"));
                secret::read_file(file).map(Some).map_err(|cause| format!("{flag}: {cause}"))
            }
            None => secret::read_variable(variable),
        };
        let password = read("password-file", self.password_file, self.password_variable)?;
        let token = read("bearer-token-file", self.bearer_token_file, self.bearer_token_variable)?;
        let wrong = match (in_url, self.username, password, token) {
            (None, None, None, None) => return Ok(Credentials::None),
            (Some((username, password)), None, None, None) => {
                return Ok(Credentials::Basic { username, password });
            }
            (None, Some(username), Some(password), None) => {
                return Ok(Credentials::Basic { username: username.to_owned(), password });
            }
            (None, None, None, Some(token)) => return Ok(Credentials::Bearer(token)),
            (Some(_), ..) => "there are credentials in the address and beside it: use one",
            (_, _, _, Some(_)) => "a bearer token and a user or password were given: use one",
            (_, Some(_), None, _) => "a user name was given, but no password",
            (_, None, Some(_), _) => "a password was given, but no user name",
        };
        Err(format!(
            "{wrong} ({flags}.username, {flags}.password-file, {flags}.bearer-token-file and their \
             variables)"
        ))
    }

    fn headers(
        &self,
        credentials: &Credentials,
        origin: &Origin,
    ) -> Result<Vec<(String, SecretString)>, String> {
        let flag = origin.name(&format!("{}.header", self.flags));
        let mut headers: Vec<(String, SecretString)> = Vec::with_capacity(self.headers.len());
        for header in self.headers {
            let Some((name, value)) = header.expose_secret().split_once('=') else {
                return Err(format!("{flag}: expected NAME=VALUE; a comma begins another header"));
            };
            let (name, value) = (name.trim(), value.trim());
            if HeaderName::from_bytes(name.as_bytes()).is_err() {
                return Err(format!("{flag}: what stands before the = is no name of a header"));
            }
            if !value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
                return Err(format!(
                    "{flag}: the value of {name} has characters that no header has"
                ));
            }
            if is_reserved(name) {
                return Err(format!("{flag}: {name} is set by the exporter itself"));
            }
            if name.eq_ignore_ascii_case("authorization")
                && !matches!(credentials, Credentials::None)
            {
                return Err(format!("{flag}: {name} and other credentials were given: use one"));
            }
            if headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
                return Err(format!("{flag}: {name} is given twice"));
            }
            headers.push((name.to_owned(), value.into()));
        }
        Ok(headers)
    }
}
