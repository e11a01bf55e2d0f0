//! Custom metrics in a report. They live as long as their process.

use std::sync::Arc;

use locust_model::{CustomKind, Distribution, Text};

use super::ReportError;
use super::bytes::{Cursor, put_float, put_number, put_text};
use super::envelope::Envelope;
use super::rows::{Room, RowReader, RowWriter};
use super::tracked::Marks;
use crate::custom::Metric;
use crate::view::View;
use crate::{CustomSeriesTotals, CustomTotal, CustomTotals, GaugeMerge};

/// A histogram has no more buckets than this.
const MOST_BUCKETS: usize = 1_000;

/// What the maker of reports remembers.
#[derive(Debug, Default)]
pub(crate) struct TrackedCustom {
    metrics: Marks<()>,
    series: Vec<Marks<u64>>,
}

/// A metric in a report.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MetricPart {
    pub(crate) row: usize,
    /// Without series; present if it is new.
    pub(crate) definition: Option<CustomTotals>,
    pub(crate) series: Vec<CustomPart>,
}

/// A series in a report.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CustomPart {
    pub(crate) row: usize,
    /// Label values, if it is new.
    pub(crate) label: Option<Vec<Text>>,
    pub(crate) since: f64,
    pub(crate) changed: Option<f64>,
    pub(crate) value: CustomValue,
}

/// A series' value, without a histogram's bounds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum CustomValue {
    Number(f64),
    Distribution(Vec<u64>, f64),
}

impl TrackedCustom {
    /// Writes the metrics and series that changed since the report's base.
    pub(crate) fn put(&mut self, view: &View, envelope: &Envelope, out: &mut Vec<u8>) {
        let mut rows = RowWriter::new(out);
        let mut changed = Vec::new();
        for row in 0..view.customs() {
            let Some(metric) = view.custom(row) else { continue };
            if row == self.series.len() {
                self.series.push(Marks::default());
            }
            let mark = self.metrics.see(row, (), envelope.sequence);
            let is_new = mark.is_new_since(envelope.base);
            changed.clear();
            for at in 0..metric.len() {
                let mark = self.series[row].see(at, metric.events(at), envelope.sequence);
                if mark.has_changed_since(envelope.base) {
                    changed.push((at, mark.is_new_since(envelope.base)));
                }
            }
            if !is_new && changed.is_empty() {
                continue;
            }
            rows.row(row, is_new);
            if is_new {
                put_definition(metric, rows.out);
            }
            let mut inner = RowWriter::new(rows.out);
            for &(at, is_new) in &changed {
                if let Some(series) = metric.series(at) {
                    inner.row(at, is_new);
                    put_series(&series, is_new, inner.out);
                }
            }
            inner.end();
        }
        rows.end();
    }
}

fn put_definition(metric: &Metric, out: &mut Vec<u8>) {
    put_text(out, &metric.name);
    put_text(out, &metric.help);
    out.push(match metric.kind {
        CustomKind::Counter => 0,
        CustomKind::Gauge => 1,
        CustomKind::Histogram => 2,
    });
    out.push(match metric.merge {
        GaugeMerge::Sum => 0,
        GaugeMerge::Max => 1,
        GaugeMerge::Min => 2,
        GaugeMerge::Last => 3,
    });
    put_number(out, metric.labels.len() as u64);
    for label in &metric.labels {
        put_text(out, label);
    }
    if metric.kind == CustomKind::Histogram {
        put_number(out, metric.bounds.len() as u64);
        for bound in &*metric.bounds {
            put_float(out, *bound);
        }
    }
}

fn put_series(series: &CustomSeriesTotals, is_new: bool, out: &mut Vec<u8>) {
    if is_new {
        for value in &series.values {
            put_text(out, value);
        }
    }
    put_float(out, series.since);
    put_float(out, series.changed.unwrap_or(f64::NAN));
    match &series.value {
        CustomTotal::Number(value) => {
            out.push(0);
            put_float(out, *value);
        }
        CustomTotal::Distribution(all) => {
            out.push(1);
            put_number(out, all.counts.len() as u64);
            for count in &all.counts {
                put_number(out, *count);
            }
            put_float(out, all.sum);
        }
    }
}

