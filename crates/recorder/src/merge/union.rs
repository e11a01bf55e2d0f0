//! The custom metrics of all processes together.
//!
//! A metric is what the first process said that it is. One of another process that is defined
//! differently cannot be added to it, and is left out. Places are never given up: they are of
//! series that have been counted.

use std::collections::HashMap;

use locust_model::{CustomKind, OTHER, Text, cut};

use super::custom::{Metrics, Settled, size};
use crate::{CustomSeriesTotals, CustomTotal, CustomTotals, GaugeMerge, MOST_SERIES, Notice};

/// A definition in a notice has no more characters: buckets may be many.
const MOST_SAID: usize = 300;

/// The custom metrics of all processes together, by their places.
#[derive(Debug, Default)]
pub(super) struct Union {
    metrics: Vec<Known>,
    names: HashMap<Text, usize>,
    /// What has not been told yet.
    notices: Vec<Notice>,
    /// Bytes that it takes, about.
    pub(super) bytes: usize,
}

#[derive(Debug)]
struct Known {
    /// Without series.
    definition: CustomTotals,
    series: HashMap<Box<[Text]>, usize>,
    is_difference_told: bool,
    is_excess_told: bool,
}

impl Union {
    /// The place of a metric that a worker has defined, which is made if need be; none if it is
    /// defined differently.
    pub(super) fn place(&mut self, new: &CustomTotals, worker: &Text) -> Option<usize> {
        let next = self.metrics.len();
        let place = *self.names.entry(Text::clone(&new.name)).or_insert(next);
        let Some(known) = self.metrics.get_mut(place) else {
            let (name, kind, labels) = (new.name.clone(), new.kind, new.labels.clone());
            self.bytes += size(&labels) + name.len() + new.help.len() + 8 * new.bounds.len();
            self.notices.push(Notice::Defined { name, kind, labels });
            self.metrics.push(Known::new(new.clone()));
            return Some(place);
        };
        let all = &known.definition;
        let is_same = (all.kind, all.merge) == (new.kind, new.merge)
            && (&all.labels, &all.bounds) == (&new.labels, &new.bounds);
        if !is_same && !known.is_difference_told {
            known.is_difference_told = true;
            self.notices.push(Notice::Differs {
                name: Text::clone(&new.name),
                worker: Text::clone(worker),
                theirs: said(new),
                ours: said(all),
            });
        }
        is_same.then_some(place)
    }

    /// The place of a metric's series, which is made if need be, and whether it lost its labels to
    /// be there.
    pub(super) fn series_place(&mut self, metric: usize, values: &[Text]) -> (usize, bool) {
        let Some(known) = self.metrics.get_mut(metric) else { return (0, false) };
        if let Some(&place) = known.series.get(values) {
            return (place, false);
        }
        // Where others are folded to, from a worker that has done so.
        let is_other = values.iter().all(|value| &**value == OTHER);
        let is_lost = known.series.len() >= MOST_SERIES && !is_other;
        if is_lost && !known.is_excess_told {
            known.is_excess_told = true;
            self.notices.push(Notice::ManySeries { name: Text::clone(&known.definition.name) });
        }
        let value = |value: &Text| if is_lost { OTHER.into() } else { Text::clone(value) };
        let next = known.series.len();
        let key: Box<[Text]> = values.iter().map(value).collect();
        let bytes = size(&key);
        let place = *known.series.entry(key).or_insert(next);
        self.bytes += if place == next { bytes } else { 0 };
        (place, is_lost)
    }

    /// What has not been told yet.
    pub(super) fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// Begins to add up.
    pub(super) fn sums(&self) -> Sums<'_> {
        Sums { union: self, sums: self.metrics.iter().map(|_| None).collect() }
    }
}

impl Known {
    fn new(definition: CustomTotals) -> Self {
        let series = HashMap::new();
        Self { definition, series, is_difference_told: false, is_excess_told: false }
    }
}

