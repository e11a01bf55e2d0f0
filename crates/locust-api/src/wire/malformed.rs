//! Why an answer cannot be read.

/// Why an answer cannot be read. Never quotes the answer's values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    /// The end is missing.
    #[error("the {what} is cut short after {bytes} bytes")]
    Cut { what: &'static str, bytes: usize },
    /// It is not what it should be.
    #[error("the {what} is not valid: {cause}")]
    Invalid { what: &'static str, cause: String },
    /// It is valid, but not Locust's.
    #[error("{0}")]
    Shape(&'static str),
}
