//! A number of places that all peers share fairly.
//!
//! Everything that is limited (scrapes being gathered, answers being sent, passwords being checked)
//! is limited by [`Places`]: a peer that takes too much delays or loses its own requests, not those
//! of others.
//!
//! - A peer may hold at most as many places as are left free. However many it asks for, the next
//!   peer finds a free one.
//! - A request that finds no place waits. Of those that wait, the peer that holds the fewest places
//!   is next, and each peer's own requests are answered in the order of their arrival.
//! - The number that wait is bounded. One more takes the turn of the newest request of the peer
//!   that has the most waiting.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::peer::PeerId;

/// The places, and who holds or waits for one.
#[derive(Debug)]
pub(crate) struct Places {
    total: usize,
    queue: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    held: usize,
    waiting: usize,
    next: u64,
    peers: HashMap<PeerId, Share>,
}

/// What one peer has.
#[derive(Debug, Default)]
struct Share {
    held: usize,
    waiting: VecDeque<Waiter>,
}

#[derive(Debug)]
struct Waiter {
    number: u64,
    admit: oneshot::Sender<Place>,
}

/// All places are taken, and too many requests wait for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

/// A place, held until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    peer: PeerId,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.release(self.peer);
    }
}

/// Takes a request out of the queue if its client does not wait for it any longer.
struct Leaves<'a> {
    places: &'a Places,
    peer: PeerId,
    number: u64,
}

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        self.places.leave(self.peer, self.number);
    }
}

enum Entered {
    Holds(Place),
    Waits(u64, oneshot::Receiver<Place>),
}

impl Places {
    /// `total` places, for which at most `queue` requests wait.
    pub(crate) fn new(total: usize, queue: usize) -> Arc<Self> {
        Arc::new(Self { total, queue, state: Mutex::default() })
    }

    /// Takes a place for a request of `peer`, or waits for one.
    ///
    /// # Errors
    ///
    /// [`Full`] if too many wait already, at once or as soon as others come.
    pub(crate) async fn take(self: &Arc<Self>, peer: PeerId) -> Result<Place, Full> {
        match self.enter(peer)? {
            Entered::Holds(place) => Ok(place),
            Entered::Waits(number, admitted) => {
                let _leaves = Leaves { places: self, peer, number };
                admitted.await.map_err(|_| Full)
            }
        }
    }

    /// The number of places that are taken.
    pub(crate) fn held(&self) -> usize {
        self.state().held
    }

    /// The number of requests that wait for one.
    #[cfg(test)]
    pub(crate) fn waiting(&self) -> usize {
        self.state().waiting
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(self: &Arc<Self>, peer: PeerId) -> Result<Entered, Full> {
        let mut state = self.state();
        let state = &mut *state;
        let share = state.peers.entry(peer).or_default();
        if share.waiting.is_empty() && share.held < self.total - state.held {
            share.held += 1;
            state.held += 1;
            return Ok(Entered::Holds(Place { places: Arc::clone(self), peer }));
        }
        if state.waiting >= self.queue && !state.turn_away(peer) {
            state.forget_if_unused(peer);
            return Err(Full);
        }
        state.next += 1;
        state.waiting += 1;
        let (admit, admitted) = oneshot::channel();
        let waiter = Waiter { number: state.next, admit };
        state.peers.entry(peer).or_default().waiting.push_back(waiter);
        Ok(Entered::Waits(state.next, admitted))
    }

    fn leave(self: &Places, peer: PeerId, number: u64) {
        let mut state = self.state();
        let state = &mut *state;
        let Some(share) = state.peers.get_mut(&peer) else { return };
        let before = share.waiting.len();
        share.waiting.retain(|waiter| waiter.number != number);
        state.waiting -= before - share.waiting.len();
        state.forget_if_unused(peer);
    }

    fn release(self: &Arc<Self>, peer: PeerId) {
        let mut state = self.state();
        state.held -= 1;
        if let Some(share) = state.peers.get_mut(&peer) {
            share.held -= 1;
        }
        state.forget_if_unused(peer);
        // A client that has just gone gives its place back when this is dropped, unlocked.
        let mut unclaimed = Vec::new();
        while let Some((peer, waiter)) = state.admit_next(self.total) {
            let place = Place { places: Arc::clone(self), peer };
            unclaimed.extend(waiter.admit.send(place).err());
        }
        drop(state);
    }
}

impl State {
    /// Takes the next request out of the queue and counts it as admitted.
    fn admit_next(&mut self, total: usize) -> Option<(PeerId, Waiter)> {
        let free = total - self.held;
        let waiting = self.peers.iter().filter(|(_, share)| share.held < free);
        let first = |share: &Share| Some((share.held, share.waiting.front()?.number));
        let turns = waiting.filter_map(|(peer, share)| Some((first(share)?, *peer)));
        let (_, peer) = turns.min_by_key(|(turn, _)| *turn)?;
        let share = self.peers.get_mut(&peer)?;
        let waiter = share.waiting.pop_front()?;
        share.held += 1;
        self.held += 1;
        self.waiting -= 1;
        Some((peer, waiter))
    }