/// A definition in words.
fn said(metric: &CustomTotals) -> String {
    let CustomTotals { kind, merge, labels, bounds, .. } = metric;
    let kind = match kind {
        CustomKind::Counter => "counter".to_owned(),
        CustomKind::Gauge => format!("gauge (merge {})", format!("{merge:?}").to_lowercase()),
        CustomKind::Histogram => format!("histogram (buckets {bounds:?})"),
    };
    cut(&format!("{kind} with labels {labels:?}"), MOST_SAID).to_owned()
}

/// What all processes come to.
pub(super) struct Sums<'u> {
    union: &'u Union,
    /// By places; none of what nobody has.
    sums: Vec<Option<Vec<Option<CustomSeriesTotals>>>>,
}

impl Sums<'_> {
    /// Adds what a process says: its gauges only if it lives.
    pub(super) fn add(&mut self, metrics: &Metrics, lives: bool) {
        for metric in &metrics.metrics {
            let Some(place) = metric.place else { continue };
            if let Some(known) = self.union.metrics.get(place)
                && (lives || known.definition.kind != CustomKind::Gauge)
            {
                // Also if it has no series yet.
                self.sums[place].get_or_insert_default();
                for series in &metric.series {
                    self.add_series((place, series.place), &series.totals);
                }
            }
        }
    }

    /// Adds what processes said that have ended.
    pub(super) fn add_settled(&mut self, settled: &Settled) {
        for (&place, series) in &settled.series {
            self.add_series(place, series);
        }
    }

    fn add_series(&mut self, (metric, place): (usize, usize), one: &CustomSeriesTotals) {
        let Some(known) = self.union.metrics.get(metric) else { return };
        let sums = self.sums[metric].get_or_insert_default();
        if place >= sums.len() {
            sums.resize(place + 1, None);
        }
        match &mut sums[place] {
            Some(all) => join(all, one, known.definition.kind, known.definition.merge),
            none => *none = Some(one.clone()),
        }
    }

    /// What it comes to.
    pub(super) fn into_totals(self) -> Vec<CustomTotals> {
        let mut totals = Vec::new();
        for (known, sums) in self.union.metrics.iter().zip(self.sums) {
            let Some(sums) = sums else { continue };
            let series = sums.into_iter().flatten().collect();
            totals.push(CustomTotals { series, ..known.definition.clone() });
        }
        totals
    }
}

/// Adds another process's series to one.
pub(super) fn join(
    all: &mut CustomSeriesTotals,
    one: &CustomSeriesTotals,
    kind: CustomKind,
    merge: GaugeMerge,
) {
    match (&mut all.value, &one.value) {
        (CustomTotal::Number(value), CustomTotal::Number(other)) => {
            *value = if kind == CustomKind::Gauge {
                gauge((*value, all.changed), (*other, one.changed), merge)
            } else {
                *value + other
            };
        }
        (CustomTotal::Distribution(all), CustomTotal::Distribution(one)) => {
            all.sum += one.sum;
            for (count, more) in all.counts.iter_mut().zip(&one.counts) {
                *count = count.saturating_add(*more);
            }
        }
        // All that are counted together are of one kind.
        _ => {}
    }
    all.since = all.since.min(one.since);
    all.changed = latest(all.changed, one.changed);
}

/// Two processes' gauges as one. One that was never set says nothing beside one that was: every
/// process has the test's gauges, also those in which it runs nothing.
fn gauge(a: (f64, Option<f64>), b: (f64, Option<f64>), merge: GaugeMerge) -> f64 {
    match (a, b) {
        ((value, _), (_, None)) | ((_, None), (value, _)) => value,
        ((a, a_set), (b, b_set)) => match merge {
            GaugeMerge::Sum => a + b,
            GaugeMerge::Max => a.max(b),
            GaugeMerge::Min => a.min(b),
            GaugeMerge::Last if b_set > a_set => b,
            GaugeMerge::Last => a,
        },
    }
}

fn latest(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    if b > a { b } else { a }
}
