//! `rate_limit`: a bucket of tokens for each peer, one more token every interval.
//!
//! With one bucket for all, whoever asks too often would take the tokens of the others.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Problem;
use super::file::RateLimit;
use crate::go_duration;
use crate::peer::PeerId;

/// Peers that are remembered at most.
const PEERS: usize = 1024;

/// The buckets.
#[derive(Debug)]
pub(crate) struct Rate {
    interval: Duration,
    burst: u32,
    buckets: Mutex<HashMap<PeerId, Bucket>>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    last: Instant,
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
        Ok(Some(Self { interval, burst, buckets: Mutex::default() }))
    }

    /// Whether one more request of this peer may pass now.
    pub(crate) fn admits(&self, peer: PeerId) -> bool {
        self.admits_at(peer, Instant::now())
    }

    /// Whether the other one is set alike, so that this one may go on.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.interval == other.interval && self.burst == other.burst
    }

    fn admits_at(&self, peer: PeerId, now: Instant) -> bool {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= PEERS && !buckets.contains_key(&peer) {
            forget_oldest(&mut buckets);
        }
        let full = Bucket { tokens: f64::from(self.burst), last: now };
        let bucket = buckets.entry(peer).or_insert(full);
        let passed = now.saturating_duration_since(bucket.last);
        let grown = passed.as_secs_f64() / self.interval.as_secs_f64();
        let tokens = (bucket.tokens + grown).min(f64::from(self.burst));
        let admitted = tokens >= 1.0;
        let tokens = if admitted { tokens - 1.0 } else { tokens };
        *bucket = Bucket { tokens, last: now.max(bucket.last) };
        admitted
    }
}

fn forget_oldest(buckets: &mut HashMap<PeerId, Bucket>) {
    let oldest = buckets.iter().min_by_key(|(_, bucket)| bucket.last).map(|(peer, _)| *peer);
    if let Some(peer) = oldest {
        buckets.remove(&peer);
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
    use std::net::Ipv4Addr;

    use super::*;

    fn peer(number: u32) -> PeerId {
        PeerId::from(std::net::IpAddr::from(Ipv4Addr::from_bits(number)))
    }

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
        let admitted = |after: u64| rate.admits_at(peer(1), now + Duration::from_millis(after));
        assert_eq!([admitted(0), admitted(0), admitted(0)], [true, true, false]);
        assert_eq!([admitted(900), admitted(1100), admitted(1200)], [false, true, false]);
        assert_eq!([admitted(9000), admitted(9000), admitted(9000)], [true, true, false]);
    }

    #[test]
    fn a_peer_that_asks_too_often_takes_no_tokens_of_others() {
        let limit = RateLimit { interval: Some("1h".into()), burst: Some(2) };
        let rate = Rate::new(&limit).unwrap().unwrap();
        let now = Instant::now();
        let admitted = |number| rate.admits_at(peer(number), now);
        assert_eq!([1, 1, 1, 1].map(admitted), [true, true, false, false]);
        assert_eq!([2, 2, 2].map(admitted), [true, true, false]);
        for number in 0..5000 {
            admitted(number);
        }
        assert!(rate.buckets.lock().unwrap().len() <= PEERS);
    }

    #[test]
    fn without_an_interval_there_is_no_limit() {
        let limit = RateLimit { interval: None, burst: Some(2) };
        assert!(Rate::new(&limit).unwrap().is_none());
    }
}
