//! From the objects that an event brings to the recorder's ids, without a look at their text.
//!
//! A key's objects are held: the identity of an object that is alive is nobody else's. Texts that
//! are other objects are compared by what they say, so that a name built anew for each request is
//! found too.

use std::hash::{Hash as _, Hasher};

use hashbrown::HashTable;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple, PyType};
use recorder::{ErrorId, SeriesId};

use crate::failure::DEPTH;
use crate::guard::or_none;
use crate::object::text_hash;

/// So many series are held; then all are let go. The recorder has bounds of its own.
const MOST_SERIES: usize = 1 << 16;

/// So many failures are held beside the first one of each series. They are fewer, since each may be another one: of a connection that
/// was refused the text says which object failed.
const MOST_ERRORS: usize = 1 << 14;

/// Adds to a hash. Its parts are hashes already: they only have to be told apart.
pub(crate) fn mix(hash: u64, part: u64) -> u64 {
    (hash.rotate_left(23) ^ part).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// A hash of an id.
pub(crate) fn hash_of(id: SeriesId) -> u64 {
    let mut hasher = Mixer(0);
    id.hash(&mut hasher);
    hasher.0
}

/// A hasher for small numbers.
struct Mixer(u64);

impl Hasher for Mixer {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = mix(self.0, byte.into());
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = mix(self.0, number.into());
    }
}

/// What tells series apart.
pub(crate) struct SeriesKey<'a, 'py> {
    pub(crate) hash: u64,
    pub(crate) method: &'a Bound<'py, PyString>,
    pub(crate) name: &'a Bound<'py, PyString>,
    pub(crate) status: Option<i64>,
    pub(crate) class: Option<&'a Bound<'py, PyType>>,
}

impl<'a, 'py> SeriesKey<'a, 'py> {
    /// A key of exact `str` objects; `None` if they cannot be hashed.
    pub(crate) fn new(
        method: &'a Bound<'py, PyString>,
        name: &'a Bound<'py, PyString>,
        status: Option<i64>,
        class: Option<&'a Bound<'py, PyType>>,
    ) -> Option<Self> {
        let mut hash = text_hash(name)?;
        hash = mix(hash, text_hash(method)?);
        hash = mix(hash, status.map_or(u64::MAX, i64::cast_unsigned));
        hash = mix(hash, class.map_or(0, |class| class.as_ptr() as u64));
        Some(Self { hash, method, name, status, class })
    }
}

/// A key that is held, and the recorder's id for it.
pub(crate) struct SeriesEntry {
    hash: u64,
    method: Py<PyString>,
    name: Py<PyString>,
    status: Option<i64>,
    class: Option<Py<PyType>>,
    pub(crate) id: SeriesId,
    /// The first kind of failure that it had: mostly it is the only one, and here it costs no look
    /// into another table.
    first: Option<ErrorEntry>,
}

impl SeriesEntry {
    fn is(&self, key: &SeriesKey<'_, '_>) -> bool {
        self.hash == key.hash
            && self.status == key.status
            && self.class.as_ref().map(Py::as_ptr) == key.class.map(Bound::as_ptr)
            && is_same_text(&self.method, key.method)
            && is_same_text(&self.name, key.name)
    }
}

/// What tells failures of one series apart.
pub(crate) struct ErrorKey<'a, 'py> {
    /// Without the series in it.
    pub(crate) hash: u64,
    /// Its class, and those of what it wraps.
    pub(crate) classes: &'a [Option<Bound<'py, PyType>>; DEPTH],
    pub(crate) args: &'a Bound<'py, PyTuple>,
}

impl ErrorKey<'_, '_> {
    /// A hash of failure and series.
    fn hash_in(&self, series: SeriesId) -> u64 {
        mix(self.hash, hash_of(series))
    }
}

struct ErrorEntry {
    hash: u64,
    series: SeriesId,
    classes: [Option<Py<PyType>>; DEPTH],
    args: Py<PyTuple>,
    id: ErrorId,
}

