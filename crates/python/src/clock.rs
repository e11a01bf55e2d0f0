//! Times of day, as Locust keeps them: seconds since 1970.

#[cfg(target_os = "linux")]
use std::hint::black_box;
use std::time::{Duration, SystemTime};

/// Now.
pub(crate) fn now() -> f64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0.0, |since| since.as_secs_f64())
}

/// Now, but for a few milliseconds: as the system's last tick had it, which costs a fifth. Enough
/// for what is counted by the second.
#[cfg(target_os = "linux")]
pub(crate) fn last_tick() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // Not from the stack: see `fields`.
    let time = black_box(&mut time);
    // SAFETY: `time` is valid to be written.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_REALTIME_COARSE, &raw mut *time) } != 0;
    if failed { now() } else { time.tv_sec as f64 + time.tv_nsec as f64 / 1e9 }
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
        let ago = now() - last_tick();
        assert!((-0.1..0.1).contains(&ago), "{ago}");
    }

    #[test]
    fn a_time_that_is_none_is_none() {
        assert_eq!(system_time(1.5), Some(SystemTime::UNIX_EPOCH + Duration::from_millis(1500)));
        for bad in [-1.0, f64::NAN, f64::INFINITY, 1e300] {
            assert_eq!(system_time(bad), None, "{bad}");
        }
    }
}
