//! Times of day, as Locust keeps them: seconds since 1970.

#[cfg(target_os = "linux")]
use std::hint::black_box;
use std::time::{Duration, SystemTime};

/// Now.
pub(crate) fn now() -> f64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0.0, |since| since.as_secs_f64())
}

/// The longest that a tick of the system takes, in nanoseconds.
#[cfg(target_os = "linux")]
const TICK: libc::c_long = 10_000_000;

/// Now, but for a few milliseconds: as the system's last tick had it, which costs a fifth. Enough
/// for what is counted by the second: where the next one may have begun since that tick, it is
/// looked up. A clock that misses ticks, as on a halted virtual machine, still counts a request in
/// the second before its own.
#[cfg(target_os = "linux")]
pub(crate) fn last_tick() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // Not from the stack: see `fields`.
    let time = black_box(&mut time);
    // SAFETY: `time` is valid to be written.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_REALTIME_COARSE, &raw mut *time) } != 0;
    if failed { now() } else { later(time.tv_sec, time.tv_nsec, now) }
}

/// The time of a tick, or where it may have been the last one of its second, a finer one.
#[cfg(target_os = "linux")]
fn later(seconds: libc::time_t, nanoseconds: libc::c_long, finer: impl FnOnce() -> f64) -> f64 {
    if nanoseconds >= 1_000_000_000 - TICK {
        return finer();
    }
    seconds as f64 + nanoseconds as f64 / 1e9
}

/// Elsewhere there is no such clock.
#[cfg(not(target_os = "linux"))]
pub(crate) fn last_tick() -> f64 {
    now()
}

/// The same time for the system; none for what is none.
pub(crate) fn system_time(seconds: f64) -> Option<SystemTime> {
    let since = Duration::try_from_secs_f64(seconds).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(since)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_tick_was_just_now() {
        let before = now();
        let tick = last_tick();
        // However long this was stopped in between.
        assert!((before - 0.1..=now()).contains(&tick), "{tick}, after {before}");
    }

    /// A request in the first milliseconds of a second was counted in the one before.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_new_second_is_seen_at_once() {
        let at = |nanoseconds| later(7, nanoseconds, || 8.001).to_bits();
        assert_eq!(at(990_000_000), 8.001_f64.to_bits());
        assert_eq!(at(989_999_999), 7.989_999_999_f64.to_bits());
    }

    #[test]
    fn a_time_that_is_none_is_none() {
        assert_eq!(system_time(1.5), Some(SystemTime::UNIX_EPOCH + Duration::from_millis(1500)));
        for bad in [-1.0, f64::NAN, f64::INFINITY, 1e300] {
            assert_eq!(system_time(bad), None, "{bad}");
        }
    }
}
