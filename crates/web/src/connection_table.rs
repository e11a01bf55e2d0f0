//! All connections, and which one is closed when there are too many.
//!
//! The peer with the most connections (or with the most answers that it does not take) loses one:
//! first the connection that has been idle longest, then the one that takes its answer slowest.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use crate::activity::{Activity, SendClock};
use crate::peer::PeerId;

/// The connections that are open.
#[derive(Debug)]
pub(crate) struct ConnectionTable {
    limit: usize,
    pub(crate) clock: Arc<SendClock>,
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    next: u64,
    all: HashMap<u64, Entry>,
}

#[derive(Debug)]
struct Entry {
    peer: PeerId,
    since: Instant,
    /// Unknown during the TLS handshake.
    activity: Option<Arc<Activity>>,
    close: CancellationToken,
}

/// How well a connection can be spared; the least is closed first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Idle(Instant),
    Sending(Instant),
    Working(Instant),
}

impl Entry {
    fn rank(&self) -> Rank {
        let Some(activity) = &self.activity else { return Rank::Idle(self.since) };
        match (activity.idle_since(), activity.sending_since()) {
            (Some(since), _) => Rank::Idle(since),
            (None, Some(since)) => Rank::Sending(since),
            (None, None) => Rank::Working(self.since),
        }
    }

    /// The number of answers that the client has not taken yet, and the tick of the oldest.
    fn sending(&self) -> Option<(usize, u64)> {
        self.activity.as_ref()?.sending()
    }
}

