//! Putting the parts of a look together.

use std::collections::HashMap;
use std::time::SystemTime;

use locust_model::{Endpoint, Snapshot, State, Users};

use crate::wire::{in_order, target_is_kept_up_to_date};
use crate::{Exceptions, Failures, Index, Rejected, Stats, StatsCsv, Tasks};

/// The parts of a look, as far as they could be had.
pub(crate) struct Parts {
    pub(crate) stats: Stats,
    pub(crate) stats_csv: Option<StatsCsv>,
    pub(crate) failures_csv: Option<Failures>,
    pub(crate) exceptions: Option<Exceptions>,
    pub(crate) tasks: Option<Tasks>,
    pub(crate) index: Option<Index>,
    pub(crate) full: Full,
}

/// How many rows and errors there were when all of them were had; `0` where they never were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Full {
    pub(crate) rows: usize,
    pub(crate) errors: usize,
}

/// The shares of the percentiles that the JSON's rows have and others cannot have: the columns of
/// the CSV are set apart from them (`PERCENTILES_TO_REPORT`).
pub(crate) fn percentiles_of_some(stats: &Stats, csv: Option<&StatsCsv>) -> Vec<f64> {
    let Some(csv) = csv.filter(|csv| csv.endpoints.len() > stats.endpoints.len()) else {
        return Vec::new();
    };
    stats.shares().into_iter().filter(|share| !csv.shares.contains(share)).collect()
}

/// Puts the parts together.
pub(crate) fn assemble(parts: Parts, time: SystemTime, rejected: &mut Rejected) -> Snapshot {
    let Parts { mut stats, stats_csv, failures_csv, exceptions, tasks, index, full } = parts;
    rejected.merge(&stats.rejected);
    let mut snapshot = Snapshot::empty(time);
    snapshot.truncated_rows = put_rows(&mut stats, stats_csv, full.rows, rejected)
        + put_errors(&mut stats, failures_csv, full.errors, rejected);
    snapshot.exceptions = exceptions.map(|mut exceptions| {
        rejected.merge(&exceptions.rejected);
        if stats.dialect.escapes_exceptions {
            exceptions.unescape();
        }
        exceptions.exceptions
    });
    snapshot.users = users(&stats, tasks.as_ref(), index.as_ref());
    if let Some(tasks) = tasks {
        rejected.merge(&tasks.rejected);
        snapshot.tasks = tasks.tasks;
    }
    if let Some(index) = index {
        snapshot.version = index.version;
        snapshot.host = index.host;
    }
    snapshot.state = stats.state;
    snapshot.workers = stats.workers;
    snapshot.total = stats.total;
    snapshot.rates = stats.rates;
    snapshot.fail_ratio = stats.fail_ratio;
    snapshot.current_percentiles = stats.current_percentiles;
    snapshot.endpoints = stats.endpoints;
    snapshot.errors = stats.errors;
    snapshot
}

/// Takes the rows, and the total with them so that they agree, from the CSV where it was asked
/// for. Answers how many rows are missing at least.
fn put_rows(stats: &mut Stats, csv: Option<StatsCsv>, full: usize, rejected: &mut Rejected) -> u64 {
    let Some(csv) = csv else {
        return missing(stats.rows_are_truncated(), full, stats.endpoints.len());
    };
    rejected.merge(&csv.rejected);
    let StatsCsv { mut total, mut endpoints, shares, .. } = csv;
    let put = |row: &mut Endpoint, known: &Endpoint| {
        put_current_rate(row, known);
        put_percentiles(row, known, &shares);
    };
    put_what_json_knows(&mut endpoints, &stats.endpoints, put);
    if let (Some(total), Some(known)) = (&mut total, &stats.total) {
        put(total, known);
    }
    stats.fail_ratio = total.as_ref().and_then(fail_ratio).or(stats.fail_ratio);
    stats.endpoints = endpoints;
    stats.total = total;
    0
}

/// Takes the errors from the CSV where it was asked for. Answers how many are missing at least.
fn put_errors(
    stats: &mut Stats,
    csv: Option<Failures>,
    full: usize,
    rejected: &mut Rejected,
) -> u64 {
    let Some(mut csv) = csv else {
        return missing(stats.errors_are_truncated(), full, stats.errors.len());
    };
    rejected.merge(&csv.rejected);
    if stats.dialect.escapes_errors {
        csv.unquote();
    }
    stats.errors = csv.errors;
    0
}

