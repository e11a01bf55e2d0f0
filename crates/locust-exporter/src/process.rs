//! What the process asks of the system, once, at its start.

#[cfg(target_os = "linux")]
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
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

/// Keeps the process's memory, in which passwords and tokens are, out of core dumps. Where the
/// system hands dumps to a program, the limit alone does not hold.
pub(crate) fn forbid_core_dumps() {
    // Neither can fail: a limit may always be lowered, and the behaviour is one of the known ones.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    #[cfg(target_os = "linux")]
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_holds_secrets_is_never_dumped() {
        forbid_core_dumps();
        let limit = getrlimit(Resource::Core);
        assert_eq!((limit.current, limit.maximum), (Some(0), Some(0)));
        let behavior = rustix::process::dumpable_behavior().expect("known");
        assert_eq!(behavior, DumpableBehavior::NotDumpable);
    }
}
