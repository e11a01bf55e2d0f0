//! A bounded number of things that are costly to make, by key.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

/// What has not been used for so long is not waited for: nobody scrapes so rarely.
const STALE: Duration = Duration::from_mins(10);

/// Things by key, and when each was used last.
pub(crate) struct Kept<K, V> {
    most: usize,
    things: HashMap<K, Used<V>>,
}

struct Used<V> {
    thing: V,
    last: Instant,
}

impl<K: Eq + Hash + Clone, V: Clone> Kept<K, V> {
    /// Nothing yet, and never more than `most`, at least one.
    pub(crate) fn new(most: usize) -> Self {
        Self { most, things: HashMap::new() }
    }

    /// The thing with this key, if it is kept.
    pub(crate) fn get(&mut self, key: &K, now: Instant) -> Option<V> {
        let used = self.things.get_mut(key)?;
        used.last = now;
        Some(used.thing.clone())
    }

    /// Keeps a thing. If there are too many, another makes room.
    pub(crate) fn put(&mut self, key: K, thing: V, now: Instant) {
        while self.things.len() >= self.most
            && let Some(key) = self.least_missed(now)
        {
            self.things.remove(&key);
        }
        self.things.insert(key, Used { thing, last: now });
    }

    /// What has been unused for longest, if nobody seems to ask for it any more. Else what was used
    /// last: targets are asked in rounds, and of those that are still in the round it is the one
    /// whose turn is farthest away. (To forget the oldest would forget each just before its turn.)
    fn least_missed(&self, now: Instant) -> Option<K> {
        let last = |(_, used): &(&K, &Used<V>)| used.last;
        let oldest = self.things.iter().min_by_key(last)?;
        let is_stale = now.saturating_duration_since(oldest.1.last) >= STALE;
        let chosen = if is_stale { oldest } else { self.things.iter().max_by_key(last)? };
        Some(chosen.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: u32 = 256;

    /// Asks for these, one each second; how many had to be made.
    fn round(kept: &mut Kept<u32, u32>, keys: std::ops::Range<u32>, began: Instant) -> usize {
        let mut now = began;
        let mut made = 0;
        for key in keys {
            now += Duration::from_secs(1);
            if kept.get(&key, now).is_none() {
                kept.put(key, key, now);
                made += 1;
            }
            assert!(kept.things.len() <= MOST as usize);
        }
        made
    }

    #[test]
    fn one_target_too_many_does_not_make_all_others_anew_in_each_round() {
        let mut kept = Kept::new(MOST as usize);
        let mut now = Instant::now();
        assert_eq!(round(&mut kept, 0..MOST + 1, now), 257);
        for _ in 0..5 {
            now += Duration::from_mins(5);
            let made = round(&mut kept, 0..MOST + 1, now);
            assert!(made <= 2, "{made} of 257 were made anew");
        }
    }

    #[test]
    fn who_is_not_asked_for_any_more_makes_room_for_all_who_are() {
        let mut kept = Kept::new(MOST as usize);
        let now = Instant::now();
        round(&mut kept, 0..MOST, now);
        let later = now + 2 * STALE;
        assert_eq!(round(&mut kept, MOST..2 * MOST, later), 256);
        assert_eq!(round(&mut kept, MOST..2 * MOST, later + STALE), 0);
    }
}