impl MetricPart {
    /// Reads all metrics; `known` answers kind and number of labels of the ones that the master
    /// has.
    pub(crate) fn read_all(
        from: &mut Cursor<'_>,
        room: &mut Room,
        known: impl Fn(usize) -> Option<(CustomKind, usize)>,
    ) -> Result<Vec<Self>, ReportError> {
        let mut metrics = Vec::new();
        let mut reader = RowReader::new();
        while let Some((row, is_new)) = reader.row(from)? {
            let definition = if is_new { Some(read_definition(from, room)?) } else { None };
            let (kind, labels) = match &definition {
                Some(metric) => (metric.kind, metric.labels.len()),
                None => known(row).ok_or(ReportError::Malformed("a custom metric's number"))?,
            };
            let series = read_series(from, kind, labels, room)?;
            metrics.push(Self { row, definition, series });
        }
        Ok(metrics)
    }
}

fn read_definition(from: &mut Cursor<'_>, room: &mut Room) -> Result<CustomTotals, ReportError> {
    let (name, help) = (from.text()?.into(), from.text()?.into());
    let kind = match from.byte()? {
        0 => CustomKind::Counter,
        1 => CustomKind::Gauge,
        2 => CustomKind::Histogram,
        _ => return Err(ReportError::Malformed("a custom metric's kind")),
    };
    let merge = match from.byte()? {
        0 => GaugeMerge::Sum,
        1 => GaugeMerge::Max,
        2 => GaugeMerge::Min,
        3 => GaugeMerge::Last,
        _ => return Err(ReportError::Malformed("how a gauge is merged")),
    };
    let mut labels = Vec::new();
    for _ in 0..from.size()? {
        labels.push(read_label(from, room)?);
    }
    let is_histogram = kind == CustomKind::Histogram;
    let bounds = if is_histogram { read_bounds(from)? } else { Vec::new() }.into();
    Ok(CustomTotals { name, help, kind, merge, labels, bounds, series: Vec::new() })
}

/// What a text takes beside its characters.
const TEXT_BYTES: usize = 2 * size_of::<Text>();

fn read_label(from: &mut Cursor<'_>, room: &mut Room) -> Result<Text, ReportError> {
    let text = from.text()?;
    room.take(TEXT_BYTES + text.len())?;
    Ok(text.into())
}

fn read_series(
    from: &mut Cursor<'_>,
    kind: CustomKind,
    labels: usize,
    room: &mut Room,
) -> Result<Vec<CustomPart>, ReportError> {
    let is_histogram = kind == CustomKind::Histogram;
    let mut series = Vec::new();
    let mut reader = RowReader::new();
    while let Some((row, is_new)) = reader.row(from)? {
        let label = if is_new {
            let mut values = Vec::new();
            for _ in 0..labels {
                values.push(read_label(from, room)?);
            }
            Some(values)
        } else {
            None
        };
        let (since, changed) = (from.float()?, from.float()?);
        let value = match (from.byte()?, is_histogram) {
            (0, false) => CustomValue::Number(from.float()?),
            (1, true) => read_counts(from)?,
            _ => return Err(ReportError::Malformed("a custom value")),
        };
        let changed = (!changed.is_nan()).then_some(changed);
        series.push(CustomPart { row, label, since, changed, value });
    }
    Ok(series)
}

fn read_bounds(from: &mut Cursor<'_>) -> Result<Vec<f64>, ReportError> {
    let length = from.size()?;
    if length > MOST_BUCKETS {
        return Err(ReportError::Malformed("the number of a custom metric's buckets"));
    }
    let bounds: Vec<f64> = (0..length).map(|_| from.float()).collect::<Result<_, _>>()?;
    if !bounds.iter().all(|bound| bound.is_finite()) || !bounds.is_sorted_by(|a, b| a < b) {
        return Err(ReportError::Malformed("a custom metric's bounds"));
    }
    Ok(bounds)
}

fn read_counts(from: &mut Cursor<'_>) -> Result<CustomValue, ReportError> {
    let length = from.size()?;
    if length > MOST_BUCKETS + 1 {
        return Err(ReportError::Malformed("the number of a custom metric's counts"));
    }
    let counts = (0..length).map(|_| from.number()).collect::<Result<_, _>>()?;
    Ok(CustomValue::Distribution(counts, from.float()?))
}

impl CustomValue {
    /// With a histogram's bounds; `None` where the counts are not as many as they ask for.
    pub(crate) fn with_bounds(self, bounds: &Arc<[f64]>) -> Option<CustomTotal> {
        match self {
            Self::Number(value) => Some(CustomTotal::Number(value)),
            Self::Distribution(counts, sum) => (counts.len() == bounds.len() + 1).then(|| {
                let bounds = bounds.clone();
                CustomTotal::Distribution(Distribution { bounds, counts, sum, native: None })
            }),
        }
    }
}
