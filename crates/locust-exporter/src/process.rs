//! What the process asks of the system, once, at its start.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Just under the largest block that glibc learns from: see [`keep_freed_memory`].
const LESSON: usize = 31 << 20;

/// Lets the allocator keep what a scrape frees for the next one.
///
/// glibc hands freed memory back to the system, and faults it in again page by page: a fifth of a
/// large scrape's CPU. How much it keeps it learns from the largest block ever freed (mallopt(3),
/// `M_MMAP_THRESHOLD`), so it is shown one, of which no page is ever touched. Another allocator
/// learns nothing and loses nothing.
pub(crate) fn keep_freed_memory() {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(LESSON)));
}

/// Lets the process hold as many connections as the system allows it.
pub(crate) fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    // Where it cannot be raised, the server takes fewer connections.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}
