//! Cutting the secrets that were sent to a peer out of what the peer answers.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::peer::{PeerText, Raw};
use crate::shown::{excerpt, one_line};
use crate::unescape::{Unit, plain, unescaped};

/// What stands in the place of a secret.
const CUT: &str = "…";

/// A secret shorter than this is cut only where it stands as a word: `1` in `tenant 1`, but not in
/// `100 samples`.
const SHORT: usize = 4;

/// A text that ends with so many first bytes of a secret is cut there: the rest of the secret may
/// be what was not read.
const BEGINNING: usize = 3;

/// So many first bytes of a secret are cut wherever they stand: some peers shorten what they repeat.
const PART: usize = 8;

/// What stands for bytes that are no text.
const REPLACED: [u8; 3] = *b"\xef\xbf\xbd";

/// A value in an address's query is taken for a secret from this length on: shorter ones are
/// mostly switches, such as `dedup=1`.
const QUERY_VALUE: usize = 8;

/// The secrets that are sent to one peer. All that is quoted of this peer passes
/// [`quote`](Self::quote), since some repeat what they were sent in their error messages.
#[derive(Clone, Default)]
pub struct Secrets {
    patterns: Arc<Vec<SecretString>>,
}

impl Secrets {
    /// Adds a password, token or other secret.
    pub fn add(&mut self, secret: &str) {
        let secret = secret.trim();
        self.add_pattern(secret);
        // As a form has it, such as that of a login.
        self.add_pattern(&secret.replace(' ', "+"));
        self.add_pattern(&BASE64_STANDARD_NO_PAD.encode(secret));
        self.add_pattern(&BASE64_URL_SAFE_NO_PAD.encode(secret));
    }

    /// Adds a user and a password. The user alone is a secret only without a password: some
    /// services take a token for it.
    pub fn add_basic(&mut self, user: &str, password: &str) {
        self.add(if password.is_empty() { user } else { password });
        // The pair as it is needs no pattern: the password is cut, and the name may stand alone.
        let pair = format!("{user}:{password}");
        self.add_sent("Basic", &BASE64_STANDARD.encode(&pair));
        self.add_pattern(&BASE64_URL_SAFE_NO_PAD.encode(pair));
    }

    /// Adds a bearer token.
    pub fn add_bearer(&mut self, token: &str) {
        self.add_sent("Bearer", token);
    }

    /// Adds a credential with its scheme, as it is sent: some encode once more what they got.
    fn add_sent(&mut self, scheme: &str, credential: &str) {
        self.add(credential);
        for whole in
            [format!("{scheme} {credential}"), format!("Authorization: {scheme} {credential}")]
        {
            self.add_pattern(&BASE64_STANDARD_NO_PAD.encode(&whole));
            self.add_pattern(&BASE64_URL_SAFE_NO_PAD.encode(&whole));
        }
    }

    /// Adds the value of a header; of `Bearer TOKEN` and `Basic …` also what is in it.
    pub fn add_header(&mut self, value: &str) {
        self.add(value);
        let Some((scheme, rest)) = value.trim().split_once(' ') else { return };
        self.add(rest);
        if scheme.eq_ignore_ascii_case("basic")
            && let Ok(pair) = BASE64_STANDARD.decode(rest.trim())
            && let Ok(pair) = String::from_utf8(pair)
            && let Some((user, password)) = pair.split_once(':')
        {
            self.add_basic(user, password);
        }
    }

    /// Adds what is secret in an address: its user and password, and its query, which may hold a
    /// token.
    pub fn add_url(&mut self, url: &Url) {
        let decoded = |text| percent_decode_str(text).decode_utf8_lossy().into_owned();
        if !url.username().is_empty() || url.password().is_some() {
            self.add_basic(&decoded(url.username()), &decoded(url.password().unwrap_or_default()));
        }
        if let Some(query) = url.query().filter(|query| query.len() >= QUERY_VALUE) {
            self.add(query);
        }
        for (_, value) in url.query_pairs().filter(|(_, value)| value.len() >= QUERY_VALUE) {
            self.add(&value);
        }
    }

    fn add_pattern(&mut self, text: &str) {
        let is_known = |known: &SecretString| known.expose_secret() == text;
        if !text.is_empty() && !self.patterns.iter().any(is_known) {
            Arc::make_mut(&mut self.patterns).push(text.into());
        }
    }

    /// The beginning of a peer's text in one line, without the secrets.
    pub fn quote(&self, text: &Raw<'_>) -> PeerText {
        PeerText::new(excerpt(&self.redacted_line(text.expose())))
    }

    /// The whole of a peer's text in one line, without the secrets.
    pub fn quote_all(&self, text: &Raw<'_>) -> PeerText {
        PeerText::new(self.redacted_line(text.expose()))
    }

    /// Cut before it is shortened, since half a secret is not found; and once more as one line,
    /// since a secret with spaces in it may have been wrapped.
    fn redacted_line(&self, text: &str) -> String {
        self.cut(&one_line(&self.cut(text)))
    }

    /// The text with each secret replaced, also where it is escaped.
    fn cut(&self, text: &str) -> String {
        let mut found = Vec::new();
        for units in [plain(text), unescaped(text)] {
            for pattern in self.patterns.iter() {
                find(&units, pattern.expose_secret().as_bytes(), &mut found);
            }
        }
        if found.is_empty() { text.to_owned() } else { without(text, found) }
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}

/// Finds where a secret stands, or a good part of its beginning, and where the text ends within
/// one.
fn find(units: &[Unit], secret: &[u8], found: &mut Vec<Range<usize>>) {
    let mut add = |at: usize, length: usize| {
        found.push(units[at].start..units[at + length - 1].end);
    };
    // A character of which not all bytes were read was replaced.
    let mut end = units.len();
    while end >= REPLACED.len()
        && units[end - REPLACED.len()..end].iter().map(|unit| unit.byte).eq(REPLACED)
    {
        end -= REPLACED.len();
    }
    for at in 0..end {
        let same = units[at..].iter().zip(secret).take_while(|(unit, byte)| unit.byte == **byte);
        let length = same.count();
        let is_whole = length == secret.len() && (length >= SHORT || is_word(units, at, length));
        let is_cut_off = at + length == end && length >= BEGINNING;
        if is_whole || is_cut_off || length >= PART {
            add(at, length);
        }
    }
}

fn is_word(units: &[Unit], at: usize, length: usize) -> bool {
    let is_part = |unit: Option<&Unit>| unit.is_some_and(|unit| unit.byte.is_ascii_alphanumeric());
    !is_part(at.checked_sub(1).and_then(|before| units.get(before)))
        && !is_part(units.get(at + length))
}

/// The text without these parts, which may overlap.
fn without(text: &str, mut parts: Vec<Range<usize>>) -> String {
    parts.sort_unstable_by_key(|part| part.start);
    let mut out = Vec::with_capacity(text.len());
    let mut done = 0;
    for part in parts {
        if part.start >= done {
            out.extend_from_slice(&text.as_bytes()[done..part.start]);
            out.extend_from_slice(CUT.as_bytes());
        }
        done = done.max(part.end);
    }
    out.extend_from_slice(&text.as_bytes()[done..]);
    // A beginning of a secret may end within a character.
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests;
