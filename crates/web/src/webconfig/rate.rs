//! `rate_limit`: a bucket of tokens, one more every interval.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Problem;
use super::file::RateLimit;
use crate::go_duration;

/// The bucket.
#[derive(Debug)]
pub(crate) struct Rate {
    interval: Duration,
    burst: u32,
    state: Mutex<(f64, Instant)>,
}

impl Rate {
    /// The limit; none if the interval is zero or not given.
    pub(super) fn new(limit: &RateLimit) -> Result<Option<Self>, Problem> {
        let text = limit.interval.as_deref().unwrap_or("0");
        let Some(interval) = interval(text) else {
            return Err(Problem::from(format!(
                "rate_limit: interval {text:?} is not a duration; write 1s, 100ms or 1m30s"
            )));
        };
        if interval.is_zero() {
            return Ok(None);
        }
        let burst = limit.burst.unwrap_or(0);
        let state = Mutex::new((f64::from(burst), Instant::now()));
        Ok(Some(Self { interval, burst, state }))
    }

    /// Whether one more request may pass now.
    pub(crate) fn admits(&self) -> bool {
        self.admits_at(Instant::now())
    }

    /// Whether the other one is set alike, so that this one may go on.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.interval == other.interval && self.burst == other.burst
    }

    fn admits_at(&self, now: Instant) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (tokens, last) = *state;
        let grown = now.saturating_duration_since(last).as_secs_f64() / self.interval.as_secs_f64();
        let tokens = (tokens + grown).min(f64::from(self.burst));
        let admitted = tokens >= 1.0;
        *state = (if admitted { tokens - 1.0 } else { tokens }, now.max(last));
        admitted
    }
}

/// An interval; a bare number is nanoseconds, as Go reads one.
fn interval(text: &str) -> Option<Duration> {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().ok().map(Duration::from_nanos);
    }
    go_duration::parse(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_number_is_nanoseconds() {
        assert_eq!(interval("1000000000"), Some(Duration::from_secs(1)));
        assert_eq!(interval("0"), Some(Duration::ZERO));
        assert_eq!(interval("1s"), Some(Duration::from_secs(1)));
    }

    #[test]
    fn the_bucket_fills_by_one_each_interval() {
        let limit = RateLimit { interval: Some("1s".into()), burst: Some(2) };
        let rate = Rate::new(&limit).unwrap().unwrap();
        let now = Instant::now();
        let admitted = |after: u64| rate.admits_at(now + Duration::from_millis(after));
        assert_eq!([admitted(0), admitted(0), admitted(0)], [true, true, false]);
        assert_eq!([admitted(900), admitted(1100), admitted(1200)], [false, true, false]);
        assert_eq!([admitted(9000), admitted(9000), admitted(9000)], [true, true, false]);
    }

    #[test]
    fn without_an_interval_there_is_no_limit() {
        let limit = RateLimit { interval: None, burst: Some(2) };
        assert!(Rate::new(&limit).unwrap().is_none());
    }
}