    /// Makes room in the queue for a request of `peer`; whether some other peer had more waiting.
    fn turn_away(&mut self, peer: PeerId) -> bool {
        let own = self.peers.get(&peer).map_or(0, |share| share.waiting.len());
        let greediest = self.peers.iter_mut().max_by_key(|(_, share)| share.waiting.len());
        let Some((&greediest, share)) = greediest else { return false };
        if share.waiting.len() <= own + 1 || share.waiting.pop_back().is_none() {
            return false;
        }
        self.waiting -= 1;
        self.forget_if_unused(greediest);
        true
    }

    fn forget_if_unused(&mut self, peer: PeerId) {
        if self.peers.get(&peer).is_some_and(|share| share.held == 0 && share.waiting.is_empty()) {
            self.peers.remove(&peer);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::net::IpAddr;
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    type Taking = Pin<Box<dyn Future<Output = Result<Place, Full>>>>;

    fn peer(number: u8) -> PeerId {
        PeerId::from(IpAddr::from([10, 0, 0, number]))
    }

    fn take(places: &Arc<Places>, number: u8) -> Taking {
        let places = Arc::clone(places);
        Box::pin(async move { places.take(peer(number)).await })
    }

    fn poll(taking: &mut Taking) -> Poll<Result<Place, Full>> {
        taking.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }

    #[track_caller]
    fn admitted(taking: &mut Taking) -> Place {
        match poll(taking) {
            Poll::Ready(Ok(place)) => place,
            other => panic!("not admitted: {other:?}"),
        }
    }

    #[test]
    fn a_peer_holds_at_most_as_many_places_as_are_left_free() {
        let places = Places::new(40, 100);
        let mut all: Vec<_> = (0..40).map(|_| take(&places, 1)).collect();
        let held: Vec<_> = all.iter_mut().map(poll).filter(Poll::is_ready).collect();
        assert_eq!(held.len(), 20);
        for other in 2..6 {
            admitted(&mut take(&places, other));
        }
    }

    #[test]
    fn the_only_place_is_for_whoever_comes_first() {
        let places = Places::new(1, 10);
        let first = admitted(&mut take(&places, 1));
        let mut second = take(&places, 1);
        assert!(poll(&mut second).is_pending());
        drop(first);
        drop(admitted(&mut second));
        assert_eq!(places.held(), 0);
        assert!(places.state().peers.is_empty());
    }

    #[test]
    fn the_peer_that_holds_the_fewest_is_next() {
        let places = Places::new(2, 10);
        let (greedy, other) = (admitted(&mut take(&places, 1)), admitted(&mut take(&places, 2)));
        let (mut again, mut modest) = (take(&places, 1), take(&places, 3));
        assert!(poll(&mut again).is_pending() && poll(&mut modest).is_pending());
        drop(other);
        let modest = admitted(&mut modest);
        assert!(poll(&mut again).is_pending());
        drop((greedy, modest));
        admitted(&mut again);
    }

    #[test]
    fn a_full_queue_turns_away_the_newest_request_of_the_peer_with_the_most() {
        let places = Places::new(1, 3);
        let _held = admitted(&mut take(&places, 9));
        let mut greedy: Vec<_> = (0..4).map(|_| take(&places, 1)).collect();
        let waits: Vec<_> = greedy.iter_mut().map(|taking| poll(taking).is_pending()).collect();
        assert_eq!(waits, [true, true, true, false]);
        let mut modest = take(&places, 2);
        assert!(poll(&mut modest).is_pending());
        assert!(matches!(poll(&mut greedy[2]), Poll::Ready(Err(Full))));
        assert!(poll(&mut greedy[1]).is_pending());
    }

    #[test]
    fn who_does_not_wait_any_longer_leaves_the_queue_and_keeps_no_place() {
        let places = Places::new(1, 10);
        let held = admitted(&mut take(&places, 1));
        let (mut gone, mut admitted_and_gone, mut last) =
            (take(&places, 2), take(&places, 3), take(&places, 4));
        for taking in [&mut gone, &mut admitted_and_gone, &mut last] {
            assert!(poll(taking).is_pending());
        }
        drop(gone);
        assert_eq!(places.state().waiting, 2);
        drop(held);
        drop(admitted_and_gone);
        drop(admitted(&mut last));
        assert_eq!((places.held(), places.state().waiting), (0, 0));
    }

    #[test]
    fn without_a_limit_everybody_is_admitted() {
        let places = Places::new(usize::MAX, 0);
        let all: Vec<_> = (0..1000).map(|_| admitted(&mut take(&places, 1))).collect();
        assert_eq!(places.held(), all.len());
    }
}
