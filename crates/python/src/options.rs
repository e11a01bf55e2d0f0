//! The options, as Python sees them.

use locust_exporter::inside::{self, Described, Given};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyString};

use crate::text::Text;

/// An option, from its one definition.
#[pyclass(frozen, get_all, module = "locust_exporter._core")]
pub(crate) struct Option {
    name: String,
    variable: String,
    help: String,
    metavar: std::option::Option<String>,
    default: std::option::Option<String>,
    repeated: bool,
}

#[pymethods]
impl Option {
    fn __repr__(&self) -> String {
        format!("Option({:?})", self.name)
    }
}

/// Every option of the exporter inside Locust.
pub(crate) fn all() -> Vec<Option> {
    let option = |described| {
        let Described { name, variable, help, metavar, default, repeated, .. } = described;
        Option { name, variable, help, metavar, default, repeated }
    };
    inside::options().into_iter().map(option).collect()
}

/// What was given, by the options' names; `None` is nothing.
pub(crate) fn given(values: &Bound<'_, PyAny>) -> PyResult<Vec<(String, Given)>> {
    let mut given = Vec::new();
    for item in values.call_method0("items")?.try_iter()? {
        let (name, value): (String, Bound<'_, PyAny>) = item?.extract()?;
        if !value.is_none() {
            let value = read(&name, &value)?;
            given.push((name, value));
        }
    }
    Ok(given)
}

fn read(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Given> {
    if let Ok(switch) = value.cast::<PyBool>() {
        return Ok(Given::Switch(switch.is_true()));
    }
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(Given::Texts(vec![text.to_string_lossy().into_owned()]));
    }
    let texts: Vec<Text> = value.extract().map_err(|_| {
        PyValueError::new_err(format!("option {name}: expected a str, a list of them, or a bool"))
    })?;
    Ok(Given::Texts(texts.into_iter().map(|Text(text)| text).collect()))
}
