//! `rate_limit`: a bucket of tokens, one more every interval.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Problem;
use super::file::RateLimit;

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
        let interval = limit.interval.as_deref().unwrap_or("0");
        let Some(interval) = go_duration(interval) else {
            return Err(Problem::from(format!(
                "rate_limit: interval {interval:?} is not a duration; write 1s, 100ms or 1m30s"
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

/// A duration as Go writes it (`1h15m30.5s`); a bare number is nanoseconds, as Go reads one.
fn go_duration(text: &str) -> Option<Duration> {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().ok().map(Duration::from_nanos);
    }
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    let mut total = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(end);
        let end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        total += number.parse::<f64>().ok()? * seconds(unit)?;
        rest = tail;
    }
    let is_given = !text.trim_start_matches('+').is_empty();
    is_given.then(|| Duration::try_from_secs_f64(total).ok())?
}

fn seconds(unit: &str) -> Option<f64> {
    Some(match unit {
        "ns" => 1e-9,
        "us" | "µs" | "μs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_gos() {
        for (text, expected) in [
            ("1s", Duration::from_secs(1)),
            ("0", Duration::ZERO),
            ("1h1m1.5s", Duration::from_millis(3_661_500)),
            ("100ms", Duration::from_millis(100)),
            ("10us", Duration::from_micros(10)),
            ("1000000000", Duration::from_secs(1)),
        ] {
            assert_eq!(go_duration(text), Some(expected), "{text}");
        }
        for bad in ["", "+", "-1s", "s", "1x", "1.2.3s", "1 s", "1e3s", "99999999999999999h"] {
            assert!(go_duration(bad).is_none(), "{bad}");
        }
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
