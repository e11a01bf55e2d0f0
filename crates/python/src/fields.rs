//! What an event of Locust's `request` brings along.

use std::hint::black_box;
use std::ptr;
use std::sync::atomic::{AtomicIsize, Ordering};

use pyo3::prelude::*;
use pyo3::sync::critical_section::with_critical_section;
use pyo3::types::{PyDict, PyString};
use pyo3::{ffi, intern};

/// Keyword arguments of the event that count, in the order of [`Fields`].
const COUNT: usize = 6;

/// What was found, in the same order.
type Found<'py> = [Option<Bound<'py, PyAny>>; COUNT];

/// The keys, as interned strings: those of a call are the same objects, nearly always. Beside each
/// is where `PyDict_Next` found it the last time: a client always gives them in the same order.
pub(crate) struct Keys {
    keys: [Py<PyString>; COUNT],
    places: [AtomicIsize; COUNT],
}

/// The values; what was not given is `None`.
pub(crate) struct Fields<'py> {
    pub(crate) request_type: Option<Bound<'py, PyAny>>,
    pub(crate) name: Option<Bound<'py, PyAny>>,
    pub(crate) response_time: Option<Bound<'py, PyAny>>,
    pub(crate) response_length: Option<Bound<'py, PyAny>>,
    pub(crate) response: Option<Bound<'py, PyAny>>,
    pub(crate) exception: Option<Bound<'py, PyAny>>,
}

impl Keys {
    pub(crate) fn new(py: Python<'_>) -> Self {
        let keys = [
            intern!(py, "request_type"),
            intern!(py, "name"),
            intern!(py, "response_time"),
            intern!(py, "response_length"),
            intern!(py, "response"),
            intern!(py, "exception"),
        ];
        Self { keys: keys.map(|key| key.clone().unbind()), places: Default::default() }
    }

    /// The values under these keys.
    pub(crate) fn read<'py>(&self, kwargs: &Bound<'py, PyDict>) -> PyResult<Fields<'py>> {
        let mut found = [const { None }; COUNT];
        let all = with_critical_section(kwargs, || {
            let mut cursor = Cursor { place: 0, key: ptr::null_mut(), value: ptr::null_mut() };
            let mut entries = Entries::of(kwargs, &mut cursor);
            self.remembered(&mut entries, &mut found) || self.walk(&mut entries, &mut found)
        });
        if !all {
            // They are absent, or their keys are other objects that say the same.
            for (value, key) in found.iter_mut().zip(&self.keys) {
                if value.is_none() {
                    *value = kwargs.get_item(key)?;
                }
            }
        }
        let [request_type, name, response_time, response_length, response, exception] = found;
        Ok(Fields { request_type, name, response_time, response_length, response, exception })
    }

    /// Looks where the keys were the last time; whether all are there.
    fn remembered<'py>(&self, entries: &mut Entries<'_, 'py>, found: &mut Found<'py>) -> bool {
        for ((key, place), value) in self.keys.iter().zip(&self.places).zip(found) {
            let mut place = place.load(Ordering::Relaxed);
            match entries.next(&mut place) {
                Some(entry) if entry.key == key.as_ptr() => *value = Some(entry.value()),
                _ => return false,
            }
        }
        true
    }

    /// Looks at all entries, and remembers where the keys are; whether all are there.
    fn walk<'py>(&self, entries: &mut Entries<'_, 'py>, found: &mut Found<'py>) -> bool {
        let (mut place, mut here) = (0, 0);
        while let Some(entry) = entries.next(&mut place) {
            if let Some(field) = self.keys.iter().position(|key| key.as_ptr() == entry.key) {
                found[field] = Some(entry.value());
                self.places[field].store(here, Ordering::Relaxed);
            }
            here = place;
        }
        found.iter().all(Option::is_some)
    }
}

/// The entries of a dictionary that nobody changes meanwhile.
struct Entries<'a, 'py> {
    kwargs: &'a Bound<'py, PyDict>,
    cursor: &'a mut Cursor,
}

/// What `PyDict_Next` writes to.
struct Cursor {
    place: isize,
    key: *mut ffi::PyObject,
    value: *mut ffi::PyObject,
}

/// An entry, borrowed from its dictionary.
struct Entry<'a, 'py> {
    key: *mut ffi::PyObject,
    value: *mut ffi::PyObject,
    of: &'a Bound<'py, PyDict>,
}

impl<'a, 'py> Entries<'a, 'py> {
    fn of(kwargs: &'a Bound<'py, PyDict>, cursor: &'a mut Cursor) -> Self {
        // Processors guess that what is read from the stack is what was last written to that place
        // of it. Here that is not so: CPython wrote by a pointer. Read by a pointer too, there is
        // no guess that is wrong; each would cost more than the call does.
        Self { kwargs, cursor: black_box(cursor) }
    }

    /// The entry at `place`, or the next one behind it; `place` is then behind that one. A place
    /// that this dictionary has not has no entry, and else it may be anybody's: so look at the key.
    fn next(&mut self, place: &mut isize) -> Option<Entry<'a, 'py>> {
        let cursor = &mut *self.cursor;
        cursor.place = *place;
        // SAFETY: `kwargs` is a dictionary, which nothing changes meanwhile: no Python code runs
        // here, and in a free-threaded build its critical section is held. CPython holds every
        // place against the dictionary's bounds.
        let any = unsafe {
            let (key, value) = (&raw mut cursor.key, &raw mut cursor.value);
            ffi::PyDict_Next(self.kwargs.as_ptr(), &raw mut cursor.place, key, value)
        };
        *place = cursor.place;
        (any != 0).then_some(Entry { key: cursor.key, value: cursor.value, of: self.kwargs })
    }
}

impl<'py> Entry<'_, 'py> {
    fn value(&self) -> Bound<'py, PyAny> {
        // SAFETY: the dictionary holds the value, which becomes a reference of its own.
        unsafe { Bound::from_borrowed_ptr(self.of.py(), self.value) }
    }
}
