//! Custom metrics of one worker's processes. They live as long as their process, whatever becomes
//! of the statistics.

use std::collections::BTreeMap;
use std::sync::Arc;

use locust_model::{CustomKind, OTHER, Text};

use super::texts::Texts;
use super::union::{Union, join};
use crate::report::{CustomPart, MetricPart, ReportError};
use crate::{CustomSeriesTotals, CustomTotals, GaugeMerge, MOST_METRICS, MOST_SERIES};

const WRONG_NUMBER: ReportError = ReportError::Malformed("a custom metric's number");

/// What a metric or a series takes beside its texts and counts.
const BYTES: usize = 160;
/// What a label's value takes beside its text.
const LABEL_BYTES: usize = 32;

/// Custom metrics of one process, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    pub(super) metrics: Vec<Metric>,
    /// Bytes that they take, about.
    pub(super) bytes: usize,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Metric {
    kind: CustomKind,
    labels: usize,
    bounds: Arc<[f64]>,
    /// Where it is among those of all processes; nowhere if it is defined differently there.
    pub(super) place: Option<usize>,
    pub(super) series: Vec<Series>,
}

/// One series of a metric.
#[derive(Debug)]
pub(super) struct Series {
    /// Where it is among those of the metric in all processes.
    pub(super) place: usize,
    pub(super) totals: CustomSeriesTotals,
}

/// What a report says of them, checked.
#[derive(Default)]
pub(super) struct CustomChanges(Vec<MetricChange>);

struct MetricChange {
    row: usize,
    definition: Option<CustomTotals>,
    series: Vec<(usize, CustomSeriesTotals)>,
}

/// What of it is not shown as it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct CustomLosses {
    /// Metrics that are defined differently elsewhere.
    pub(super) conflicts: u64,
    /// Series that were too many to keep their labels.
    pub(super) series: u64,
}

impl Metrics {
    /// A metric's kind and number of labels.
    pub(super) fn shape(&self, row: usize) -> Option<(CustomKind, usize)> {
        self.metrics.get(row).map(|metric| (metric.kind, metric.labels))
    }

    /// Checks what a report says against what is known.
    pub(super) fn check(&self, parts: Vec<MetricPart>) -> Result<CustomChanges, ReportError> {
        let mut next = self.metrics.len();
        let mut changes = CustomChanges::default();
        for part in parts {
            let known = self.metrics.get(part.row);
            if known.is_none() {
                if part.row != next || next >= MOST_METRICS {
                    return Err(WRONG_NUMBER);
                }
                next += 1;
            }
            let definition = if known.is_none() { part.definition } else { None };
            let bounds = match (known, &definition) {
                (Some(known), _) => &known.bounds,
                (None, Some(new)) => &new.bounds,
                (None, None) => return Err(WRONG_NUMBER),
            };
            let known_series = known.map_or(&[][..], |known| &known.series);
            let series = check_series(part.series, known_series, bounds)?;
            changes.0.push(MetricChange { row: part.row, definition, series });
        }
        Ok(changes)
    }

    /// Takes what has been checked, from this worker.
    pub(super) fn apply(
        &mut self,
        changes: CustomChanges,
        union: &mut Union,
        worker: &Text,
        texts: &mut Texts,
    ) -> CustomLosses {
        let mut losses = CustomLosses::default();
        for change in changes.0 {
            if let Some(definition) = change.definition {
                self.bytes += BYTES + 8 * definition.bounds.len();
                let place = union.place(&definition, worker);
                losses.conflicts += u64::from(place.is_none());
                let (kind, labels) = (definition.kind, definition.labels.len());
                let bounds = definition.bounds;
                self.metrics.push(Metric { kind, labels, bounds, place, series: Vec::new() });
            }
            let Some(metric) = self.metrics.get_mut(change.row) else { continue };
            for (row, mut totals) in change.series {
                if let Some(known) = metric.series.get_mut(row) {
                    known.totals = totals;
                    continue;
                }
                for value in &mut totals.values {
                    *value = texts.label(Text::clone(value));
                }
                self.bytes += size(&totals.values) + 8 * metric.bounds.len();
                let place = metric.place.map(|metric| union.series_place(metric, &totals.values));
                let (place, is_lost) = place.unwrap_or_default();
                if is_lost {
                    losses.series += 1;
                    totals.values.fill(OTHER.into());
                }
                metric.series.push(Series { place, totals });
            }
        }
        losses
    }
}

/// Bytes that a series takes, about, beside a histogram's counts.
pub(super) fn size(values: &[Text]) -> usize {
    BYTES + values.iter().map(|value| value.len() + LABEL_BYTES).sum::<usize>()
}

fn check_series(
    parts: Vec<CustomPart>,
    known: &[Series],
    bounds: &Arc<[f64]>,
) -> Result<Vec<(usize, CustomSeriesTotals)>, ReportError> {
    let mut next = known.len();
    let mut series = Vec::new();
    for part in parts {
        let values = match (known.get(part.row), part.label) {
            (Some(before), _) => before.totals.values.clone(),
            // The last one is that of all beyond.
            (None, Some(label)) if part.row == next && next <= MOST_SERIES => {
                next += 1;
                label
            }
            (None, _) => return Err(WRONG_NUMBER),
        };
        let value = part.value.with_bounds(bounds);
        let value = value.ok_or(ReportError::Malformed("a custom metric's counts"))?;
        let (since, changed) = (part.since, part.changed);
        series.push((part.row, CustomSeriesTotals { values, since, changed, value }));
    }
    Ok(series)
}

/// What counters and histograms of ended processes came to, by places.
#[derive(Debug, Default)]
pub(super) struct Settled {
    pub(super) series: BTreeMap<(usize, usize), CustomSeriesTotals>,
    /// Bytes that they take, about.
    pub(super) bytes: usize,
}

impl Settled {
    /// Adds those of a process that has ended.
    pub(super) fn add(&mut self, ended: Metrics) {
        let counts = |metric: &Metric| metric.kind != CustomKind::Gauge;
        for metric in ended.metrics.into_iter().filter(counts) {
            let Some(place) = metric.place else { continue };
            for series in metric.series {
                if let Some(known) = self.series.get_mut(&(place, series.place)) {
                    join(known, &series.totals, metric.kind, GaugeMerge::Sum);
                } else {
                    self.bytes += size(&series.totals.values) + 8 * metric.bounds.len();
                    self.series.insert((place, series.place), series.totals);
                }
            }
        }
    }
}
