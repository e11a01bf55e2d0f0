//! Lists of keys and values: `key1=value1,key2=value2`.

use outgoing::header::{HeaderName, HeaderValue};
use secrecy::SecretString;

/// What is wrong with a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// Which entry, counted from 1.
    pub(super) entry: usize,
    /// Why, and what to do.
    pub(super) cause: &'static str,
}

const NO_PAIR: &str = "is not KEY=VALUE (a comma in a value is written %2C)";
const NOT_DECODED: &str = "is not percent-encoded UTF-8 (a percent sign is written %25)";
const NO_HEADER: &str = "is no header that HTTP can hold: give NAME=VALUE in visible characters";

/// Reads headers, in the form of W3C's baggage without properties: values are percent-encoded. What
/// baggage forbids but many write (`Authorization=Basic abc==`) is taken as it is.
pub(super) fn headers(text: &str) -> Result<Vec<(String, SecretString)>, Wrong> {
    let mut headers = Vec::new();
    for pair in pairs(text) {
        let (entry, name, value) = pair?;
        let value = decoded(value).ok_or(Wrong { entry, cause: NOT_DECODED })?;
        let is_name = HeaderName::from_bytes(name.as_bytes()).is_ok();
        if !is_name || HeaderValue::from_str(&value).is_err() {
            return Err(Wrong { entry, cause: NO_HEADER });
        }
        headers.push((name.to_owned(), value.into()));
    }
    Ok(headers)
}

/// Reads attributes of a resource: keys and values are percent-encoded. The last of a name wins.
pub(super) fn attributes(text: &str) -> Result<Vec<(String, String)>, Wrong> {
    let mut attributes = Vec::new();
    for pair in pairs(text) {
        let (entry, key, value) = pair?;
        let both = decoded(key).zip(decoded(value));
        let (key, value) = both.ok_or(Wrong { entry, cause: NOT_DECODED })?;
        set(&mut attributes, key, value);
    }
    Ok(attributes)
}

/// Gives an attribute a value, in its place if it is there.
pub(super) fn set(attributes: &mut Vec<(String, String)>, key: String, value: String) {
    match attributes.iter_mut().find(|(known, _)| *known == key) {
        Some((_, old)) => *old = value,
        None => attributes.push((key, value)),
    }
}

/// The entries with their numbers. Empty ones are passed over.
fn pairs(text: &str) -> impl Iterator<Item = Result<(usize, &str, &str), Wrong>> {
    text.split(',').zip(1..).filter(|(pair, _)| !pair.trim().is_empty()).map(|(pair, entry)| {
        let (key, value) = pair.split_once('=').ok_or(Wrong { entry, cause: NO_PAIR })?;
        match (key.trim(), value.trim()) {
            ("", _) => Err(Wrong { entry, cause: NO_PAIR }),
            (key, value) => Ok((entry, key, value)),
        }
    })
}

/// Percent-decodes (RFC 3986, 2.1).
fn decoded(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(if byte == b'%' {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            let high = digit(bytes.next()?)?;
            u8::try_from(high << 4 | digit(bytes.next()?)?).ok()?
        } else {
            byte
        });
    }
    String::from_utf8(decoded).ok()
}
