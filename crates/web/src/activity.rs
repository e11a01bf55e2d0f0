//! What a connection's client has been doing, and whether it takes too long over it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::Timeouts;

/// The time by which clients that take an answer slowly are compared. It stands still while the
/// server itself is too busy to send, and counts only while answers are being sent.
#[derive(Debug, Default)]
pub(crate) struct SendClock(AtomicU64);

impl SendClock {
    /// Counts one more tick.
    pub(crate) fn tick(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// The ticks until now.
    pub(crate) fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What happens on one connection. The IO wrapper, the requests and their bodies write here; the
/// connection's task reads [`Activity::verdict`] when the deadline that it named last has come.
#[derive(Debug)]
pub(crate) struct Activity {
    timeouts: Timeouts,
    /// In HTTP/2 bytes come between requests that begin none (pings, window updates).
    multiplexed: bool,
    clock: Arc<SendClock>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    next_request: u64,
    /// Requests in flight; with an offer, the body waits since then for the client to take it.
    requests: HashMap<u64, Option<Offer>>,
    /// The end of the last request.
    quiet_since: Instant,
    /// The first byte of a request whose headers are not complete.
    header_since: Option<Instant>,
    /// When a write found the socket full; until everything written has been flushed.
    behind_since: Option<Instant>,
}

/// When a part of an answer was handed over to be sent.
#[derive(Clone, Copy, Debug)]
struct Offer {
    at: Instant,
    tick: u64,
}

/// Whether a connection may live on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// At least until then.
    Until(Instant),
    /// No longer, because of this.
    Close(&'static str),
}

impl Activity {
    /// A connection accepted now.
    pub(crate) fn new(timeouts: Timeouts, multiplexed: bool, clock: Arc<SendClock>) -> Arc<Self> {
        let state = State {
            next_request: 0,
            requests: HashMap::new(),
            quiet_since: Instant::now(),
            header_since: None,
            behind_since: None,
        };
        Arc::new(Self { timeouts, multiplexed, clock, state: Mutex::new(state) })
    }

    /// Whether the connection speaks HTTP/2.
    pub(crate) fn is_multiplexed(&self) -> bool {
        self.multiplexed
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Bytes came in.
    pub(crate) fn read(&self) {
        self.with(|state| {
            if state.requests.is_empty() && !self.multiplexed {
                state.header_since.get_or_insert_with(Instant::now);
            }
        });
    }

    /// The socket takes no more.
    pub(crate) fn blocked(&self) {
        self.with(|state| {
            state.behind_since.get_or_insert_with(Instant::now);
        });
    }

    /// Everything written has reached the socket.
    pub(crate) fn flushed(&self) {
        self.with(|state| state.behind_since = None);
    }

    /// A request's headers are complete. It is in flight until the guard is dropped.
    pub(crate) fn request(self: &Arc<Self>) -> InFlight {
        let id = self.with(|state| {
            state.header_since = None;
            state.next_request += 1;
            state.requests.insert(state.next_request, None);
            state.next_request
        });
        InFlight { activity: Arc::clone(self), id }
    }

    /// Since when no request has been in flight, if none is, and no answer on its way.
    pub(crate) fn idle_since(&self) -> Option<Instant> {
        self.with(|state| {
            let is_idle = state.requests.is_empty() && state.behind_since.is_none();
            is_idle.then_some(state.quiet_since)
        })
    }

    /// Since when the client has not taken what is ready to be sent, if something is.
    pub(crate) fn sending_since(&self) -> Option<Instant> {
        self.with(|state| {
            let offers = state.requests.values().flatten().map(|offer| offer.at);
            offers.chain(state.behind_since).min()
        })
    }

    /// The number of answers that the client has not taken yet, and the tick of the oldest offer.
    pub(crate) fn sending(&self) -> Option<(usize, u64)> {
        self.with(|state| {
            let offers = || state.requests.values().flatten();
            Some((offers().count(), offers().map(|offer| offer.tick).min()?))
        })
    }

    /// Whether the client has had its time.
    pub(crate) fn verdict(&self, now: Instant) -> Verdict {
        let (header, behind, waiting, idle) = self.with(|state| {
            let waiting = state.requests.values().flatten().map(|offer| offer.at).min();
            let idle = state.requests.is_empty().then_some(state.quiet_since);
            (state.header_since, state.behind_since, waiting, idle)
        });
        let limits = [
            (header, self.timeouts.header, "the request's headers take too long"),
            (behind, self.timeouts.write, "the client reads too slowly"),
            (waiting, self.timeouts.write, "the client does not take the answer"),
            (idle, self.timeouts.idle, "idle"),
        ];
        let mut next = now + self.timeouts.idle.min(self.timeouts.write).min(self.timeouts.header);
        for (since, limit, reason) in limits {
            let Some(end) = since.map(|since| since + limit) else { continue };
            if end <= now {
                return Verdict::Close(reason);
            }
            next = next.min(end);
        }
        Verdict::Until(next)
    }
}

/// A request in flight.
#[derive(Debug)]
pub(crate) struct InFlight {
    activity: Arc<Activity>,
    id: u64,
}

impl InFlight {
    /// Whether other requests share the connection.
    pub(crate) fn is_multiplexed(&self) -> bool {
        self.activity.multiplexed
    }

    /// The body has something that the client may take.
    pub(crate) fn offer(&self) {
        let offer = Offer { at: Instant::now(), tick: self.activity.clock.now() };
        self.activity.with(|state| state.requests.insert(self.id, Some(offer)));
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.activity.with(|state| {
            state.requests.remove(&self.id);
            state.quiet_since = Instant::now();
        });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const TIMEOUTS: Timeouts = Timeouts {
        handshake: Duration::from_secs(1),
        header: Duration::from_secs(10),
        write: Duration::from_secs(20),
        idle: Duration::from_secs(30),
        shutdown: Duration::from_secs(1),
        watch: Duration::from_secs(1),
    };

    fn activity(multiplexed: bool) -> Arc<Activity> {
        Activity::new(TIMEOUTS, multiplexed, Arc::default())
    }

    fn after(activity: &Activity, seconds: u64) -> Verdict {
        activity.verdict(Instant::now() + Duration::from_secs(seconds))
    }

    fn lives(activity: &Activity, seconds: u64) -> bool {
        matches!(after(activity, seconds), Verdict::Until(_))
    }

    #[test]
    fn an_idle_connection_is_closed_at_last() {
        let activity = activity(false);
        assert!(lives(&activity, 29));
        assert_eq!(after(&activity, 31), Verdict::Close("idle"));
    }

    #[test]
    fn headers_must_come_in_time() {
        let activity = activity(false);
        activity.read();
        assert!(lives(&activity, 9));
        assert!(!lives(&activity, 11));
    }

    #[test]
    fn in_http2_bytes_between_requests_begin_no_headers() {
        let activity = activity(true);
        activity.read();
        assert!(lives(&activity, 29));
    }

    #[test]
    fn a_request_at_work_is_not_idle() {
        let activity = activity(false);
        activity.read();
        let request = activity.request();
        assert!(lives(&activity, 1000));
        assert_eq!(activity.idle_since(), None);
        drop(request);
        assert!(!lives(&activity, 31));
    }

    #[test]
    fn the_client_must_take_what_is_offered() {
        let activity = activity(true);
        let stalled = activity.request();
        stalled.offer();
        let _other = activity.request();
        assert!(lives(&activity, 19));
        assert!(!lives(&activity, 21));
    }

    #[test]
    fn what_is_offered_is_being_sent_until_the_request_ends() {
        let activity = activity(true);
        let (first, second) = (activity.request(), activity.request());
        assert_eq!(activity.sending(), None);
        first.offer();
        activity.clock.tick();
        second.offer();
        assert_eq!(activity.sending(), Some((2, 0)));
        first.offer();
        assert_eq!(activity.sending(), Some((2, 1)));
        drop((first, second));
        assert_eq!((activity.sending(), activity.sending_since()), (None, None));
    }

    #[test]
    fn a_full_socket_is_forgiven_when_it_is_flushed() {
        let activity = activity(false);
        let _request = activity.request();
        activity.blocked();
        assert!(!lives(&activity, 21));
        activity.flushed();
        assert!(lives(&activity, 21));
    }
}
