//! What is read off a response: its status, and how much was sent to get it.
//!
//! Responses are whatever the client under test makes of them. No attribute is sure to be there or
//! to be what it should; reading one may run code of the test, so no lock may be held here.

use std::sync::OnceLock;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyInt, PyMemoryView, PyString, PyType};

use crate::guard::or_none;
use crate::object::{attribute, integer};

/// Status and request of a response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// `response.status_code`; 0 where there was no connection, `None` where there is no status.
    pub(crate) status: Option<i64>,
    /// Bytes of the request's body.
    pub(crate) request_bytes: u64,
}

/// Reads responses.
pub(crate) struct Eyes {
    responses: Kinds,
    requests: Kinds,
    /// Names of attributes that every event asks for: held here, they need not be looked for.
    status_code: Py<PyString>,
    request: Py<PyString>,
    body: Py<PyString>,
    payload: Py<PyString>,
}

impl Eyes {
    pub(crate) fn new(py: Python<'_>) -> Self {
        let name = |name| PyString::intern(py, name).unbind();
        Self {
            responses: Kinds::default(),
            requests: Kinds::default(),
            status_code: name("status_code"),
            request: name("request"),
            body: name("body"),
            payload: name("payload"),
        }
    }

    /// Reads a response. What raises an exception counts as absent.
    pub(crate) fn see(&self, response: &Bound<'_, PyAny>) -> Seen {
        let py = response.py();
        let status = if self.responses.is_fast(response, is_fast_response) {
            parsed_status(response)
        } else {
            attribute(response, self.status_code.bind(py))
        };
        let request = attribute(response, self.request.bind(py));
        Seen {
            status: status.as_ref().and_then(number),
            request_bytes: request.map_or(0, |request| self.body_bytes(&request)),
        }
    }

    /// Bytes of a request's body: of what the client sends where that is known, else as many as
    /// the request announces.
    fn body_bytes(&self, request: &Bound<'_, PyAny>) -> u64 {
        let py = request.py();
        let is_fast = self.requests.is_fast(request, is_fast_request);
        let name = if is_fast { &self.payload } else { &self.body };
        let Some(body) = attribute(request, name.bind(py)) else { return 0 };
        size(&body).or_else(|| announced(request)).unwrap_or(0)
    }
}

/// Types that were seen, and whether they are `FastHttpUser`'s: its attributes are properties
/// written in Python, behind which the same is had in half the time. What a type is, is found out
/// when it is first seen.
#[derive(Default)]
struct Kinds([OnceLock<(Py<PyType>, bool)>; 8]);

impl Kinds {
    /// Whether the type of `object` is a fast one. Types beyond the first few are not.
    fn is_fast(
        &self,
        object: &Bound<'_, PyAny>,
        find_out: impl FnOnce(&Bound<'_, PyType>) -> bool,
    ) -> bool {
        let kind = object.get_type_ptr();
        for slot in &self.0 {
            match slot.get() {
                // A type that is held is no other type.
                Some((known, is_fast)) if known.as_ptr().cast() == kind => return *is_fast,
                Some(_) => {}
                None => {
                    let kind = object.get_type();
                    let is_fast = find_out(&kind);
                    // If another thread was first, it is found there the next time, or again.
                    let _ = slot.set((kind.unbind(), is_fast));
                    return is_fast;
                }
            }
        }
        false
    }
}

/// Whether `status_code` is the property of `FastHttpUser`'s client.
fn is_fast_response(kind: &Bound<'_, PyType>) -> bool {
    has_property_of(kind, "status_code", "geventhttpclient.useragent", "CompatResponse")
}

/// Whether `body` is the property of `FastHttpUser`'s requests.
fn is_fast_request(kind: &Bound<'_, PyType>) -> bool {
    has_property_of(kind, "body", "locust.contrib.fasthttp", "FastRequest")
}

/// Whether the class has this very attribute of that class of a module that is loaded.
fn has_property_of(kind: &Bound<'_, PyType>, name: &str, module: &str, class: &str) -> bool {
    let same = || -> PyResult<bool> {
        let modules = kind.py().import("sys")?.getattr("modules")?;
        let original = modules.get_item(module)?.getattr(class)?.getattr(name)?;
        Ok(kind.getattr(name)?.is(&original))
    };
    // One of them is not there.
    or_none(same()).unwrap_or(false)
}

/// What the property `status_code` of `FastHttpUser`'s responses gives: `self._response.get_code()`.
fn parsed_status<'py>(response: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    let py = response.py();
    let parsed = attribute(response, intern!(py, "_response"))?;
    or_none(parsed.call_method0(intern!(py, "get_code")))
}

#[inline]
fn number(value: &Bound<'_, PyAny>) -> Option<i64> {
    integer(value).or_else(|| odd_number(value))
}

#[cold]
fn odd_number(value: &Bound<'_, PyAny>) -> Option<i64> {
    match value.cast::<PyString>() {
        Ok(text) => text.to_string_lossy().trim().parse().ok(),
        Err(_) => or_none(value.extract()),
    }
}

/// Size of a body that is text or bytes; of a file or a generator it is not known.
fn size(body: &Bound<'_, PyAny>) -> Option<u64> {
    let length = if let Ok(bytes) = body.cast::<PyBytes>() {
        bytes.as_bytes().len()
    } else if let Ok(text) = body.cast::<PyString>() {
        text.to_string_lossy().len()
    } else if let Ok(bytes) = body.cast::<PyByteArray>() {
        bytes.len()
    } else if body.is_instance_of::<PyMemoryView>() {
        return or_none(or_none(body.getattr(intern!(body.py(), "nbytes")))?.extract());
    } else {
        return None;
    };
    u64::try_from(length).ok()
}

/// What the request's headers say.
fn announced(request: &Bound<'_, PyAny>) -> Option<u64> {
    let py = request.py();
    let headers = attribute(request, intern!(py, "headers"))?;
    let name = (intern!(py, "Content-Length"),);
    let length = or_none(headers.call_method1(intern!(py, "get"), name))?;
    match length.cast::<PyInt>() {
        Ok(length) => or_none(length.extract()),
        Err(_) => or_none(length.str())?.to_string_lossy().trim().parse().ok(),
    }
}
