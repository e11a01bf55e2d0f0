//! Custom metrics of workers. They live as long as their process, whatever becomes of the
//! statistics.

use std::collections::HashMap;
use std::sync::Arc;

use locust_model::{CustomKind, Text};

use crate::report::{CustomPart, MetricPart, ReportError};
use crate::{CustomSeriesTotals, CustomTotal, CustomTotals, GaugeMerge, MOST_METRICS, MOST_SERIES};

const WRONG_NUMBER: ReportError = ReportError::Malformed("a custom metric's number");

/// Custom metrics of one process, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    metrics: Vec<CustomTotals>,
}

/// What a report says of them, checked.
#[derive(Default)]
pub(super) struct CustomChanges {
    metrics: Vec<MetricChange>,
    /// Bytes that it takes more, about.
    pub(super) bytes: usize,
}

struct MetricChange {
    row: usize,
    definition: Option<CustomTotals>,
    series: Vec<(usize, CustomSeriesTotals)>,
}

impl Metrics {
    /// A metric's kind and number of labels.
    pub(super) fn shape(&self, row: usize) -> Option<(CustomKind, usize)> {
        self.metrics.get(row).map(|metric| (metric.kind, metric.labels.len()))
    }

    pub(super) fn all(&self) -> &[CustomTotals] {
        &self.metrics
    }

    pub(super) fn into_all(self) -> Vec<CustomTotals> {
        self.metrics
    }

    /// Checks what a report says against what is known.
    pub(super) fn check(&self, parts: Vec<MetricPart>) -> Result<CustomChanges, ReportError> {
        let mut next = self.metrics.len();
        let mut changes = CustomChanges::default();
        for part in parts {
            let known = self.metrics.get(part.row);
            if known.is_none() {
                if part.row != next || next >= MOST_METRICS || part.definition.is_none() {
                    return Err(WRONG_NUMBER);
                }
                next += 1;
            }
            let known_series = known.map_or(&[][..], |known| &known.series);
            let series = check_series(part.series, known_series, &mut changes.bytes)?;
            let definition = if known.is_none() { part.definition } else { None };
            changes.metrics.push(MetricChange { row: part.row, definition, series });
        }
        Ok(changes)
    }

    /// Takes what has been checked.
    pub(super) fn apply(&mut self, changes: CustomChanges) {
        for change in changes.metrics {
            self.metrics.extend(change.definition);
            let Some(metric) = self.metrics.get_mut(change.row) else { continue };
            for (row, series) in change.series {
                match metric.series.get_mut(row) {
                    Some(known) => *known = series,
                    None => metric.series.push(series),
                }
            }
        }
    }
}

fn check_series(
    parts: Vec<CustomPart>,
    known: &[CustomSeriesTotals],
    bytes: &mut usize,
) -> Result<Vec<(usize, CustomSeriesTotals)>, ReportError> {
    let mut next = known.len();
    let mut series = Vec::new();
    for part in parts {
        let before = known.get(part.row);
        let (values, bounds) = match (before, part.label) {
            (Some(before), _) => (before.values.clone(), bounds(&before.value)),
            // The last one is that of all beyond.
            (None, Some(label)) if part.row == next && next <= MOST_SERIES => {
                next += 1;
                let texts: usize = label.0.iter().map(|value| value.len() + 32).sum();
                *bytes += 128 + texts + 16 * label.1.len();
                label
            }
            (None, _) => return Err(WRONG_NUMBER),
        };
        let value = part.value.with_bounds(&bounds);
        let value = value.ok_or(ReportError::Malformed("a custom metric's counts"))?;
        let (since, changed) = (part.since, part.changed);
        series.push((part.row, CustomSeriesTotals { values, since, changed, value }));
    }
    Ok(series)
}

fn bounds(value: &CustomTotal) -> Arc<[f64]> {
    match value {
        CustomTotal::Number(_) => Arc::default(),
        CustomTotal::Distribution(all) => all.bounds.clone(),
    }
}

/// Custom metrics of several processes, put together one after the other.
#[derive(Debug, Default)]
pub(super) struct Union {
    metrics: Vec<CustomTotals>,
    names: HashMap<Text, usize>,
    series: HashMap<(usize, Vec<Text>), usize>,
}

impl Union {
    /// Adds what a process says: its gauges only if it lives. A metric that another process has
    /// defined differently cannot be added to it, and is left out.
    pub(super) fn add(&mut self, metrics: &[CustomTotals], lives: bool) {
        for metric in metrics {
            if metric.kind == CustomKind::Gauge && !lives {
                continue;
            }
            let next = self.metrics.len();
            let at = *self.names.entry(Text::clone(&metric.name)).or_insert(next);
            if at == next {
                self.metrics.push(CustomTotals { series: Vec::new(), ..metric.clone() });
            }
            let all = &mut self.metrics[at];
            if (all.kind, &all.labels, all.merge) != (metric.kind, &metric.labels, metric.merge) {
                continue;
            }
            for series in &metric.series {
                let next = all.series.len();
                let place = *self.series.entry((at, series.values.clone())).or_insert(next);
                match all.series.get_mut(place) {
                    Some(known) => join(known, series, metric.kind, metric.merge),
                    None => all.series.push(series.clone()),
                }
            }
        }
    }

    pub(super) fn into_metrics(self) -> Vec<CustomTotals> {
        self.metrics
    }
}

fn join(
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
        (CustomTotal::Distribution(all), CustomTotal::Distribution(one))
            if all.bounds == one.bounds =>
        {
            all.sum += one.sum;
            for (count, more) in all.counts.iter_mut().zip(&one.counts) {
                *count = count.saturating_add(*more);
            }
        }
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
