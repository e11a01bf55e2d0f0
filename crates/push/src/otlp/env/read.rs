//! One variable at a time.

use outgoing::excerpt;

use super::list::Wrong;
use super::{EnvError, Said};

/// Reads variables, and remembers which it could not.
pub(super) struct Reader<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    /// What is not heeded.
    pub(super) ignored: Vec<EnvError>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { lookup, ignored: Vec::new() }
    }

    /// The text of a variable, if it is set and not empty.
    pub(super) fn text(&self, variable: &str) -> Option<String> {
        let text = (self.lookup)(variable)?;
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// What the first of `variables` says that is set and understood. `read` is given it in small
    /// letters, since case does not count.
    pub(super) fn value<T>(
        &mut self,
        variables: &[&'static str],
        accepted: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        for &variable in variables {
            let Some(text) = self.text(variable) else { continue };
            if let Some(value) = read(&text.to_ascii_lowercase()) {
                return Some(value);
            }
            let (value, accepted) = (excerpt(&text), accepted.to_owned());
            self.ignored.push(EnvError::Value { variable, value, accepted });
        }
        None
    }

    /// Whether the first of `variables` that is set says `true`. Anything else is false.
    pub(super) fn boolean(&mut self, variables: &[&'static str]) -> Option<bool> {
        let (variable, text) =
            variables.iter().find_map(|variable| Some((*variable, self.text(variable)?)))?;
        let is_true = text.eq_ignore_ascii_case("true");
        if !is_true && !text.eq_ignore_ascii_case("false") {
            let accepted = "give true or false; it is taken for false".to_owned();
            self.ignored.push(EnvError::Value { variable, value: excerpt(&text), accepted });
        }
        Some(is_true)
    }

    /// The list of the first of `variables` that is set and can be read.
    pub(super) fn list<T>(
        &mut self,
        variables: &[&'static str],
        read: impl Fn(&str) -> Result<T, Wrong>,
    ) -> Option<Said<T>> {
        for &variable in variables {
            let Some(text) = self.text(variable) else { continue };
            match read(&text) {
                Ok(value) => return Some(Said { variable, value }),
                Err(Wrong { entry, cause }) => {
                    self.ignored.push(EnvError::List { variable, entry, cause });
                }
            }
        }
        None
    }
}
