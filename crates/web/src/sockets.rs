//! Which sockets this process has open.
//!
//! A child that is forked inherits them, but no thread that serves them: while it lives, who
//! connects would wait for an answer, and nobody else could listen there. So it must close them,
//! and knows them by this.

use std::collections::BTreeSet;
use std::sync::Arc;

use arc_swap::ArcSwapOption;

/// Their numbers. No lock: a fork in the midst of a change would leave it held in the child.
static OPEN: ArcSwapOption<BTreeSet<i32>> = ArcSwapOption::const_empty();

/// A socket that is noted while it is open.
#[derive(Debug)]
pub(crate) struct Noted<T> {
    // Dropped before the socket: once that is closed, another file may have its number.
    _note: Note,
    pub(crate) socket: T,
}

#[derive(Debug)]
struct Note(i32);

#[cfg(unix)]
impl<T: std::os::fd::AsRawFd> Noted<T> {
    pub(crate) fn new(socket: T) -> Self {
        Self { _note: Note::new(socket.as_raw_fd()), socket }
    }
}

/// Elsewhere there is no fork.
#[cfg(not(unix))]
impl<T> Noted<T> {
    pub(crate) fn new(socket: T) -> Self {
        Self { _note: Note(-1), socket }
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

/// For a child that was just forked: the numbers of the sockets that were its parent's servers',
/// each given once. Nothing in the child uses them, so it may close them.
pub fn inherited_sockets() -> Vec<i32> {
    OPEN.swap(None).map(|open| open.iter().copied().collect()).unwrap_or_default()
}
