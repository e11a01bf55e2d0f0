//! The two text formats: 0.0.4 (and 1.0.0, alike for legacy names), and `OpenMetrics`.

use super::canonical::Spellings;
use super::frame::{Frame, Series};
use super::pen::Pen;
use super::{Write, header, number};
use crate::family::{Family, Kind, Meta, Reject, Sample, Value};
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
    frame: Frame,
    series: Series,
    /// Where the family at hand goes on.
    at: usize,
}

impl Write for Text {
    fn open(&mut self, out: &mut Vec<u8>, family: &Family<'_>) {
        let at = out.len();
        let mut pen = Pen::new(out, at);
        match self.dialect {
            Dialect::Prometheus => header::prometheus(&mut pen, family.meta),
            Dialect::OpenMetrics { .. } => header::openmetrics(&mut pen, family.meta),
        }
        self.at = pen.at();
        self.frame.open(family);
    }

    #[inline]
    fn sample(
        &mut self,
        out: &mut Vec<u8>,
        family: &Family<'_>,
        sample: &Sample<'_>,
        rejections: &mut Rejections,
    ) {
        self.frame.follow(family, sample.labels.base);
        let mut pen = Pen::new(out, self.at);
        if let Value::Number(value) = sample.value {
            self.frame.begin(&mut pen, &sample.labels);
            end_float(&mut pen, value);
            self.at = pen.at();
            if family.meta.openmetrics != Kind::Counter || !self.writes_created() {
                return;
            }
        }
        self.series.take(&self.frame, &sample.labels);
        self.rest(&mut pen, family.meta, sample, rejections);
        self.at = pen.at();
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        out.truncate(self.at);
    }
}

impl Text {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            bounds: Spellings::new("le"),
            quantiles: Spellings::new("quantile"),
            frame: Frame::default(),
            series: Series::default(),
            at: 0,
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

    /// Writes the lines of a series that has more than a number's one.
    fn rest(
        &mut self,
        pen: &mut Pen<'_>,
        meta: &Meta,
        sample: &Sample<'_>,
        rejections: &mut Rejections,
    ) {
        let name = meta.name.as_str();
        match &sample.value {
            Value::Number(_) => {}
            Value::Summary(summary) => self.summary(pen, name, summary, rejections),
            Value::Histogram(histogram) => self.histogram(pen, name, histogram, rejections),
        }
        if self.writes_created() {
            self.created(pen, meta.openmetrics_name(), sample.created);
        }
    }

    fn summary(
        &mut self,
        pen: &mut Pen<'_>,
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
            self.series.begin_with(pen, [name, ""], spelling);
            end_float(pen, quantile.value);
        }
        if let Some(sum) = summary.sum {
            if self.takes_sum(sum) {
                self.series.begin(pen, [name, "_sum"]);
                end_float(pen, sum);
            } else {
                all_written = false;
            }
        }
        self.series.begin(pen, [name, "_count"]);
        end_count(pen, summary.count);
        if !all_written {
            rejections.add(Reject::NotACount);
        }
    }

    fn histogram(
        &mut self,
        pen: &mut Pen<'_>,
        name: &str,
        histogram: &Histogram<'_>,
        rejections: &mut Rejections,
    ) {
        let (bounds, counts) = histogram.classic.map(|c| (c.bounds, c.counts)).unwrap_or_default();
        let mut below = 0;
        for (count, spelling) in counts.iter().zip(self.bounds.of(bounds.iter().copied())) {
            below += count;
            self.series.begin_with(pen, [name, "_bucket"], spelling);
            end_count(pen, below);
        }
        self.series.begin_with(pen, [name, "_bucket"], "le=\"+Inf\"} ");
        end_count(pen, histogram.count);
        if self.is_openmetrics() && bounds.first().is_some_and(|bound| *bound < 0.0) {
            // With such a bucket OpenMetrics has no place for a sum, nor for the count beside it.
            return;
        }
        if !self.takes_sum(histogram.sum) {
            rejections.add(Reject::NotACount);
            return;
        }
        self.series.begin(pen, [name, "_sum"]);
        end_float(pen, histogram.sum);
        self.series.begin(pen, [name, "_count"]);
        end_count(pen, histogram.count);
    }

    /// Whether the format takes this sum. To `OpenMetrics` a sum is a counter.
    fn takes_sum(&self, sum: f64) -> bool {
        !self.is_openmetrics() || sum >= 0.0
    }

    fn created(&self, pen: &mut Pen<'_>, family: &str, created: Option<f64>) {
        if let Some(created) = created.filter(|created| created.is_finite()) {
            self.series.begin(pen, [family, "_created"]);
            end_float(pen, created);
        }
    }
}

#[inline]
fn end_float(pen: &mut Pen<'_>, value: f64) {
    number::float(pen, value);
    pen.byte(b'\n');
}

#[inline]
fn end_count(pen: &mut Pen<'_>, value: u64) {
    number::count(pen, value);
    pen.byte(b'\n');
}
