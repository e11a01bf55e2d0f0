//! Requests and failures of the last seconds.

use crate::Second;
use crate::atomic::Count;
use crate::near::LINE;

/// Seconds that are kept. Locust's current rates look at those from twelve to three before the last
/// request, so one that is still needed is never the one that gives its place to a new one.
const KEPT: usize = 16;

const LOWER: u64 = u32::MAX as u64;

/// A ring of seconds. A place holds the second in its upper half and the count in the lower one, so
/// that both are of one moment.
#[derive(Debug, Default)]
pub(crate) struct Seconds([Places; KEPT]);

#[derive(Debug, Default)]
struct Places {
    requests: Count,
    failures: Count,
}

impl Seconds {
    /// Counts a request.
    #[inline]
    pub(crate) fn request(&self, second: u64) {
        add(&self.places(second).requests, second);
    }

    /// Counts a failure.
    #[inline]
    pub(crate) fn failure(&self, second: u64) {
        add(&self.places(second).failures, second);
    }

    /// Counts what happened in a second, unless a later one has its place.
    pub(crate) fn add(&self, more: Second) {
        let Second { second, requests, failures } = more;
        let places = self.places(second);
        if places.read().is_some_and(|held| held.second > second & LOWER) {
            return;
        }
        add_many(&places.requests, second, requests);
        add_many(&places.failures, second, failures);
    }

    #[expect(clippy::cast_possible_truncation, reason = "only the last bits count")]
    #[inline]
    fn places(&self, second: u64) -> &Places {
        &self.0[second as usize % KEPT]
    }

    /// Looks at every line of it.
    pub(crate) fn look(&self) -> u64 {
        let lines = self.0.iter().step_by(LINE / size_of::<Places>());
        lines.fold(0, |sum, places| sum.wrapping_add(places.requests.get()))
    }

    /// The seconds in which something happened, ascending.
    pub(crate) fn read_into(&self, seconds: &mut Vec<Second>) {
        seconds.clear();
        seconds.extend(self.0.iter().filter_map(Places::read));
        // The latest second is followed by the earliest one, unless a clock was set back.
        let earliest = seconds.windows(2).position(|pair| pair[0].second > pair[1].second);
        seconds.rotate_left(earliest.map_or(0, |last| last + 1));
        if !seconds.is_sorted_by_key(|second| second.second) {
            seconds.sort_unstable_by_key(|second| second.second);
        }
    }
}

impl Places {
    /// What happened in its second.
    fn read(&self) -> Option<Second> {
        let (requests, failures) = (self.requests.get(), self.failures.get());
        let (at, failed_at) = (requests >> 32, failures >> 32);
        let second = at.max(failed_at);
        (requests | failures != 0).then(|| Second {
            second,
            requests: if at == second { lower(requests) } else { 0 },
            failures: if failed_at == second { lower(failures) } else { 0 },
        })
    }
}

#[inline]
fn add(place: &Count, second: u64) {
    let (held, second) = (place.get(), second & LOWER);
    place.set(if held >> 32 == second { held.wrapping_add(1) } else { second << 32 | 1 });
}

fn add_many(place: &Count, second: u64, more: u32) {
    if more > 0 {
        let (held, second) = (place.get(), second & LOWER);
        let before = if held >> 32 == second { lower(held) } else { 0 };
        place.set(second << 32 | u64::from(before.saturating_add(more)));
    }
}

fn lower(held: u64) -> u32 {
    u32::try_from(held & LOWER).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(seconds: &Seconds) -> Vec<(u64, u32, u32)> {
        let mut into = vec![Second { second: 1, requests: 1, failures: 1 }];
        seconds.read_into(&mut into);
        into.iter().map(|at| (at.second, at.requests, at.failures)).collect()
    }

    #[test]
    fn the_last_seconds_are_kept_in_order() {
        let seconds = Seconds::default();
        for second in 1_790_000_000..1_790_000_100 {
            seconds.request(second);
            seconds.request(second);
            if second % 2 == 0 {
                seconds.failure(second);
            }
        }
        let expected: Vec<_> = (1_790_000_084..1_790_000_100)
            .map(|second| (second, 2, u32::from(second % 2 == 0)))
            .collect();
        assert_eq!(read(&seconds), expected);
    }

    #[test]
    fn failures_of_a_second_long_past_are_not_those_of_a_new_one() {
        let seconds = Seconds::default();
        seconds.request(100);
        seconds.failure(100);
        seconds.request(116);
        assert_eq!(read(&seconds), [(116, 1, 0)]);
    }

    #[test]
    fn counts_of_a_second_are_added_unless_a_later_one_has_its_place() {
        let seconds = Seconds::default();
        seconds.request(100);
        seconds.add(Second { second: 100, requests: 3, failures: 2 });
        seconds.add(Second { second: 101, requests: 4, failures: 0 });
        seconds.request(117);
        seconds.add(Second { second: 101, requests: 9, failures: 9 });
        assert_eq!(read(&seconds), [(100, 4, 2), (117, 1, 0)]);
    }

    #[test]
    fn nothing_is_nothing() {
        assert_eq!(read(&Seconds::default()), []);
    }
}
