//! The listener as an object of Python.
//!
//! A type of our own, since what `PyO3` has for this costs more: a class's `__call__` copies the
//! keyword arguments, and a closure is looked up in a capsule at each call. It has no vectorcall:
//! `CPython` would take the dictionary of `handler(**event)` apart, only for us to need it again.

use std::ffi::{c_int, c_uint, c_void};
use std::ptr;

use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyType};

use crate::guard;
use crate::listener::Listener;

/// An instance: what every object of Python begins with, and ours.
#[repr(C)]
struct Object {
    head: ffi::PyObject,
    listener: Listener,
}

#[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "a few hundred")]
const SIZE: c_int = size_of::<Object>() as c_int;

#[expect(clippy::cast_possible_truncation, reason = "the flags of all versions have 32 bits")]
const FLAGS: c_uint = ffi::Py_TPFLAGS_DEFAULT as c_uint;

/// The listener, to be called.
///
/// # Errors
///
/// If there is no memory for it.
pub(crate) fn callable(py: Python<'_>, listener: Listener) -> PyResult<Py<PyAny>> {
    static TYPE: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let kind = TYPE.get_or_try_init(py, || new_type(py))?;
    // SAFETY: it is a type that is ready; an error is set if the answer is null.
    let object = unsafe {
        let object = ffi::PyType_GenericAlloc(kind.as_ptr().cast(), 0);
        Bound::from_owned_ptr_or_err(py, object)?
    };
    // SAFETY: an instance of our type has the size of an `Object`, memory of Python's is aligned for
    // all that is in one, and nobody else has seen it yet. It goes without being dropped here only
    // if nothing was written.
    unsafe { (&raw mut (*object.as_ptr().cast::<Object>()).listener).write(listener) };
    Ok(object.unbind())
}

fn new_type(py: Python<'_>) -> PyResult<Py<PyType>> {
    let slot = |slot, pfunc| ffi::PyType_Slot { slot, pfunc };
    let mut slots = [
        slot(ffi::Py_tp_call, call as *mut c_void),
        slot(ffi::Py_tp_new, new as *mut c_void),
        slot(ffi::Py_tp_dealloc, dealloc as *mut c_void),
        slot(
            ffi::Py_tp_doc,
            c"Records an event of Locust's events.request.".as_ptr() as *mut c_void,
        ),
        ffi::PyType_Slot::default(),
    ];
    let mut spec = ffi::PyType_Spec {
        name: c"locust_exporter._core.Listener".as_ptr(),
        basicsize: SIZE,
        itemsize: 0,
        flags: FLAGS,
        slots: slots.as_mut_ptr(),
    };
    // SAFETY: the slots hold functions of their slots' types, and an end; name and doc are static,
    // all else is copied.
    let kind = unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyType_FromSpec(&raw mut spec))? };
    Ok(kind.cast_into::<PyType>()?.unbind())
}

/// `tp_call`.
unsafe extern "C" fn call(
    this: *mut ffi::PyObject,
    _: *mut ffi::PyObject,
    kwargs: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: Python calls this with an instance of the type, which has a listener from its birth
    // on and which the caller holds.
    let listener = unsafe { &(*this.cast::<Object>()).listener };
    let heard = guard::quietly(|| {
        // SAFETY: Python calls this, so it is ours. PyO3 is not told, as that would cost a fifth of
        // the call: see `guard::let_go`.
        let py = unsafe { Python::assume_attached() };
        // SAFETY: keyword arguments are a dictionary, or null, which the caller holds.
        let kwargs = unsafe { Bound::from_borrowed_ptr_or_opt(py, kwargs) };
        // SAFETY: as above.
        let kwargs = kwargs.as_ref().map(|it| unsafe { it.cast_unchecked::<PyDict>() });
        listener.hear(kwargs)
    });
    if heard != Some(true) {
        listener.refuse();
    }
    // SAFETY: Python is running, and calls us.
    unsafe { ffi::compat::Py_NewRef(ffi::Py_None()) }
}

/// `tp_new`: an instance without a listener must not be.
unsafe extern "C" fn new(
    _: *mut ffi::PyTypeObject,
    _: *mut ffi::PyObject,
    _: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    Python::try_attach(|py| PyTypeError::new_err("only Core has listeners").restore(py));
    ptr::null_mut()
}

/// `tp_dealloc`.
unsafe extern "C" fn dealloc(this: *mut ffi::PyObject) {
    // SAFETY: nobody else has the object any more, and it has a listener.
    let listener = unsafe { (&raw mut (*this.cast::<Object>()).listener).read() };
    // SAFETY: it is an object; its memory is from `PyType_GenericAlloc`, for a type without garbage
    // collection; and each instance of a type made at run time holds its type.
    unsafe {
        let kind = ffi::Py_TYPE(this);
        ffi::PyObject_Free(this.cast());
        ffi::Py_DECREF(kind.cast());
    }
    guard::quietly(|| guard::let_go(listener));
}
