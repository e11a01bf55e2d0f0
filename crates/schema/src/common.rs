//! What the tables have in common.

use locust_model::{Endpoint, Millis, Percentile, RequestError, Snapshot, State, Worker};

use crate::out::{Measure, Out};

/// The name of the row of all requests together.
pub(crate) const AGGREGATED: &str = "Aggregated";

/// A value of every endpoint, by method and name.
pub(crate) fn endpoints<M: Measure>(
    snapshot: &Snapshot,
    out: &mut Out<'_, '_>,
    value: impl Fn(&Endpoint) -> M,
) {
    for endpoint in &snapshot.endpoints {
        out.put_since(&[&endpoint.method, &endpoint.name], value(endpoint), endpoint.since);
    }
}

/// The endpoints, without any that a test gave the labels under which all requests together stand:
/// the name [`AGGREGATED`] and this method.
pub(crate) fn apart_from_all<'s>(
    snapshot: &'s Snapshot,
    method: &'s str,
) -> impl Iterator<Item = &'s Endpoint> {
    let is_alike = move |endpoint: &Endpoint| {
        snapshot.total.is_some() && *endpoint.name == *AGGREGATED && *endpoint.method == *method
    };
    snapshot.endpoints.iter().filter(move |endpoint| !is_alike(endpoint))
}

/// How many [`apart_from_all`] leaves out.
pub(crate) fn named_like_all(snapshot: &Snapshot, method: &str) -> u64 {
    (snapshot.endpoints.len() - apart_from_all(snapshot, method).count()) as u64
}

/// Occurrences of every error, by method, name and text.
pub(crate) fn errors(snapshot: &Snapshot, out: &mut Out<'_, '_>) {
    for error in &snapshot.errors {
        let RequestError { method, name, error: text, occurrences, first_seen, .. } = error;
        // What is counted began at the last reset, where that is known and later.
        let since = (*first_seen).max(snapshot.run.since);
        out.put_since(&[method, name, text], *occurrences, since);
    }
}

/// The percentile of exactly this share, in whatever way its number was once written.
pub(crate) fn percentile(percentiles: &[Percentile], q: f64) -> Option<Millis> {
    percentiles.iter().find(|percentile| is_same_share(percentile.q, q)).map(|found| found.value)
}

/// The percentiles of response times that the schemas name, 0 to 1.
pub const PERCENTILES: [f64; 3] = [0.9, 0.95, 0.99];
/// Those of the response times of the last seconds.
pub const CURRENT_PERCENTILES: [f64; 2] = [0.5, 0.95];

/// Whether two shares are one: `99.9 / 100` is not `0.999` to the last bit.
pub fn is_same_share(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

/// How many workers satisfy `test`; none in a local run, which has no workers.
pub(crate) fn count_workers(snapshot: &Snapshot, test: impl Fn(&State) -> bool) -> usize {
    let workers: &[Worker] = snapshot.workers.as_deref().unwrap_or_default();
    workers.iter().filter(|worker| test(&worker.state)).count()
}
