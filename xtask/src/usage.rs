//! A command line that is not understood.

use anyhow::Result;

/// What is wrong with the command line: exit code 2.
#[derive(Debug)]
pub(crate) struct Usage(String);

impl Usage {
    /// A command line that is wrong in the way that `what` says.
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Whether `flag`, the only one that is known, was given.
pub(crate) fn only_flag(arguments: &[String], flag: &str) -> Result<bool> {
    match arguments.iter().find(|argument| *argument != flag) {
        None => Ok(!arguments.is_empty()),
        Some(other) => Err(Usage(format!("unknown argument {other:?}; known is {flag}")).into()),
    }
}

/// Refuses any argument.
pub(crate) fn none(arguments: &[String]) -> Result<()> {
    match arguments.first() {
        None => Ok(()),
        Some(other) => Err(Usage(format!("unknown argument {other:?}; it takes none")).into()),
    }
}