impl ErrorEntry {
    fn new(series: SeriesId, key: &ErrorKey<'_, '_>, id: ErrorId) -> Self {
        let classes = key.classes.each_ref().map(|class| class.clone().map(Bound::unbind));
        Self { hash: key.hash, series, classes, args: key.args.clone().unbind(), id }
    }

    fn is(&self, series: SeriesId, key: &ErrorKey<'_, '_>) -> bool {
        self.hash == key.hash
            && self.series == series
            && self.classes.iter().zip(key.classes).all(|(held, given)| {
                held.as_ref().map(Py::as_ptr) == given.as_ref().map(Bound::as_ptr)
            })
            && is_same_tuple(self.args.bind(key.args.py()), key.args)
    }
}

/// Ids by their keys, of one generation of the recorder.
#[derive(Default)]
pub(crate) struct Cache {
    series: HashTable<SeriesEntry>,
    errors: HashTable<ErrorEntry>,
}

impl Cache {
    /// A series. It is found where it lies: to hand out copies of its parts costs more than to look.
    #[inline]
    pub(crate) fn series(&self, key: &SeriesKey<'_, '_>) -> Option<&SeriesEntry> {
        self.series.find(key.hash, |entry| entry.is(key))
    }

    /// A failure of a series.
    #[inline]
    pub(crate) fn error(&self, series: &SeriesEntry, key: &ErrorKey<'_, '_>) -> Option<ErrorId> {
        if let Some(first) = &series.first
            && first.is(series.id, key)
        {
            return Some(first.id);
        }
        let hash = key.hash_in(series.id);
        self.errors.find(hash, |entry| entry.is(series.id, key)).map(|entry| entry.id)
    }

    /// Holds a key. What is let go for it is handed out, to be dropped where no lock is held.
    #[must_use]
    pub(crate) fn put_series(&mut self, key: &SeriesKey<'_, '_>, id: SeriesId) -> Cache {
        let mut old = Cache::default();
        if self.series.len() >= MOST_SERIES {
            old.series = std::mem::take(&mut self.series);
        }
        let entry = SeriesEntry {
            hash: key.hash,
            method: key.method.clone().unbind(),
            name: key.name.clone().unbind(),
            status: key.status,
            class: key.class.map(|class| class.clone().unbind()),
            id,
            first: None,
        };
        self.series.insert_unique(key.hash, entry, |entry| entry.hash);
        old
    }

    /// Holds a failure of a series that is held. What is let go for it is handed out, to be dropped
    /// where no lock is held.
    #[must_use]
    pub(crate) fn put_error(
        &mut self,
        series: &SeriesKey<'_, '_>,
        key: &ErrorKey<'_, '_>,
        id: ErrorId,
    ) -> Cache {
        let mut old = Cache::default();
        let Some(entry) = self.series.find_mut(series.hash, |entry| entry.is(series)) else {
            return old;
        };
        let error = ErrorEntry::new(entry.id, key, id);
        if entry.first.is_none() {
            entry.first = Some(error);
            return old;
        }
        if self.errors.len() >= MOST_ERRORS {
            old.errors = std::mem::take(&mut self.errors);
        }
        let hash_of = |entry: &ErrorEntry| mix(entry.hash, hash_of(entry.series));
        self.errors.insert_unique(key.hash_in(entry.id), error, hash_of);
        old
    }
}

/// Whether two exact `str` objects say the same. Runs no Python code.
fn is_same_text(held: &Py<PyString>, given: &Bound<'_, PyString>) -> bool {
    is_equal(held.bind(given.py()), given)
}

fn is_same_tuple(held: &Bound<'_, PyTuple>, given: &Bound<'_, PyTuple>) -> bool {
    held.is(given)
        || (held.len() == given.len()
            && held.iter_borrowed().zip(given.iter_borrowed()).all(|(a, b)| is_equal(&a, &b)))
}

/// Whether two exact `str` or `int` objects are equal. Runs no Python code.
fn is_equal(a: &Bound<'_, PyAny>, b: &Bound<'_, PyAny>) -> bool {
    a.is(b) || or_none(a.eq(b)).unwrap_or(false)
}
