//! The writing end of the recorder, and what finds its ids.

use pyo3::prelude::*;
use recorder::{Key, Request, Writer};

use crate::cache::{Cache, SeriesKey};
use crate::failure::{Args, Failure};
use crate::lock::{Guard, PythonLock};

/// Bytes of the longest text of a failure whose arguments are held: so many of them may hold it.
const MOST_HELD: usize = 1 << 10;

/// Records. The lock is only ever taken by threads that run Python, and never while Python code may
/// run: so no one waits for it but in a free-threaded build, and there not for long.
pub(crate) struct Recording {
    hot: PythonLock<Hot>,
}

/// What is under the lock.
pub(crate) struct Hot {
    pub(crate) writer: Writer,
    cache: Cache,
}

/// An event, read off Python's objects.
pub(crate) struct Event<'a, 'py> {
    pub(crate) key: SeriesKey<'a, 'py>,
    pub(crate) failure: Option<&'a Failure<'a, 'py>>,
    pub(crate) request: Request,
}

impl Recording {
    pub(crate) fn new(writer: Writer) -> Self {
        Self { hot: PythonLock::new(Hot { writer, cache: Cache::default() }) }
    }

    pub(crate) fn lock<'a>(&'a self, py: Python<'a>) -> Guard<'a, Hot> {
        // What a panic leaves behind are counts: none of them can be unsound.
        self.hot.lock(py)
    }

    /// Changes the writer so that its ids are others.
    pub(crate) fn renew<T>(&self, py: Python<'_>, change: impl FnOnce(&mut Writer) -> T) -> T {
        let mut hot = self.lock(py);
        let changed = change(&mut hot.writer);
        let old = std::mem::take(&mut hot.cache);
        drop(hot);
        drop(old);
        changed
    }

    /// Records an event.
    pub(crate) fn record(&self, py: Python<'_>, event: &Event<'_, '_>) {
        if !self.lock(py).record(event) {
            // What it drops is dropped at once if PyO3 knows that Python is ours; see `guard`.
            if Python::try_attach(|py| self.learn(py, event)).is_none() {
                self.learn(py, event);
            }
        }
    }

    /// Counts a response's length that is none.
    #[cold]
    pub(crate) fn not_a_length(&self, py: Python<'_>) {
        self.lock(py).writer.not_a_length();
    }

    /// Records an event whose series, or failure, is not known yet, or cannot be remembered.
    #[cold]
    fn learn(&self, py: Python<'_>, event: &Event<'_, '_>) {
        // All that may run Python code comes before the lock.
        let (method, name) = (event.key.method.to_string_lossy(), event.key.name.to_string_lossy());
        let exception = event.failure.map(Failure::class_name).unwrap_or_default();
        let text = event.failure.map(Failure::text);
        let key =
            Key { method: &method, name: &name, status: event.key.status, exception: &exception };
        let now = event.request.now;
        let mut hot = self.lock(py);
        let Hot { writer, cache } = &mut *hot;
        let mut old = [Cache::default(), Cache::default()];
        let known = cache.series(&event.key).map(|held| held.id);
        let series = known.unwrap_or_else(|| {
            let series = writer.series(&key, now);
            old[0] = cache.put_series(&event.key, series);
            series
        });
        if let Some((failure, text)) = event.failure.zip(text) {
            let error = writer.error(series, &text, now);
            let args = failure.args.filter(|_| text.len() <= MOST_HELD);
            if let Some(key) = args.and_then(Args::key)
                && let Some(held) = cache.series(&event.key)
                && cache.error(held, &key).is_none()
            {
                old[1] = cache.put_error(&event.key, &key, error);
            }
            writer.failure(series, &event.request, error);
        } else {
            writer.request(series, &event.request);
        }
        drop(hot);
        drop(old);
    }
}

impl Hot {
    /// Records an event whose series and failure are known; else records nothing.
    fn record(&mut self, event: &Event<'_, '_>) -> bool {
        let Some(series) = self.cache.series(&event.key) else { return false };
        let Some(failure) = event.failure else {
            self.writer.request(series.id, &event.request);
            return true;
        };
        let key = failure.args.and_then(Args::key);
        let Some(error) = key.and_then(|key| self.cache.error(series, &key)) else { return false };
        self.writer.failure(series.id, &event.request, error);
        true
    }
}
