//! No panic crosses into Locust: it is counted, said once, and the load goes on.

use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tracing::Level;

use crate::logs;

static PANICS: AtomicU64 = AtomicU64::new(0);
static SAID: AtomicBool = AtomicBool::new(false);

/// From now on panics of this module are counted and said by the log, the first one with its place.
pub(crate) fn install() {
    std::panic::set_hook(Box::new(note));
}

fn note(info: &PanicHookInfo<'_>) {
    PANICS.fetch_add(1, Ordering::Relaxed);
    if SAID.swap(true, Ordering::Relaxed) {
        return;
    }
    let message = info.payload_as_str().unwrap_or("without a message");
    let place = info.location().map(|place| format!(" ({place})")).unwrap_or_default();
    let text = format!(
        "a bug in the exporter: {message}{place}. The test goes on; what it was about to record or \
         to show is missing. Further ones are only counted"
    );
    logs::say(Level::ERROR, &text);
}

/// Panics so far.
pub(crate) fn panics() -> u64 {
    PANICS.load(Ordering::Relaxed)
}

/// Calls `work`; if it panics, there is nothing to answer.
pub(crate) fn quietly<T>(work: impl FnOnce() -> T) -> Option<T> {
    // What a panic leaves behind in the recorder are counts: none of them can be unsound.
    catch_unwind(AssertUnwindSafe(work)).ok()
}

/// Calls `work`; a panic becomes an exception of Python.
pub(crate) fn raising<T>(work: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    quietly(work).unwrap_or_else(|| {
        Err(PyRuntimeError::new_err("a bug in the exporter's Rust half; its log says more"))
    })
}

/// Drops what holds objects of Python, for good.
///
/// `PyO3` puts off letting go of an object until it next knows that Python is this thread's; the
/// listener is called without telling it.
#[cold]
pub(crate) fn let_go<T>(held: T) {
    let mut held = Some(held);
    // Where Python ends, there is nothing to wait for.
    Python::try_attach(|_| drop(held.take()));
}

/// What there is, if there is no exception; that is dropped.
pub(crate) fn or_none<T>(result: PyResult<T>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(exception) => {
            let_go(exception);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_counted_and_gives_nothing() {
        install();
        let before = panics();
        assert_eq!(quietly(|| -> u8 { panic!("on purpose") }), None);
        assert!(raising(|| -> PyResult<()> { panic!("again") }).is_err());
        assert_eq!(panics(), before + 2);
        let said = logs::take().into_iter().filter(|(_, text)| text.contains("a bug")).count();
        assert_eq!(said, 1);
        assert_eq!(quietly(|| 1), Some(1));
    }
}
