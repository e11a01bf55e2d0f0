//! All connections, and who has to go when there are too many.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use crate::activity::Activity;

/// Open files left for what is not a connection: listeners, files, the way to Locust.
const RESERVED_FILES: usize = 64;

/// The connections that live.
#[derive(Debug)]
pub(crate) struct Crowd {
    limit: usize,
    members: Mutex<Members>,
}

#[derive(Debug, Default)]
struct Members {
    next: u64,
    all: HashMap<u64, Member>,
}

#[derive(Debug)]
struct Member {
    since: Instant,
    /// Unknown during the TLS handshake.
    activity: Option<Arc<Activity>>,
    leave: CancellationToken,
}

impl Member {
    fn idle_since(&self) -> Option<Instant> {
        self.activity.as_ref().map_or(Some(self.since), |activity| activity.idle_since())
    }
}

impl Crowd {
    /// At most `limit` connections, or as many as the process may open files for.
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        let room = open_files_limit()
            .map_or(usize::MAX, |files| files.saturating_sub(RESERVED_FILES).max(files / 2).max(1));
        Arc::new(Self { limit: limit.min(room).max(1), members: Mutex::default() })
    }

    fn with<T>(&self, change: impl FnOnce(&mut Members) -> T) -> T {
        change(&mut self.members.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes in a connection. If there are too many, the one that has been idle longest is told
    /// to leave; `None` if all of them are at work.
    pub(crate) fn join(self: &Arc<Self>) -> Option<Membership> {
        let (id, leave) = self.with(|members| {
            if members.all.len() >= self.limit && !members.evict() {
                return None;
            }
            members.next += 1;
            let leave = CancellationToken::new();
            let member = Member { since: Instant::now(), activity: None, leave: leave.clone() };
            members.all.insert(members.next, member);
            Some((members.next, leave))
        })?;
        Some(Membership { crowd: Arc::clone(self), id, leave })
    }

    /// Tells the connection that has been idle longest to leave, to make room for another.
    pub(crate) fn make_room(&self) {
        self.with(Members::evict);
    }
}

impl Members {
    fn evict(&mut self) -> bool {
        let longest =
            self.all.iter().filter_map(|(id, member)| Some((member.idle_since()?, *id))).min();
        let Some(member) = longest.and_then(|(_, id)| self.all.remove(&id)) else { return false };
        member.leave.cancel();
        true
    }
}

/// A connection's place in the crowd, until it is dropped.
#[derive(Debug)]
pub(crate) struct Membership {
    crowd: Arc<Crowd>,
    id: u64,
    leave: CancellationToken,
}

impl Membership {
    /// Tells by what to see whether the connection is idle.
    pub(crate) fn watch(&self, activity: &Arc<Activity>) {
        self.crowd.with(|members| {
            if let Some(member) = members.all.get_mut(&self.id) {
                member.activity = Some(Arc::clone(activity));
            }
        });
    }

    /// Cancelled when the connection must make room.
    pub(crate) fn leave(&self) -> &CancellationToken {
        &self.leave
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.crowd.with(|members| members.all.remove(&self.id));
    }
}

/// The soft limit of open files, where the system tells it in a file.
fn open_files_limit() -> Option<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find(|line| line.starts_with("Max open files"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timeouts;

    #[test]
    fn the_longest_idle_connection_makes_room() {
        let crowd = Crowd::new(2);
        let first = crowd.join().unwrap();
        let second = crowd.join().unwrap();
        let _third = crowd.join().unwrap();
        assert!(first.leave().is_cancelled());
        assert!(!second.leave().is_cancelled());
    }

    #[test]
    fn a_connection_at_work_stays() {
        let crowd = Crowd::new(1);
        let worker = crowd.join().unwrap();
        let activity = Activity::new(Timeouts::default(), false);
        worker.watch(&activity);
        let request = activity.request();
        assert!(crowd.join().is_none());
        drop(request);
        assert!(crowd.join().is_some());
        assert!(worker.leave().is_cancelled());
    }

    #[test]
    fn who_leaves_frees_the_place() {
        let crowd = Crowd::new(1);
        drop(crowd.join().unwrap());
        let again = crowd.join().unwrap();
        assert!(!again.leave().is_cancelled());
    }
}
