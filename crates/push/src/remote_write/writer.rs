//! From points to the series of a request.

use bytes::Bytes;
use exposition::{Histogram, Meta, Native, Summary, Value, wire, write_buckets};

use super::dialect::Dialect;
use super::row::{Extras, Names, Row, Suffix};
use crate::batch::Batch;
use crate::point::{Millis, Point, Reading, Shape};

/// Tells that a series is no more (remote write 2.0, "Stale Markers").
pub(super) const STALE: f64 = f64::from_bits(0x7ff0_0000_0000_0002);

/// What else is not a number, as Prometheus writes it: never to be taken for [`STALE`].
const NOT_A_NUMBER: f64 = f64::from_bits(0x7ff8_0000_0000_0001);

/// Writes points as series of one version, into one request after the other.
pub(super) struct Writer<D> {
    dialect: D,
    /// Whether native histograms are sent.
    takes_native: bool,
    /// The family of the point before, if it was in this request.
    family: Option<Meta>,
    names: Names,
    bounds: Extras,
    quantiles: Extras,
    row: Row,
    /// A native histogram's message.
    histogram: Vec<u8>,
    /// The series of the request.
    series: Vec<u8>,
    samples: u32,
    histograms: u32,
    time: Millis,
    compressor: snap::raw::Encoder,
    request: Vec<u8>,
    compressed: Vec<u8>,
}

impl<D: Dialect + Default> Writer<D> {
    pub(super) fn new(takes_native: bool) -> Self {
        Self {
            dialect: D::default(),
            takes_native,
            family: None,
            names: Names::default(),
            bounds: Extras::new("le"),
            quantiles: Extras::new("quantile"),
            row: Row::default(),
            histogram: Vec::new(),
            series: Vec::new(),
            samples: 0,
            histograms: 0,
            time: 0,
            compressor: snap::raw::Encoder::new(),
            request: Vec::new(),
            compressed: Vec::new(),
        }
    }
}

impl<D: Dialect> Writer<D> {
    /// Whether native histograms are sent.
    pub(super) fn takes_native(&self) -> bool {
        self.takes_native
    }

    /// How many samples the request has, native histograms among them.
    pub(super) fn samples(&self) -> usize {
        (self.samples + self.histograms) as usize
    }

    /// How many bytes the request has, uncompressed.
    pub(super) fn length(&self) -> usize {
        self.series.len() + self.dialect.length()
    }

    /// Writes all series of a point. Those have the labels `every` too, which are in order.
    pub(super) fn point(&mut self, point: &Point<'_>, every: &[(String, String)]) {
        if self.family.as_ref() != Some(point.meta) {
            self.names.begin(point.meta.name.as_str());
            self.dialect.family(point.meta);
            self.family = Some(point.meta.clone());
        }
        let is_summary = matches!(
            point.reading,
            Reading::Value(Value::Summary(_)) | Reading::Ended(Shape::Summary { .. })
        );
        let extra = if is_summary { self.quantiles.name } else { self.bounds.name };
        self.row.labels(&mut self.dialect, every, point.labels, extra);
        self.row.times(&self.dialect, point.time, point.start);
        self.time = self.time.max(point.time);
        match point.reading {
            Reading::Value(Value::Number(value)) => self.number(Suffix::Nothing, plain(value)),
            Reading::Value(Value::Summary(summary)) => {
                let quantiles = summary.quantiles.iter().map(|quantile| quantile.q);
                self.summary(quantiles, summary.sum.is_some(), Some(&summary));
            }
            Reading::Value(Value::Histogram(histogram)) => {
                let bounds = histogram.classic.map(|classic| classic.bounds);
                self.histogram(bounds, histogram.native.is_some(), Some(&histogram), point);
            }
            Reading::Ended(Shape::Number) => self.number(Suffix::Nothing, STALE),
            Reading::Ended(Shape::Summary { quantiles, has_sum }) => {
                self.summary(quantiles.iter().copied(), has_sum, None);
            }
            Reading::Ended(Shape::Histogram { bounds, is_native }) => {
                self.histogram(bounds, is_native, None, point);
            }
        }
    }

    fn number(&mut self, suffix: Suffix, value: f64) {
        let name = self.names.label(&mut self.dialect, suffix);
        self.row.number::<D>(&mut self.series, name, &[], value);
        self.samples += 1;
    }

