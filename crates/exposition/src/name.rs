//! Names that are valid by construction, so that no encoder has to look at them again.

use std::borrow::Cow;
use std::fmt;

/// Why a text cannot be a metric or label name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The text is not of the legacy form that every Prometheus understands.
    #[error(
        "{kind} name {name:?} is not valid: use letters, digits and underscores, and do not begin with a digit"
    )]
    Form {
        /// What the text was to name: `"metric"` or `"label"`.
        kind: &'static str,
        /// The text.
        name: String,
    },
    /// The label name is one that the formats use themselves.
    #[error("label name {name:?} is reserved for the exposition formats")]
    Reserved {
        /// The text.
        name: String,
    },
}

/// A metric's name as `PromQL` spells it: ASCII letters, digits and `_`, no colon.
///
/// Colons are legal in Prometheus, but reserved for recording rules.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MetricName(Box<str>);

impl MetricName {
    /// Checks `name`.
    ///
    /// # Errors
    ///
    /// [`NameError::Form`] if `name` is empty, begins with a digit or holds any other character.
    pub fn new(name: impl Into<Box<str>>) -> Result<Self, NameError> {
        let name = name.into();
        if is_word(&name) {
            Ok(Self(name))
        } else {
            Err(NameError::Form { kind: "metric", name: name.into() })
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MetricName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A label's name: ASCII letters, digits and `_`; neither `le`, `quantile` nor `__…`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LabelName<'a>(Cow<'a, str>);

impl<'a> LabelName<'a> {
    /// Checks `name`.
    ///
    /// # Errors
    ///
    /// [`NameError`] if the name is malformed or reserved.
    pub fn new(name: impl Into<Cow<'a, str>>) -> Result<Self, NameError> {
        let name = name.into();
        if !is_word(&name) {
            return Err(NameError::Form { kind: "label", name: name.into_owned() });
        }
        if is_reserved(&name) {
            return Err(NameError::Reserved { name: name.into_owned() });
        }
        Ok(Self(name))
    }

    /// A name known when the program is compiled.
    ///
    /// # Panics
    ///
    /// If the name is malformed or reserved; in a constant, that is a compile error.
    pub const fn from_static(name: &'static str) -> LabelName<'static> {
        assert!(is_word(name) && !is_reserved(name), "not a valid label name");
        LabelName(Cow::Borrowed(name))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether `text` matches `[a-zA-Z_][a-zA-Z0-9_]*`.
const fn is_word(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.is_empty() || bytes[0].is_ascii_digit() {
        return false;
    }
    let mut i = 0;
    while i < bytes.len() {
        if !bytes[i].is_ascii_alphanumeric() && bytes[i] != b'_' {
            return false;
        }
        i += 1;
    }
    true
}

const fn is_reserved(name: &str) -> bool {
    matches!(name.as_bytes(), b"le" | b"quantile" | [b'_', b'_', ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metric_names_are_legacy_ascii_without_colons() {
        assert!(MetricName::new("locust_requests_total").is_ok());
        for bad in ["", "9lives", "a:b", "a-b", "größe", "a b"] {
            assert!(MetricName::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn label_names_of_the_formats_are_refused() {
        assert!(LabelName::new("method").is_ok());
        for bad in ["le", "quantile", "__name__", "", "a.b"] {
            assert!(LabelName::new(bad).is_err(), "{bad:?}");
        }
    }
}
