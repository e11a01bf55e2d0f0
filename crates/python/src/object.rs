//! Reading Python's objects where it has to be quick: without an exception made for what is not
//! there, and without results that go through memory.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyInt, PyString};

/// An attribute that is there and not `None`. What raises an exception is not there. May run code
/// of Python.
#[inline]
pub(crate) fn attribute<'py>(
    object: &Bound<'py, PyAny>,
    name: &Bound<'py, PyString>,
) -> Option<Bound<'py, PyAny>> {
    // SAFETY: both are objects that are held, and what is found is null, or a reference of our own.
    let value = unsafe {
        let found = find(object.as_ptr(), name.as_ptr());
        if found.is_null() && !ffi::PyErr_Occurred().is_null() {
            ffi::PyErr_Clear();
        }
        Bound::from_owned_ptr_or_opt(object.py(), found)
    };
    value.filter(|value| !value.is_none())
}

/// `PyObject_GetAttr`, but without an exception made for what is not there, where Python knows how.
#[inline]
unsafe fn find(object: *mut ffi::PyObject, name: *mut ffi::PyObject) -> *mut ffi::PyObject {
    #[cfg(not(Py_3_13))]
    // SAFETY: the caller holds both.
    unsafe {
        ffi::PyObject_GetAttr(object, name)
    }
    #[cfg(Py_3_13)]
    {
        let mut found = std::ptr::null_mut();
        // Not from the stack: see `fields`.
        let found = std::hint::black_box(&mut found);
        // SAFETY: the caller holds both, and there is room for what is found.
        unsafe { ffi::PyObject_GetOptionalAttr(object, name, found) };
        *found
    }
}

/// An exact `int` that fits.
#[inline]
pub(crate) fn integer(value: &Bound<'_, PyAny>) -> Option<i64> {
    if !value.is_exact_instance_of::<PyInt>() {
        return None;
    }
    // SAFETY: it is an object that is held.
    let number = unsafe { ffi::PyLong_AsLongLong(value.as_ptr()) };
    // SAFETY: Python is ours.
    if number == -1 && unsafe { !ffi::PyErr_Occurred().is_null() } {
        // SAFETY: as above.
        unsafe { ffi::PyErr_Clear() };
        return None;
    }
    Some(number)
}

/// Whether Python takes it for true; `None` if it does not tell. May run code of Python.
#[inline]
pub(crate) fn is_true(value: &Bound<'_, PyAny>) -> Option<bool> {
    // SAFETY: it is an object that is held.
    let answer = unsafe { ffi::PyObject_IsTrue(value.as_ptr()) };
    if answer < 0 {
        // SAFETY: Python is ours.
        unsafe { ffi::PyErr_Clear() };
        return None;
    }
    Some(answer != 0)
}

/// The hash of an exact `str`.
#[inline]
pub(crate) fn text_hash(text: &Bound<'_, PyString>) -> Option<u64> {
    // SAFETY: it is a `str`, all of which begin so.
    #[cfg(not(any(Py_LIMITED_API, Py_GIL_DISABLED)))]
    let known = unsafe { (*text.as_ptr().cast::<ffi::PyASCIIObject>()).hash };
    #[cfg(any(Py_LIMITED_API, Py_GIL_DISABLED))]
    let known: ffi::Py_hash_t = -1;
    let hash = if known == -1 { hash(text.as_any())? } else { known.cast_unsigned() as u64 };
    Some(hash)
}

/// A hash; `None` if there is none. May run code of Python unless it is one of Python's own types.
pub(crate) fn hash(value: &Bound<'_, PyAny>) -> Option<u64> {
    // SAFETY: it is an object that is held.
    let hash = unsafe { ffi::PyObject_Hash(value.as_ptr()) };
    if hash == -1 {
        // SAFETY: Python is ours.
        unsafe { ffi::PyErr_Clear() };
        return None;
    }
    Some(hash.cast_unsigned() as u64)
}
