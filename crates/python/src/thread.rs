//! Threads of our own beside Python's. They hear no signal: those are Python's, and it handles them
//! in its own thread. And they give way to the load: where there are too few processors, a scrape
//! takes longer, and no user waits for it.

use std::io;
use std::sync::mpsc;
use std::thread::{Builder, JoinHandle};

/// Starts a thread in which all signals are blocked, and which gives way to others.
pub(crate) fn spawn_giving_way(
    name: &str,
    work: impl FnOnce() + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    spawn_deaf(name, || {
        give_way();
        work();
    })
}

/// Starts a thread that gives way to others for `work`; then what that leaves is done with the
/// priority of who calls this. A thread cannot raise its own again, so that there are two.
pub(crate) fn spawn_giving_way_until<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> Option<T> + Send + 'static,
    then: impl FnOnce(T) + Send + 'static,
) -> io::Result<()> {
    let (give, given) = mpsc::channel();
    spawn_deaf(name, move || given.recv().map_or((), then))?;
    // Where the other one is gone, nothing is left to be done.
    spawn_giving_way(name, move || work().map_or((), |left| give.send(left).unwrap_or_default()))?;
    Ok(())
}

/// Starts a thread in which all signals are blocked.
fn spawn_deaf(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    // A thread inherits what is blocked, and gives it on to those that it starts.
    let blocked = Blocked::all();
    let thread = Builder::new().name(name.to_owned()).spawn(work);
    drop(blocked);
    thread
}

/// How much nicer than Python's threads: at this, a thread gets a tenth of a processor that both
/// want.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// Lowers the priority of this thread, and of those that it starts.
#[cfg(target_os = "linux")]
fn give_way() {
    let this = Some(rustix::thread::gettid());
    if let Ok(now) = rustix::process::getpriority_process(this) {
        // Where it is refused, the thread does as well with the priority it has.
        let _ = rustix::process::setpriority_process(this, now + NICENESS);
    }
}

/// Elsewhere a priority is that of the whole process.
#[cfg(not(target_os = "linux"))]
fn give_way() {}

/// While it lives, all signals are blocked in this thread.
#[cfg(unix)]
struct Blocked {
    before: libc::sigset_t,
}

#[cfg(unix)]
impl Blocked {
    fn all() -> Option<Self> {
        let mut all = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
        let mut before = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: both sets are valid to be written; `all` is filled before it is read, and
        // `before` is only taken for filled where the call has succeeded.
        unsafe {
            libc::sigfillset(all.as_mut_ptr());
            let failed =
                libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr()) != 0;
            (!failed).then(|| Self { before: before.assume_init() })
        }
    }
}

#[cfg(unix)]
impl Drop for Blocked {
    fn drop(&mut self) {
        // SAFETY: `before` was filled by the same call.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.before, std::ptr::null_mut());
        }
    }
}

/// Elsewhere there are no signals to block.
#[cfg(not(unix))]
struct Blocked;

#[cfg(not(unix))]
impl Blocked {
    fn all() -> Option<Self> {
        Some(Self)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn is_blocked(signal: i32) -> bool {
        let mut now = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: with no new set the call only fills `now`.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, std::ptr::null(), now.as_mut_ptr());
            libc::sigismember(now.as_ptr(), signal) == 1
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_thread_gives_way_and_its_parent_does_not() {
        let niceness = || rustix::process::getpriority_process(Some(rustix::thread::gettid()));
        let (tell, hear) = mpsc::channel();
        let work = move || {
            let _ = tell.send(niceness());
        };
        let before = niceness().expect("a priority");
        spawn_giving_way("nice", work).expect("a thread").join().expect("no panic");
        assert_eq!(hear.recv(), Ok(Ok((before + NICENESS).min(19))));
        assert_eq!(niceness(), Ok(before));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_left_at_the_end_gives_way_to_nobody() {
        let niceness = || rustix::process::getpriority_process(Some(rustix::thread::gettid()));
        let (tell, hear) = mpsc::channel();
        let before = niceness().expect("a priority");
        spawn_giving_way_until(
            "nice",
            move || Some(niceness()),
            move |then| {
                let _ = tell.send((then, niceness()));
            },
        )
        .expect("threads");
        assert_eq!(hear.recv(), Ok((Ok((before + NICENESS).min(19)), Ok(before))));
    }

    #[test]
    fn the_thread_hears_no_signal_and_its_parent_still_does() {
        let (tell, hear) = mpsc::channel();
        let work = move || {
            let _ = tell.send([libc::SIGTERM, libc::SIGINT, libc::SIGHUP].map(is_blocked));
        };
        spawn_giving_way("deaf", work).expect("a thread").join().expect("no panic");
        assert_eq!(hear.recv(), Ok([true; 3]));
        assert!(!is_blocked(libc::SIGTERM));
    }
}
