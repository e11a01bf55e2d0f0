//! Warnings in the log when requests have too many names, at the time it happens: a name has about
//! 20 series, and without a warning nobody sees that before Prometheus is full.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use exposition::{Families, Family, Value, Visitor};
use locust_model::{Bounds, Folded};

use crate::inside::Inside;
use crate::thread::spawn_giving_way;

/// From this number of names on, there is a warning.
const MANY_NAMES: usize = 1_000;

/// Which warnings have been logged. Each is logged once in a process.
#[derive(Default)]
pub(crate) struct Warned {
    many_names: AtomicBool,
    names_folded: AtomicBool,
    errors_folded: AtomicBool,
}

/// Logs what is due. It is cheap, and called once a second from Locust's own thread; only the
/// count of series, once, needs a thread.
pub(crate) fn check(inside: &Arc<Inside>) {
    let Some((names, folded)) = inside.names() else { return };
    let warned = &inside.warned;
    let first = |warning: &AtomicBool, due| due && !warning.swap(true, Ordering::Relaxed);
    let bounds = inside.setup.load().recorder.bounds;
    if first(&warned.errors_folded, folded.errors + folded.exceptions > 0) {
        warn_of_errors(bounds);
    }
    let are_folded = first(&warned.names_folded, folded.names > 0);
    let are_many = first(&warned.many_names, names >= MANY_NAMES);
    if !are_folded && !are_many {
        return;
    }
    let counts = Arc::clone(inside);
    let warn = move || warn_of_names(&counts, names, are_folded, bounds);
    if let Err(error) = spawn_giving_way("locust-exporter-count", warn) {
        tracing::warn!(%error, "{names} names of requests, whose series cannot be counted");
    }
}

fn warn_of_names(inside: &Inside, names: usize, are_folded: bool, bounds: Bounds) {
    let series = inside.series();
    if are_folded {
        let most = bounds.names;
        tracing::warn!(
            "more than {most} names of requests: each scrape has {series} series, and the names \
             beyond are counted as name=\"other\"; give requests that differ in ids alone one \
             name, or raise --metrics.max-names"
        );
    } else {
        tracing::warn!(
            "{names} names of requests: each scrape has {series} series; give requests that \
             differ in ids alone one name, or lower --metrics.max-names"
        );
    }
}

fn warn_of_errors(bounds: Bounds) {
    let most = bounds.errors;
    tracing::warn!(
        "more than {most} errors or exceptions: those beyond are counted as \"other\"; take what \
         is new in each (ids, times) out of their texts, or raise --metrics.max-errors"
    );
}

/// Names of requests, and what has lost its own name so far.
pub(crate) type Names = (usize, Folded);

/// Counts the series of an exposition as Prometheus counts them, with classic histograms.
pub(crate) fn count_series(families: &dyn Families) -> usize {
    let mut count = Count(0);
    for part in 0..families.parts() {
        families.visit(part, &mut count);
    }
    count.0
}

struct Count(usize);

impl Visitor for Count {
    fn family(&mut self, family: &Family<'_>) {
        family.each(|sample| {
            self.0 += match sample.value {
                Value::Number(_) => 1,
                Value::Summary(summary) => summary.quantiles.len() + 2,
                // The infinite bucket, sum and count.
                Value::Histogram(histogram) => {
                    histogram.classic.map_or(0, |classic| classic.bounds.len()) + 3
                }
            };
        });
    }
}
