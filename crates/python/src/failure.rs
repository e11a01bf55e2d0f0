//! What made a request a failure: an exception, or whatever else Locust was given for one.

use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple, PyType};

use crate::cache::ErrorKey;
use crate::object::is_true;

/// A failure: its class, and what its text is made from.
pub(crate) struct Failure<'a, 'py> {
    pub(crate) class: Bound<'py, PyType>,
    exception: Bound<'py, PyAny>,
    /// The arguments, where they and the class alone decide what the text is.
    pub(crate) args: Option<&'a Args<'py>>,
}

/// How deep an exception may lie in the only argument of another: `requests` wraps those of
/// `urllib3`.
pub(crate) const DEPTH: usize = 3;

/// What decides the text of an exception: its class, the classes of those it wraps, and the
/// arguments of the innermost, which are plain texts and numbers.
///
/// It is filled in at its place, and stays there: to move what was just written in small pieces
/// makes the processor wait for them.
#[derive(Default)]
pub(crate) struct Args<'py> {
    classes: Classes<'py>,
    tuple: Option<Bound<'py, PyTuple>>,
    hash: u64,
}

/// From the outermost inwards.
type Classes<'py> = [Option<Bound<'py, PyType>>; DEPTH];

impl<'a, 'py> Failure<'a, 'py> {
    /// The failure that `exception` stands for, with room for its arguments: none if it is falsy, as
    /// for Locust, or does not tell whether it is: Locust's own listener fails there.
    #[inline]
    pub(crate) fn of(exception: Bound<'py, PyAny>, room: &'a mut Args<'py>) -> Option<Self> {
        if !is_true(&exception)? {
            return None;
        }
        let class = exception.get_type();
        let args = room.read(&exception).then_some(&*room);
        Some(Self { class, exception, args })
    }

    /// The name of its class.
    pub(crate) fn class_name(&self) -> String {
        self.class.name().map_or_else(|_| String::new(), |name| name.to_string_lossy().into_owned())
    }

    /// The text as Locust has it: what is given as a text itself, else the `repr`. May run code of
    /// the test.
    pub(crate) fn text(&self) -> String {
        if let Ok(text) = self.exception.cast::<PyString>() {
            return text.to_string_lossy().into_owned();
        }
        match self.exception.repr() {
            Ok(text) => text.to_string_lossy().into_owned(),
            Err(_) => format!("{} without a repr", self.class_name()),
        }
    }
}

impl<'py> Args<'py> {
    /// Finds out what decides the text, and whether that is made as for all exceptions, from nothing
    /// but plain arguments.
    #[cfg(not(any(Py_LIMITED_API, Py_GIL_DISABLED)))]
    #[inline]
    fn read(&mut self, exception: &Bound<'py, PyAny>) -> bool {
        self.look_inside(exception).is_some()
    }

    /// Where `CPython`'s structures are hidden, or another thread may change them meanwhile, each text
    /// is made anew.
    #[cfg(any(Py_LIMITED_API, Py_GIL_DISABLED))]
    #[expect(clippy::unused_self, reason = "elsewhere it is filled in")]
    fn read(&mut self, _: &Bound<'py, PyAny>) -> bool {
        false
    }

    #[cfg(not(any(Py_LIMITED_API, Py_GIL_DISABLED)))]
    #[inline]
    fn look_inside(&mut self, exception: &Bound<'py, PyAny>) -> Option<()> {
        use pyo3::types::PyInt;

        use crate::cache::mix;
        use crate::object::{self, text_hash};

        let mut tuple = common_args(exception)?;
        let mut class = exception.get_type();
        let mut hash = 0;
        let mut depth = 0;
        loop {
            hash = mix(hash, class.as_ptr() as u64);
            *self.classes.get_mut(depth)? = Some(class);
            depth += 1;
            let mut args = tuple.iter_borrowed();
            let only = args.next().filter(|_| args.len() == 0);
            let Some((inner, its)) = only.and_then(|it| Some((it.get_type(), common_args(&it)?)))
            else {
                break;
            };
            (class, tuple) = (inner, its);
        }
        for arg in tuple.iter_borrowed() {
            let part = match arg.cast_exact::<PyString>() {
                Ok(text) => text_hash(&text)?,
                Err(_) if arg.is_exact_instance_of::<PyInt>() => object::hash(&arg)?,
                Err(_) => return None,
            };
            hash = mix(hash, part);
        }
        self.hash = hash;
        self.tuple = Some(tuple);
        Some(())
    }

    /// What tells this failure of a series from others.
    #[inline]
    pub(crate) fn key(&self) -> Option<ErrorKey<'_, 'py>> {
        Some(ErrorKey { hash: self.hash, classes: &self.classes, args: self.tuple.as_ref()? })
    }
}

/// The arguments of an exception whose `repr` is that of all exceptions.
#[cfg(not(any(Py_LIMITED_API, Py_GIL_DISABLED)))]
fn common_args<'py>(exception: &Bound<'py, PyAny>) -> Option<Bound<'py, PyTuple>> {
    use pyo3::exceptions::PyBaseException;
    use pyo3::ffi;

    let exception = exception.cast::<PyBaseException>().ok()?;
    // SAFETY: both are types, which have this slot; it is compared, not called.
    let has_common_repr = unsafe {
        let common = (*ffi::PyExc_BaseException.cast::<ffi::PyTypeObject>()).tp_repr;
        let its = (*exception.get_type_ptr()).tp_repr;
        its.map(|function| function as usize) == common.map(|function| function as usize)
    };
    if !has_common_repr {
        return None;
    }
    // SAFETY: it is an exception, and holds its `args`, which nobody takes away meanwhile.
    let args = unsafe {
        let args = (*exception.as_ptr().cast::<ffi::PyBaseExceptionObject>()).args;
        Bound::from_borrowed_ptr_or_opt(exception.py(), args)
    };
    args?.cast_into::<PyTuple>().ok()
}
