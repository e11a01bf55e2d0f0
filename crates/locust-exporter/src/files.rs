//! How the open files that the system allows are divided.
//!
//! The server's clients, the connections to Locusts and those that are kept for the next scrape
//! share one limit. Each has a bound of its own, so that none of them takes the files of another.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// For what is no connection: listeners, files, the way to backends.
const OTHERS: usize = 64;

/// Connections that one scrape of a Locust has open at the same time, or leaves open.
const OF_ONE_LOCUST: usize = 5;

/// Probes that are under way at the same time, if there is no limit to them.
const PROBES: usize = 40;

/// The shares of connections to Locusts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileBudget {
    /// Files that are not for the server's clients.
    pub(crate) reserved: usize,
    /// Idle connections to probed targets, in all.
    pub(crate) idle: usize,
}

impl FileBudget {
    /// Divides `limit` files (`None` is not known, and taken for many) where so many Locusts are
    /// watched and, if at all, so many probed at the same time.
    pub(crate) fn new(limit: Option<usize>, watched: usize, probes: Option<usize>) -> Self {
        let watched = OTHERS + watched * OF_ONE_LOCUST;
        let Some(probes) = probes else { return Self { reserved: watched, idle: 0 } };
        let limit = limit.unwrap_or(usize::MAX);
        let probes = if probes == 0 { PROBES } else { probes };
        let busy = probes.saturating_mul(OF_ONE_LOCUST).min(limit / 6);
        let idle = (limit / 10).min(MOST_IDLE);
        Self { reserved: watched + busy + idle, idle }
    }
}

/// More idle connections to probed targets than are of use.
const MOST_IDLE: usize = 256 * OF_ONE_LOCUST;

/// The idle connections that all probed targets share.
#[derive(Clone, Debug)]
pub(crate) struct IdleConnections(Arc<AtomicUsize>);

/// One target's share, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct IdleShare {
    left: Arc<AtomicUsize>,
    pub(crate) connections: usize,
}

impl IdleConnections {
    /// So many in all.
    pub(crate) fn new(all: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(all)))
    }

    /// The share of one more target: as many as are of use, or what is left.
    pub(crate) fn share(&self) -> IdleShare {
        let take = |left: usize| Some(left - left.min(OF_ONE_LOCUST));
        let left = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        let connections = left.unwrap_or_default().min(OF_ONE_LOCUST);
        IdleShare { left: Arc::clone(&self.0), connections }
    }
}

impl Drop for IdleShare {
    fn drop(&mut self) {
        self.left.fetch_add(self.connections, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_shares_together_keep_to_the_limit() {
        for limit in [256, 1024, 4096, 1 << 20] {
            let budget = FileBudget::new(Some(limit), 1, Some(40));
            assert!(budget.idle <= limit / 10 && budget.reserved <= limit / 2 + OTHERS, "{limit}");
        }
        let usual = FileBudget::new(Some(1024), 1, Some(40));
        assert!(1024 - usual.reserved >= 600, "room for a scraper that probes 600 targets at once");
        assert_eq!(FileBudget::new(Some(1024), 1, None), FileBudget { reserved: 69, idle: 0 });
    }

    #[test]
    fn targets_share_the_idle_connections_and_give_them_back() {
        let idle = IdleConnections::new(12);
        let shares = [(); 4].map(|()| idle.share());
        assert_eq!(shares.each_ref().map(|share| share.connections), [5, 5, 2, 0]);
        drop(shares);
        assert_eq!(idle.share().connections, 5);
    }
}