    /// Writes the series of a summary, which are stale if it is not there.
    fn summary(
        &mut self,
        quantiles: impl Iterator<Item = f64> + Clone,
        has_sum: bool,
        summary: Option<&Summary<'_>>,
    ) {
        let Self { dialect, names, row, series, samples, .. } = self;
        let name = names.label(dialect, Suffix::Nothing);
        for (i, quantile) in self.quantiles.labels(dialect, quantiles).enumerate() {
            let value = summary.and_then(|summary| summary.quantiles.get(i));
            let value = value.map_or(STALE, |quantile| plain(quantile.value));
            row.number::<D>(series, name, quantile, value);
            *samples += 1;
        }
        if has_sum {
            self.number(Suffix::Sum, summary.and_then(|summary| summary.sum).map_or(STALE, plain));
        }
        self.number(Suffix::Count, summary.map_or(STALE, |summary| summary.count as f64));
    }

    /// Writes the series of a histogram, which are stale if it is not there. One that has native
    /// buckets alone has no classic series, unless the native one is not sent.
    fn histogram(
        &mut self,
        bounds: Option<&[f64]>,
        is_native: bool,
        histogram: Option<&Histogram<'_>>,
        point: &Point<'_>,
    ) {
        let is_native = is_native && self.takes_native;
        if bounds.is_some() || !is_native {
            self.classic(bounds.unwrap_or_default(), histogram);
        }
        if is_native {
            self.native(histogram, point);
        }
    }

    fn classic(&mut self, bounds: &[f64], histogram: Option<&Histogram<'_>>) {
        let Self { dialect, names, row, series, samples, .. } = self;
        let counts = histogram.and_then(|histogram| histogram.classic);
        let mut counts = counts.map(|classic| classic.counts).unwrap_or_default().iter();
        let mut below = 0;
        let name = names.label(dialect, Suffix::Bucket);
        let les = bounds.iter().copied().chain([f64::INFINITY]);
        for (i, le) in self.bounds.labels(dialect, les).enumerate() {
            below += counts.next().unwrap_or(&0);
            let value = histogram.map_or(STALE, |histogram| {
                // The last is also there where no bucket is.
                (if i < bounds.len() { below } else { histogram.count }) as f64
            });
            row.number::<D>(series, name, le, value);
            *samples += 1;
        }
        self.number(Suffix::Sum, histogram.map_or(STALE, |histogram| plain(histogram.sum)));
        self.number(Suffix::Count, histogram.map_or(STALE, |histogram| histogram.count as f64));
    }

    fn native(&mut self, histogram: Option<&Histogram<'_>>, point: &Point<'_>) {
        let Self { dialect, histogram: out, .. } = self;
        out.clear();
        let native = histogram.and_then(|histogram| histogram.native).unwrap_or(EMPTY);
        wire::unsigned(out, 1, histogram.map_or(0, |histogram| histogram.count));
        wire::double(out, 3, histogram.map_or(STALE, |histogram| plain(histogram.sum)));
        wire::signed(out, 4, i64::from(native.schema));
        wire::double(out, 5, native.zero_threshold);
        wire::unsigned(out, 6, native.zero_count);
        write_buckets(out, [8, 9], &native.negative);
        write_buckets(out, [11, 12], &native.positive);
        wire::int64(out, 15, point.time);
        if let Some(start) = point.start {
            dialect.start(out, 17, start);
        }
        let name = self.names.label(dialect, Suffix::Nothing);
        self.row.histogram::<D>(&mut self.series, name, out);
        self.histograms += 1;
    }

    /// Ends the request: a batch of what is in it, if anything is.
    pub(super) fn take(&mut self) -> Option<Batch> {
        if self.samples() == 0 {
            return None;
        }
        self.request.clear();
        self.dialect.request(&mut self.request, &self.series);
        let room = snap::raw::max_compress_len(self.request.len());
        if self.compressed.len() < room {
            self.compressed.resize(room, 0);
        }
        // It fails only beyond 4 GiB; a receiver refuses an empty body, which is counted.
        let length = self.compressor.compress(&self.request, &mut self.compressed);
        let body = Bytes::copy_from_slice(&self.compressed[..length.unwrap_or_default()]);
        let Self { samples, histograms, time, .. } = *self;
        self.series.clear();
        self.dialect.clear();
        self.family = None;
        self.bounds.clear();
        self.quantiles.clear();
        (self.samples, self.histograms, self.time) = (0, 0, 0);
        Some(Batch { format: D::FORMAT, time, samples, histograms, body })
    }
}

/// Native buckets without any observation.
const EMPTY: Native<'_> = Native {
    schema: 0,
    zero_threshold: 0.0,
    zero_count: 0,
    positive: exposition::Buckets { spans: &[], counts: &[] },
    negative: exposition::Buckets { spans: &[], counts: &[] },
};

/// A number that is not [`STALE`], whatever a test made of it.
fn plain(value: f64) -> f64 {
    if value.is_nan() { NOT_A_NUMBER } else { value }
}