impl ConnectionTable {
    /// At most `limit` connections, and at least one.
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit: limit.max(1), clock: Arc::default(), entries: Mutex::default() })
    }

    fn with<T>(&self, change: impl FnOnce(&mut Entries) -> T) -> T {
        change(&mut self.entries.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds a connection of `peer`. If there are too many, another one is told to close; `None` if
    /// `peer` has the most, and all of its own are waiting for the exporter.
    pub(crate) fn add(self: &Arc<Self>, peer: PeerId) -> Option<ConnectionGuard> {
        let (id, close) = self.with(|entries| {
            if entries.all.len() >= self.limit && !entries.close_one(Some(peer)) {
                return None;
            }
            entries.next += 1;
            let close = CancellationToken::new();
            let since = Instant::now();
            let entry = Entry { peer, since, activity: None, close: close.clone() };
            entries.all.insert(entries.next, entry);
            Some((entries.next, close))
        })?;
        Some(ConnectionGuard { table: Arc::clone(self), id, close })
    }

    /// Closes the connection that can be spared best.
    pub(crate) fn close_one(&self) {
        self.with(|entries| entries.close_one(None));
    }

    /// Closes the connection whose client takes its answer slowest, of the peer with the most such
    /// answers, if that client has taken nothing for `ticks` of the clock.
    pub(crate) fn close_slowest_client(&self, ticks: u64) {
        if let Some(stalled) = self.clock.now().checked_sub(ticks) {
            self.with(|entries| entries.close_slowest_client(stalled));
        }
    }
}

impl Entries {
    /// Closes one connection to make room for one of `newcomer`.
    fn close_one(&mut self, newcomer: Option<PeerId>) -> bool {
        let mut counts: HashMap<PeerId, usize> = HashMap::new();
        for peer in self.all.values().map(|entry| entry.peer).chain(newcomer) {
            *counts.entry(peer).or_default() += 1;
        }
        let most = counts.values().max().copied();
        let candidates =
            self.all.iter().filter(|(_, entry)| counts.get(&entry.peer) == most.as_ref());
        // A request that waits for the exporter is not given up for another one of the same peer,
        // nor because files are short.
        let is_spared = |rank, peer| {
            matches!(rank, Rank::Working(_)) && newcomer.is_none_or(|newcomer| newcomer == peer)
        };
        let ranked = candidates.map(|(id, entry)| (entry.rank(), entry.peer, *id));
        let first = ranked
            .filter(|(rank, peer, _)| !is_spared(*rank, *peer))
            .min_by_key(|(rank, _, id)| (*rank, *id));
        first.is_some_and(|(_, _, id)| self.close(id))
    }

    fn close_slowest_client(&mut self, stalled: u64) -> bool {
        let mut counts: HashMap<PeerId, usize> = HashMap::new();
        for entry in self.all.values() {
            *counts.entry(entry.peer).or_default() += entry.sending().map_or(0, |(count, _)| count);
        }
        let most = counts.values().max().copied();
        let slowest = self
            .all
            .iter()
            .filter(|(_, entry)| counts.get(&entry.peer) == most.as_ref())
            .filter_map(|(id, entry)| Some((entry.sending()?.1, *id)))
            .min();
        slowest.is_some_and(|(tick, id)| tick <= stalled && self.close(id))
    }

    fn close(&mut self, id: u64) -> bool {
        let Some(entry) = self.all.remove(&id) else { return false };
        entry.close.cancel();
        true
    }
}

/// A connection's entry in the table, removed when it is dropped.
#[derive(Debug)]
pub(crate) struct ConnectionGuard {
    table: Arc<ConnectionTable>,
    id: u64,
    close: CancellationToken,
}

impl ConnectionGuard {
    /// What the connection does can be seen by `activity` from now on.
    pub(crate) fn watch(&self, activity: &Arc<Activity>) {
        self.table.with(|entries| {
            if let Some(entry) = entries.all.get_mut(&self.id) {
                entry.activity = Some(Arc::clone(activity));
            }
        });
    }

    /// The clock by which slow clients are judged.
    pub(crate) fn clock(&self) -> &Arc<SendClock> {
        &self.table.clock
    }

    /// Cancelled when the connection must be closed to make room.
    pub(crate) fn close(&self) -> &CancellationToken {
        &self.close
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.table.with(|entries| entries.all.remove(&self.id));
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::Timeouts;
    use crate::activity::InFlight;

    fn peer(number: u8) -> PeerId {
        PeerId::from(IpAddr::from([10, 0, 0, number]))
    }

    fn request(guard: &ConnectionGuard) -> InFlight {
        let activity = Activity::new(Timeouts::default(), false, Arc::clone(guard.clock()));
        guard.watch(&activity);
        activity.request()
    }

    #[test]
    fn the_longest_idle_connection_makes_room() {
        let table = ConnectionTable::new(2);
        let first = table.add(peer(1)).unwrap();
        let second = table.add(peer(1)).unwrap();
        let _third = table.add(peer(1)).unwrap();
        assert!(first.close().is_cancelled());
        assert!(!second.close().is_cancelled());
    }

    #[test]
    fn a_connection_at_work_stays_for_others_of_its_peer() {
        let table = ConnectionTable::new(1);
        let worker = table.add(peer(1)).unwrap();
        let request = request(&worker);
        assert!(table.add(peer(1)).is_none());
        table.close_one();
        assert!(!worker.close().is_cancelled());
        drop(request);
        assert!(table.add(peer(1)).is_some());
        assert!(worker.close().is_cancelled());
    }

    #[test]
    fn the_peer_with_the_most_connections_loses_one_even_at_work() {
        let table = ConnectionTable::new(3);
        let modest = table.add(peer(1)).unwrap();
        let greedy = [table.add(peer(2)).unwrap(), table.add(peer(2)).unwrap()];
        let _requests = [request(&greedy[0]), request(&greedy[1])];
        let _other = table.add(peer(3)).unwrap();
        assert!(greedy.iter().any(|guard| guard.close().is_cancelled()));
        assert!(!modest.close().is_cancelled(), "it is idle, but it is the only one of its peer");
    }

    #[test]
    fn a_client_that_does_not_take_its_answer_goes_before_one_that_waits() {
        let table = ConnectionTable::new(2);
        let (waits, stalled) = (table.add(peer(1)).unwrap(), table.add(peer(1)).unwrap());
        let (_request, answer) = (request(&waits), request(&stalled));
        answer.offer();
        assert!(table.add(peer(1)).is_some());
        assert!(stalled.close().is_cancelled() && !waits.close().is_cancelled());
    }

    #[test]
    fn the_slowest_client_of_the_peer_with_the_most_answers_is_closed_once_it_has_stalled() {
        let table = ConnectionTable::new(9);
        let modest = table.add(peer(1)).unwrap();
        let greedy = [table.add(peer(2)).unwrap(), table.add(peer(2)).unwrap()];
        let answers = [request(&modest), request(&greedy[0]), request(&greedy[1])];
        answers.iter().for_each(InFlight::offer);
        table.clock.tick();
        answers[1].offer();
        let closed = || [&modest, &greedy[0], &greedy[1]].map(|guard| guard.close().is_cancelled());
        table.close_slowest_client(2);
        assert_eq!(closed(), [false, false, false], "nobody has stalled for so long");
        table.clock.tick();
        table.close_slowest_client(2);
        assert_eq!(closed(), [false, false, true]);
    }

    #[test]
    fn a_connection_that_ends_frees_its_place() {
        let table = ConnectionTable::new(1);
        drop(table.add(peer(1)).unwrap());
        let again = table.add(peer(1)).unwrap();
        assert!(!again.close().is_cancelled());
    }
}
