//! The two text formats: 0.0.4 (and 1.0.0, alike for legacy names), and `OpenMetrics`.

use super::canonical::Spellings;
use super::{Write, escape, number};
use crate::family::{Kind, Labels, Meta, Reject, Sample, Value};
use crate::histogram::{Histogram, Summary};
use crate::rejections::Rejections;

/// Where the text formats differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// 0.0.4.
    Prometheus,
    /// 1.0.
    OpenMetrics {
        /// Whether to write `_created`.
        created: bool,
    },
}

/// Writes text.
#[derive(Debug)]
pub(super) struct Text {
    dialect: Dialect,
    bounds: Spellings,
    quantiles: Spellings,
    /// Labels of the series at hand, without braces.
    labels: Vec<u8>,
}

impl Write for Text {
    fn open(&mut self, out: &mut Vec<u8>, meta: &Meta) {
        match self.dialect {
            Dialect::Prometheus => header(out, meta),
            Dialect::OpenMetrics { .. } => openmetrics_header(out, meta),
        }
    }

    fn sample(
        &mut self,
        out: &mut Vec<u8>,
        meta: &Meta,
        sample: &Sample<'_>,
        rejections: &mut Rejections,
    ) {
        let name = meta.name.as_str();
        match &sample.value {
            Value::Number(value) => return self.number(out, meta, sample, *value),
            Value::Summary(summary) => {
                self.remember(&sample.labels);
                self.summary(out, name, summary, rejections);
            }
            Value::Histogram(histogram) => {
                self.remember(&sample.labels);
                self.histogram(out, name, histogram, rejections);
            }
        }
        if self.writes_created() {
            self.created(out, name, sample.created);
        }
    }
}

impl Text {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            bounds: Spellings::default(),
            quantiles: Spellings::default(),
            labels: Vec::new(),
        }
    }

    pub(super) fn finish(&self, out: &mut Vec<u8>) {
        if self.is_openmetrics() {
            out.extend_from_slice(b"# EOF\n");
        }
    }

    fn is_openmetrics(&self) -> bool {
        self.dialect != Dialect::Prometheus
    }

    fn writes_created(&self) -> bool {
        self.dialect == Dialect::OpenMetrics { created: true }
    }

    /// Renders the labels that every line of a series has in common.
    fn remember(&mut self, labels: &Labels<'_>) {
        self.labels.clear();
        for (name, value) in labels.iter() {
            if !self.labels.is_empty() {
                self.labels.push(b',');
            }
            label(&mut self.labels, name, value);
        }
    }

    /// Writes the one line of most series, without the detour of rendering its labels apart.
    #[inline]
    fn number(&mut self, out: &mut Vec<u8>, meta: &Meta, sample: &Sample<'_>, value: f64) {
        out.extend_from_slice(meta.name.as_str().as_bytes());
        braced(out, &sample.labels);
        end_float(out, value);
        if meta.openmetrics == Kind::Counter && self.writes_created() {
            self.remember(&sample.labels);
            self.created(out, meta.openmetrics_name(), sample.created);
        }
    }

    fn summary(
        &mut self,
        out: &mut Vec<u8>,
        name: &str,
        summary: &Summary<'_>,
        rejections: &mut Rejections,
    ) {
        let mut all_written = true;
        let spellings = self.quantiles.of(summary.quantiles.iter().map(|quantile| quantile.q));
        for (quantile, spelling) in summary.quantiles.iter().zip(spellings) {
            if self.dialect != Dialect::Prometheus && quantile.value < 0.0 {
                all_written = false;
                continue;
            }
            line_with(out, [name, ""], &self.labels, ["quantile", spelling]);
            end_float(out, quantile.value);
        }
        if let Some(sum) = summary.sum {
            if self.takes_sum(sum) {
                line(out, [name, "_sum"], &self.labels);
                end_float(out, sum);
            } else {
                all_written = false;
            }
        }
        line(out, [name, "_count"], &self.labels);
        end_count(out, summary.count);
        if !all_written {
            rejections.add(Reject::NotACount);
        }
    }

    fn histogram(
        &mut self,
        out: &mut Vec<u8>,
        name: &str,
        histogram: &Histogram<'_>,
        rejections: &mut Rejections,
    ) {
        let (bounds, counts) = histogram.classic.map(|c| (c.bounds, c.counts)).unwrap_or_default();
        let mut below = 0;
        for (count, spelling) in counts.iter().zip(self.bounds.of(bounds.iter().copied())) {
            below += count;
            line_with(out, [name, "_bucket"], &self.labels, ["le", spelling]);
            end_count(out, below);
        }
        line_with(out, [name, "_bucket"], &self.labels, ["le", "+Inf"]);
        end_count(out, histogram.count);
        if self.is_openmetrics() && bounds.first().is_some_and(|bound| *bound < 0.0) {
            // With such a bucket OpenMetrics has no place for a sum, nor for the count beside it.
            return;
        }
        if !self.takes_sum(histogram.sum) {
            rejections.add(Reject::NotACount);
            return;
        }
        line(out, [name, "_sum"], &self.labels);
        end_float(out, histogram.sum);
        line(out, [name, "_count"], &self.labels);
        end_count(out, histogram.count);
    }

    /// Whether the format takes this sum. To `OpenMetrics` a sum is a counter.
    fn takes_sum(&self, sum: f64) -> bool {
        !self.is_openmetrics() || sum >= 0.0
    }

    fn created(&self, out: &mut Vec<u8>, family: &str, created: Option<f64>) {
        if let Some(created) = created.filter(|created| created.is_finite()) {
            line(out, [family, "_created"], &self.labels);
            end_float(out, created);
        }
    }
}

