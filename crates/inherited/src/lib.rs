//! What this process has open that no child of it may keep.
//!
//! A child that is forked inherits it, but no thread that uses it. While such a child lives, who
//! connects to a socket of a server would wait for an answer, and nobody else could listen there;
//! and the lock of a file would stay held, also after the parent's end. So it must close them, and
//! knows them by this. What the parent has is untouched by that.

#![forbid(unsafe_code)]

use std::collections::BTreeSet;
use std::sync::Arc;

use arc_swap::ArcSwapOption;

/// Their numbers. No lock: a fork in the midst of a change would leave it held in the child.
static OPEN: ArcSwapOption<BTreeSet<i32>> = ArcSwapOption::const_empty();

/// A socket or file that is noted while it is open.
#[derive(Debug)]
pub struct Noted<T> {
    // Dropped before it is closed: then another file may have its number.
    _note: Note,
    /// It.
    pub inner: T,
}

#[derive(Debug)]
struct Note(i32);

#[cfg(unix)]
impl<T: std::os::fd::AsRawFd> Noted<T> {
    /// Notes it from now on.
    pub fn new(inner: T) -> Self {
        Self { _note: Note::new(inner.as_raw_fd()), inner }
    }
}

/// Elsewhere there is no fork.
#[cfg(not(unix))]
impl<T> Noted<T> {
    /// Only holds it.
    pub fn new(inner: T) -> Self {
        Self { _note: Note(-1), inner }
    }
}

impl Note {
    #[cfg(unix)]
    fn new(number: i32) -> Self {
        change(|open| open.insert(number));
        Self(number)
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        change(|open| open.remove(&self.0));
    }
}

fn change(change: impl Fn(&mut BTreeSet<i32>) -> bool) {
    OPEN.rcu(|open| {
        let mut open = open.as_deref().cloned().unwrap_or_default();
        change(&mut open);
        Some(Arc::new(open))
    });
}

/// For a child that was just forked: the numbers of what its parent had noted, each given once.
/// Nothing in the child uses it, so the child may close it.
pub fn take() -> Vec<i32> {
    OPEN.swap(None).map(|open| open.iter().copied().collect()).unwrap_or_default()
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs::File;
    use std::os::fd::AsRawFd as _;

    use super::*;

    #[test]
    fn what_is_open_is_noted_until_it_is_closed() {
        let open = || Noted::new(File::open("/dev/null").unwrap());
        let (kept, closed) = (open(), open());
        drop(closed);
        assert_eq!(take(), [kept.inner.as_raw_fd()]);
        assert_eq!(take(), [0; 0], "each once");
    }
}