/// How many are missing at least, where some are: one, or those that were there when all were had,
/// since in a run none goes away.
fn missing(is_truncated: bool, full: usize, had: usize) -> u64 {
    if is_truncated { full.saturating_sub(had).max(1) as u64 } else { 0 }
}

/// Puts to the CSV's rows what only the JSON has of them.
///
/// Both come in the same order, so one walk beside each other finds nearly every row; only where
/// the JSON has one that the CSV lacks (there was a reset between them) are the others looked up.
fn put_what_json_knows(
    endpoints: &mut [Endpoint],
    known: &[Endpoint],
    put: impl Fn(&mut Endpoint, &Endpoint),
) {
    let mut left = known.iter().peekable();
    for row in &mut *endpoints {
        if let Some(known) = left.next_if(|known| key(known) == key(row)) {
            put(row, known);
        }
    }
    if left.peek().is_none() {
        return;
    }
    let by_key: HashMap<_, _> = left.map(|row| (key(row), row)).collect();
    for row in endpoints {
        if let Some(known) = by_key.get(&key(row)) {
            put(row, known);
        }
    }
}

fn key(row: &Endpoint) -> (&str, &str) {
    (&row.name, &row.method)
}

fn put_current_rate(row: &mut Endpoint, known: &Endpoint) {
    row.current_rps = known.current_rps;
    row.current_fail_per_sec = known.current_fail_per_sec;
}

/// Percentiles that the CSV has no column for: without these they would vanish with the first row
/// beyond the JSON's.
fn put_percentiles(row: &mut Endpoint, known: &Endpoint, of_csv: &[f64]) {
    let missing = known.percentiles.iter().filter(|percentile| !of_csv.contains(&percentile.q));
    let before = row.percentiles.len();
    row.percentiles.extend(missing);
    if row.percentiles.len() > before {
        in_order(&mut row.percentiles);
    }
}

fn fail_ratio(total: &Endpoint) -> Option<f64> {
    let (requests, failures) = (total.requests?, total.failures?);
    Some(if requests == 0 { 0.0 } else { failures as f64 / requests as f64 })
}

fn users(stats: &Stats, tasks: Option<&Tasks>, index: Option<&Index>) -> Users {
    let running = stats.user_count;
    let index = index.filter(|index| is_credible(index, stats));
    Users {
        running,
        waiting: None,
        target: index.and_then(|index| index.num_users),
        spawned: None,
        spawn_rate: index.and_then(|index| index.spawn_rate),
        by_class: tasks
            .zip(running)
            .map(|(tasks, running)| tasks.users_by_class(running))
            .unwrap_or_default(),
    }
}

/// Whether the wishes are those of the test that runs. In a Locust before 2.47 they may be those
/// of the command line, and only the users show that the web UI was used to wish for others.
fn is_credible(index: &Index, stats: &Stats) -> bool {
    if index.version.as_deref().is_some_and(target_is_kept_up_to_date) {
        return true;
    }
    match (&stats.state, stats.user_count, index.num_users) {
        (Some(State::Running), Some(users), Some(target)) => users == target,
        (_, Some(users), Some(target)) => users <= target,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::endpoint;

    fn rows(names: &[&str], rate: Option<f64>) -> Vec<Endpoint> {
        let row =
            |name: &&str| Endpoint { current_rps: rate, ..endpoint("GET".into(), (*name).into()) };
        names.iter().map(row).collect()
    }

    #[test]
    fn rates_find_their_rows_also_past_one_that_the_csv_lacks() {
        let mut endpoints = rows(&["/a", "/c", "/d", "/e"], None);
        put_what_json_knows(
            &mut endpoints,
            &rows(&["/a", "/b", "/d"], Some(2.0)),
            put_current_rate,
        );
        let rates: Vec<_> = endpoints.iter().map(|row| row.current_rps).collect();
        assert_eq!(rates, [Some(2.0), None, Some(2.0), None]);
    }
}