fn header(out: &mut Vec<u8>, meta: &Meta) {
    let name = meta.name.as_str();
    if !meta.help.is_empty() {
        comment(out, "HELP", name);
        escape::help(out, &meta.help);
        out.push(b'\n');
    }
    comment(out, "TYPE", name);
    out.extend_from_slice(type_word(meta.kind, "untyped").as_bytes());
    out.push(b'\n');
}

fn openmetrics_header(out: &mut Vec<u8>, meta: &Meta) {
    let name = meta.openmetrics_name();
    comment(out, "TYPE", name);
    out.extend_from_slice(type_word(meta.openmetrics, "unknown").as_bytes());
    out.push(b'\n');
    // A counter that cannot be called one here is not called anything.
    let is_lowered = meta.kind != meta.openmetrics;
    if let Some(unit) = meta.unit_suffix(name).filter(|_| !is_lowered) {
        comment(out, "UNIT", name);
        out.extend_from_slice(unit.as_bytes());
        out.push(b'\n');
    }
    if !meta.help.is_empty() {
        comment(out, "HELP", name);
        escape::quoted(out, &meta.help);
        out.push(b'\n');
    }
}

fn comment(out: &mut Vec<u8>, what: &str, name: &str) {
    for part in ["# ", what, " ", name, " "] {
        out.extend_from_slice(part.as_bytes());
    }
}

fn type_word(kind: Kind, unknown: &'static str) -> &'static str {
    match kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Unknown => unknown,
        Kind::Histogram => "histogram",
        Kind::Summary => "summary",
    }
}

/// Appends `name="value"`.
#[inline]
fn label(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"=\"");
    escape::quoted(out, value);
    out.push(b'"');
}

/// Appends all labels in braces, or nothing if there is none.
fn braced(out: &mut Vec<u8>, labels: &Labels<'_>) {
    let mut before = b'{';
    for (name, value) in labels.iter() {
        out.push(before);
        label(out, name, value);
        before = b',';
    }
    if before == b',' {
        out.push(b'}');
    }
}

/// Begins a line with the labels rendered before.
fn line(out: &mut Vec<u8>, name: [&str; 2], labels: &[u8]) {
    out.extend_from_slice(name[0].as_bytes());
    out.extend_from_slice(name[1].as_bytes());
    if !labels.is_empty() {
        out.push(b'{');
        out.extend_from_slice(labels);
        out.push(b'}');
    }
}

/// Begins a line with one more label, whose value needs no escape.
fn line_with(out: &mut Vec<u8>, name: [&str; 2], labels: &[u8], extra: [&str; 2]) {
    out.extend_from_slice(name[0].as_bytes());
    out.extend_from_slice(name[1].as_bytes());
    out.push(b'{');
    if !labels.is_empty() {
        out.extend_from_slice(labels);
        out.push(b',');
    }
    out.extend_from_slice(extra[0].as_bytes());
    out.extend_from_slice(b"=\"");
    out.extend_from_slice(extra[1].as_bytes());
    out.extend_from_slice(b"\"}");
}

#[inline]
fn end_float(out: &mut Vec<u8>, value: f64) {
    out.push(b' ');
    number::float(out, value);
    out.push(b'\n');
}

fn end_count(out: &mut Vec<u8>, value: u64) {
    out.push(b' ');
    number::count(out, value);
    out.push(b'\n');
}
