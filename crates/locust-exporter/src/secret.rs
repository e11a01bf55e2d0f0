//! Credentials: from files or variables, never from flags, never shown.

use std::env::VarError;
use std::path::Path;

use locust_api::Auth;
use secrecy::SecretString;

use crate::cli::AuthMethod;

/// What the user gave to log in with.
pub(crate) struct Given<'a> {
    pub(crate) method: AuthMethod,
    pub(crate) username: Option<&'a str>,
    pub(crate) password: Option<SecretString>,
    pub(crate) bearer_token: Option<SecretString>,
}

/// Puts credentials together.
///
/// # Errors
///
/// A sentence that says what is missing or too much.
pub(crate) fn auth(given: Given<'_>) -> Result<Auth, String> {
    match (given.username, given.password, given.bearer_token) {
        (None, None, None) => Ok(Auth::None),
        (None, None, Some(token)) => Ok(Auth::Bearer(token)),
        (Some(username), Some(password), None) => {
            let username = username.to_owned();
            Ok(match given.method {
                AuthMethod::Login => Auth::Login { username, password },
                AuthMethod::Basic => Auth::Basic { username, password },
            })
        }
        (Some(_), None, _) => Err("a user name was given, but no password".to_owned()),
        (None, Some(_), _) => Err("a password was given, but no user name".to_owned()),
        (_, _, Some(_)) => Err("a bearer token and a password were given: use one".to_owned()),
    }
}

/// Reads a secret from a file; the line's end does not belong to it.
///
/// # Errors
///
/// A sentence that names the file.
pub(crate) fn read_file(path: &Path) -> Result<SecretString, String> {
    let text = files::read_text(path)
        .map_err(|cause| format!("secret file {}: {cause}", path.display()))?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(format!("secret file {}: is empty", path.display()));
    }
    Ok(text.into())
}

/// Reads a secret from a variable, if it is set and not empty.
///
/// # Errors
///
/// A sentence that names the variable.
pub(crate) fn read_variable(name: &str) -> Result<Option<SecretString>, String> {
    match std::env::var(name) {
        Ok(text) => Ok((!text.is_empty()).then(|| text.into())),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(format!("{name}: the secret in it is not valid UTF-8")),
    }
}

/// A text without what stands before the `@` of its URLs.
pub(crate) fn without_credentials(text: &str) -> String {
    let mut parts = text.split("://");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        shown.push_str("://");
        let end = part.find(char::is_whitespace).unwrap_or(part.len());
        match part[..end].rfind('@') {
            Some(at) => shown.extend(["…", &part[at..]]),
            None => shown.push_str(part),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_of_an_address_are_not_shown() {
        for (text, shown) in [
            ("'http://ana:s3cret@host:1/a' found", "'http://…@host:1/a' found"),
            ("http://ana:p@ss@a and https://b@c", "http://…@a and https://…@c"),
            ("http://host/a mail@b", "http://host/a mail@b"),
            ("none", "none"),
        ] {
            assert_eq!(without_credentials(text), shown);
        }
    }
}
