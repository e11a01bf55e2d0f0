//! Everything recorded since the statistics began to count.
//!
//! A new test or a reset takes a new book, so that readers see the old numbers or the new ones and
//! never some of each.

use std::borrow::Cow;
use std::sync::Arc;

use locust_model::{Folded, Losses, cut_label};

use crate::atomic::{Count, Number};
use crate::endpoint::Endpoint;
use crate::failure::{Failure, Raised};
use crate::partition::Partition;
use crate::recent::Recent;
use crate::table::Table;
use crate::{AllTotals, Config};

/// Everything recorded since the statistics began to count.
#[derive(Debug)]
pub(crate) struct Book {
    pub(crate) all: All,
    pub(crate) generation: u64,
    /// The first generation of the test that this is of.
    pub(crate) test: u64,
    pub(crate) since: f64,
    pub(crate) config: Arc<Config>,
    pub(crate) partition: Partition,
    pub(crate) endpoints: Table<Arc<Endpoint>>,
    pub(crate) failures: Table<Arc<Failure>>,
    pub(crate) raised: Table<Arc<Raised>>,
    pub(crate) not_times: Count,
    pub(crate) not_lengths: Count,
    pub(crate) folds: Folds,
    /// What was lost in the books before.
    lost_before: Losses,
}

/// Of all requests together.
#[derive(Debug)]
pub(crate) struct All {
    pub(crate) requests: Count,
    pub(crate) failures: Count,
    pub(crate) sum: Number,
    /// Not a number before the first request.
    pub(crate) last_request: Number,
    pub(crate) recent: Recent,
}

/// Events that lost a text.
#[derive(Debug, Default)]
pub(crate) struct Folds {
    pub(crate) names: Count,
    pub(crate) errors: Count,
    pub(crate) exceptions: Count,
    /// Label values that were cut.
    pub(crate) labels: Count,
    /// Changes of a custom metric's series.
    pub(crate) custom_series: Count,
}

impl Book {
    pub(crate) fn new(config: Arc<Config>, now: f64) -> Self {
        let partition = Partition::new(&config);
        let recent = Recent::new(partition.len(), second(now));
        Self {
            all: All {
                requests: Count::default(),
                failures: Count::default(),
                sum: Number::new(0.0),
                last_request: Number::new(f64::NAN),
                recent,
            },
            generation: 0,
            test: 0,
            since: now,
            config,
            partition,
            endpoints: Table::default(),
            failures: Table::default(),
            raised: Table::default(),
            not_times: Count::default(),
            not_lengths: Count::default(),
            folds: Folds::default(),
            lost_before: Losses::default(),
        }
    }

    /// That of the next test.
    pub(crate) fn of_next_test(&self, config: Arc<Config>, now: f64) -> Self {
        let test = self.generation + 1;
        Self { test, ..self.next(config, now) }
    }

    /// The one that follows in the same test.
    pub(crate) fn after_reset(&self, now: f64) -> Self {
        self.next(Arc::clone(&self.config), now)
    }

    fn next(&self, config: Arc<Config>, now: f64) -> Self {
        let (generation, test) = (self.generation + 1, self.test);
        Self { generation, test, lost_before: self.all_losses(), ..Self::new(config, now) }
    }

    /// A label value no longer than it may be.
    pub(crate) fn label<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let label = cut_label(text, self.config.bounds.label_bytes);
        self.folds.labels.add(u64::from(matches!(label, Cow::Owned(_))));
        label
    }

    /// `window` is that of the current response times, in seconds.
    pub(crate) fn all(&self, now: f64, window: u64) -> AllTotals {
        let last = self.all.last_request.get();
        AllTotals {
            start: self.since,
            sum: self.all.sum.get(),
            last_request: (!last.is_nan()).then_some(last),
            current: self.all.recent.current(second(now), window),
        }
    }

    /// What has been lost since this was begun.
    pub(crate) fn losses(&self) -> Losses {
        let folded = Folded {
            names: self.folds.names.get(),
            errors: self.folds.errors.get(),
            exceptions: self.folds.exceptions.get(),
            cut_labels: self.folds.labels.get(),
        };
        Losses {
            folded,
            not_times: self.not_times.get(),
            not_lengths: self.not_lengths.get(),
            custom_series: self.folds.custom_series.get(),
            custom_conflicts: 0,
        }
    }

    /// What has been lost since the first one was begun.
    pub(crate) fn all_losses(&self) -> Losses {
        self.lost_before.plus(&self.losses())
    }
}

/// The second that a time of day is in.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a clock that is out of range gives the nearest second there is"
)]
#[inline]
pub(crate) fn second(now: f64) -> u64 {
    now as u64
}
