//! A metric's series, written by one thread and read by others.

use std::sync::Arc;

use locust_model::{CustomKind, Distribution, Text};

use super::Definition;
use crate::atomic::{Count, Events, Number};
use crate::table::Table;
use crate::{CustomSeriesTotals, CustomTotal, CustomTotals, GaugeMerge};

/// A metric.
#[derive(Debug)]
pub(crate) struct Metric {
    pub(crate) name: Text,
    pub(crate) help: Text,
    pub(crate) kind: CustomKind,
    pub(crate) merge: GaugeMerge,
    pub(crate) labels: Vec<Text>,
    /// Upper bounds of a histogram's buckets; empty where it is none.
    pub(crate) bounds: Arc<[f64]>,
    series: Table<Arc<Series>>,
}

/// One series.
#[derive(Debug)]
pub(crate) struct Series {
    values: Vec<Text>,
    since: f64,
    events: Events,
    /// Not a number before the first change.
    changed: Number,
    /// The value, or a histogram's sum.
    number: Number,
    /// Those of a histogram, one more than its bounds.
    counts: Box<[Count]>,
}

impl Metric {
    pub(super) fn new(definition: &Definition<'_>) -> Self {
        let bounds = match definition.kind {
            CustomKind::Histogram => definition.buckets,
            CustomKind::Counter | CustomKind::Gauge => &[],
        };
        Self {
            name: definition.name.into(),
            help: definition.help.into(),
            kind: definition.kind,
            merge: definition.merge,
            labels: definition.labels.iter().map(|&label| label.into()).collect(),
            bounds: bounds.into(),
            series: Table::default(),
        }
    }

    pub(super) fn add(&self, values: Vec<Text>, now: f64) -> Arc<Series> {
        let counts = match self.kind {
            CustomKind::Histogram => (0..=self.bounds.len()).map(|_| Count::default()).collect(),
            CustomKind::Counter | CustomKind::Gauge => Box::default(),
        };
        let series = Arc::new(Series {
            values,
            since: now,
            events: Events::default(),
            changed: Number::new(f64::NAN),
            number: Number::new(0.0),
            counts,
        });
        self.series.push(Arc::clone(&series));
        series
    }

    /// How many series it has.
    pub(crate) fn len(&self) -> usize {
        self.series.len()
    }

    /// Grows with every change of a series; 0 where there was none yet.
    pub(crate) fn events(&self, row: usize) -> u64 {
        self.series.get(row).map_or(0, |series| series.events.get())
    }

    /// What a series says.
    pub(crate) fn series(&self, row: usize) -> Option<CustomSeriesTotals> {
        self.series.get(row).map(|series| self.read(series))
    }

    /// All that it says.
    pub(crate) fn totals(&self) -> CustomTotals {
        CustomTotals {
            name: Text::clone(&self.name),
            help: Text::clone(&self.help),
            kind: self.kind,
            merge: self.merge,
            labels: self.labels.clone(),
            bounds: Arc::clone(&self.bounds),
            series: (0..self.len()).filter_map(|row| self.series(row)).collect(),
        }
    }

    fn read(&self, series: &Series) -> CustomSeriesTotals {
        let (mut changed, mut number) = (0.0, 0.0);
        let mut counts = vec![0; series.counts.len()];
        series.events.read(|| {
            changed = series.changed.get();
            number = series.number.get();
            for (into, count) in counts.iter_mut().zip(&series.counts) {
                *into = count.get();
            }
        });
        let value = match self.kind {
            CustomKind::Counter | CustomKind::Gauge => CustomTotal::Number(number),
            CustomKind::Histogram => CustomTotal::Distribution(Distribution {
                bounds: Arc::clone(&self.bounds),
                counts,
                sum: number,
                native: None,
            }),
        };
        let changed = (!changed.is_nan()).then_some(changed);
        CustomSeriesTotals { values: series.values.clone(), since: series.since, changed, value }
    }
}

impl Series {
    pub(super) fn add(&self, amount: f64, now: f64) {
        self.change(now, || self.number.add(amount));
    }

    pub(super) fn set(&self, value: f64, now: f64) {
        self.change(now, || self.number.set(value));
    }

    pub(super) fn observe(&self, bounds: &[f64], value: f64, now: f64) {
        // What is not a number is above all bounds, as it is for other clients of Prometheus.
        let bucket = if value.is_nan() {
            bounds.len()
        } else {
            bounds.partition_point(|&bound| bound < value)
        };
        self.change(now, || {
            self.number.add(value);
            if let Some(count) = self.counts.get(bucket) {
                count.add(1);
            }
        });
    }

    fn change(&self, now: f64, change: impl FnOnce()) {
        self.events.begin();
        change();
        self.changed.set(now);
        self.events.end();
    }
}
