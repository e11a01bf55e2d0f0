//! A lock that only threads which run Python take, each while it does.

use pyo3::Python;

#[cfg(Py_GIL_DISABLED)]
mod inner {
    pub(super) use std::sync::{Mutex as Cell, MutexGuard as Guard};
}

/// Where one thread runs Python at a time, that is the lock. What is left to be told is whether the
/// same thread has it already, which costs a tenth of a mutex.
#[cfg(not(Py_GIL_DISABLED))]
mod inner {
    pub(super) use std::cell::{RefCell as Cell, RefMut as Guard};
}

/// What is under the lock.
pub(crate) struct PythonLock<T>(inner::Cell<T>);

/// Gives the lock back when it goes.
pub(crate) type Guard<'a, T> = inner::Guard<'a, T>;

// SAFETY: the cell, its flag included, is only reached through `lock`, by the thread that runs
// Python; and its guard, which is not `Send`, does not outlive that thread's hold of Python, nor can
// it be taken along into `Python::detach`. So no two threads touch the cell at the same time.
#[cfg(not(Py_GIL_DISABLED))]
unsafe impl<T: Send> Sync for PythonLock<T> {}

impl<T> PythonLock<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(inner::Cell::new(value))
    }

    /// Takes the lock. Nobody may run code of Python with it.
    #[cfg(not(Py_GIL_DISABLED))]
    pub(crate) fn lock<'a>(&'a self, _: Python<'a>) -> Guard<'a, T> {
        self.0.borrow_mut()
    }

    /// Takes the lock, and waits for it if need be. Nobody may run code of Python with it.
    #[cfg(Py_GIL_DISABLED)]
    pub(crate) fn lock<'a>(&'a self, py: Python<'a>) -> Guard<'a, T> {
        use pyo3::sync::MutexExt as _;

        // A panic that happened with it is told of by `guard`.
        self.0.lock_py_attached(py).unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
