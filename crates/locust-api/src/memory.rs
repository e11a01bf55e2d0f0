//! What a client remembers from one look to the next.

use std::time::{Duration, Instant};

use locust_model::State;

use crate::assemble::Full;
use crate::wire::Dialect;
use crate::{Index, Quantiles, Stats};

/// How long what the page of the web UI said is believed while nothing shows that it has changed.
///
/// Nothing shows a host, a target or a spawn rate that was edited without a new run, nor a new run
/// that by the next look has the state, the users and more requests than the last one had. So
/// these, and the version, may be this old. It is not less, since the page holds the history of
/// the test: after hours, megabytes that Locust writes anew each time.
const INDEX_AGE: Duration = Duration::from_secs(30);

/// What a client remembers from one look to the next.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// Whether the last look saw more rows than the JSON gives.
    rows_truncated: bool,
    /// Whether the last look saw more errors than the JSON gives.
    errors_truncated: bool,
    /// The requests of the last look.
    requests: Option<u64>,
    /// The shares of the percentiles of the JSON's rows, as they were last seen.
    pub(crate) shares: Vec<f64>,
    full: Full,
    pub(crate) dialect: Dialect,
    index: Option<Remembered>,
}

/// What the page of the web UI said last, and what Locust did then.
#[derive(Clone, Debug)]
struct Remembered {
    index: Index,
    asked: Instant,
    /// Whether the last asking succeeded; if not, `index` is of an earlier one.
    is_fresh: bool,
    state: Option<State>,
    users: Option<u64>,
}

/// What to ask at once, without waiting for the statistics.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) stats_csv: bool,
    pub(crate) failures_csv: bool,
    pub(crate) index: bool,
    pub(crate) shares: Vec<f64>,
    remembered: Option<Remembered>,
    requests: Option<u64>,
}

/// What the statistics tell about what else to ask.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    pub(crate) rows_truncated: bool,
    pub(crate) errors_truncated: bool,
    pub(crate) shares: Vec<f64>,
    state: Option<State>,
    users: Option<u64>,
    requests: Option<u64>,
}

impl Facts {
    pub(crate) fn of(stats: &Stats) -> Self {
        Self {
            rows_truncated: stats.rows_are_truncated(),
            errors_truncated: stats.errors_are_truncated(),
            shares: stats.shares(),
            state: stats.state.clone(),
            users: stats.user_count,
            requests: stats.total.as_ref().and_then(|total| total.requests),
        }
    }
}

impl Memory {
    pub(crate) fn plan(&self, quantiles: Quantiles, now: Instant) -> Plan {
        let known = self.index.as_ref();
        Plan {
            stats_csv: self.rows_truncated || quantiles == Quantiles::All,
            failures_csv: self.errors_truncated,
            index: known.is_none_or(|known| {
                !known.is_fresh || now.saturating_duration_since(known.asked) >= INDEX_AGE
            }),
            remembered: self.index.clone(),
            requests: self.requests,
            shares: self.shares.clone(),
        }
    }

    /// Takes in what the statistics told.
    pub(crate) fn learn(&mut self, facts: &Facts, dialect: Dialect) {
        self.rows_truncated = facts.rows_truncated;
        self.errors_truncated = facts.errors_truncated;
        if began_anew(self.requests, facts.requests) {
            self.full = Full::default();
        }
        self.requests = facts.requests;
        if !facts.shares.is_empty() {
            self.shares.clone_from(&facts.shares);
        }
        self.dialect = dialect;
    }

    /// Takes in what the page of the web UI said, or that it could not be had.
    pub(crate) fn learn_index(&mut self, index: Option<Index>, facts: &Facts, asked: Instant) {
        match (index, &mut self.index) {
            (Some(index), kept) => {
                let (state, users) = (facts.state.clone(), facts.users);
                *kept = Some(Remembered { index, asked, is_fresh: true, state, users });
            }
            (None, Some(kept)) => kept.is_fresh = false,
            (None, None) => {}
        }
    }

    /// Takes in how many rows and errors there are in all, if they were had. Answers how many are
    /// known of.
    pub(crate) fn learn_full(&mut self, rows: Option<usize>, errors: Option<usize>) -> Full {
        self.full.rows = rows.unwrap_or(self.full.rows);
        self.full.errors = errors.unwrap_or(self.full.errors);
        self.full
    }

    /// Forgets all, since the next Locust at this address may be another.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    /// What is known of the page of the web UI. Where the last asking failed, its wishes may be
    /// outdated, and only what hardly changes is given.
    pub(crate) fn index(&self) -> Option<Index> {
        let known = self.index.as_ref()?;
        let mut index = known.index.clone();
        if !known.is_fresh {
            index.num_users = None;
            index.spawn_rate = None;
        }
        Some(index)
    }
}

impl Plan {
    /// Whether what the page of the web UI said must be asked again before its time: the state has
    /// changed since, or the requests are fewer than at the last look (a new run, or a reset), or
    /// the users are others than were wished for. In the latter case not again and again: with a
    /// load shape nobody wishes for what it does.
    pub(crate) fn needs_index(&self, facts: &Facts) -> bool {
        let Some(known) = &self.remembered else { return true };
        let is_off_target = facts.state == Some(State::Running)
            && known.index.num_users.is_some()
            && known.index.num_users != facts.users;
        known.state != facts.state
            || began_anew(self.requests, facts.requests)
            || (is_off_target && known.users != facts.users)
    }
}

/// Whether a new run, or a reset, shows in the requests.
fn began_anew(then: Option<u64>, now: Option<u64>) -> bool {
    then.zip(now).is_some_and(|(then, now)| now < then)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(users: Option<u64>) -> Index {
        Index { num_users: users, version: Some("2.47.0".into()), ..Index::default() }
    }

    fn running(users: u64) -> Facts {
        Facts { state: Some(State::Running), users: Some(users), ..Facts::default() }
    }

    #[test]
    fn the_page_is_believed_for_half_a_minute() {
        let (mut memory, start) = (Memory::default(), Instant::now());
        assert!(memory.plan(Quantiles::Default, start).index);
        memory.learn_index(Some(page(Some(5))), &running(5), start);
        let is_due =
            |seconds| memory.plan(Quantiles::Default, start + Duration::from_secs(seconds)).index;
        assert!(!is_due(29));
        assert!(is_due(30));
    }

    #[test]
    fn a_page_without_a_target_cannot_be_off_target() {
        let (mut memory, start) = (Memory::default(), Instant::now());
        memory.learn_index(Some(page(None)), &running(5), start);
        let plan = memory.plan(Quantiles::Default, start);
        assert!(!plan.needs_index(&running(6)));
        assert!(plan.needs_index(&Facts { state: Some(State::Stopped), ..running(6) }));
    }

    #[test]
    fn truncation_is_remembered_and_forgotten() {
        let mut memory = Memory::default();
        let facts = Facts { rows_truncated: true, errors_truncated: true, ..Facts::default() };
        memory.learn(&facts, Dialect::default());
        let plan = memory.plan(Quantiles::Default, Instant::now());
        assert!(plan.stats_csv && plan.failures_csv);
        memory.learn(&Facts::default(), Dialect::default());
        let plan = memory.plan(Quantiles::Default, Instant::now());
        assert!(!plan.stats_csv && !plan.failures_csv);
        assert!(memory.plan(Quantiles::All, Instant::now()).stats_csv);
    }
}
