//! Text from Python.

use pyo3::prelude::*;
use pyo3::types::PyString;

/// The text of a `str`. That may have halves of surrogate pairs, as no text here can: U+FFFD stands
/// for them, as in a request's name.
pub(crate) struct Text(pub(crate) String);

impl<'a, 'py> FromPyObject<'a, 'py> for Text {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        Ok(Self(object.cast::<PyString>()?.to_string_lossy().into_owned()))
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// What they say.
pub(crate) fn strs(texts: &[Text]) -> Vec<&str> {
    texts.iter().map(AsRef::as_ref).collect()
}
