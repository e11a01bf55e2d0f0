//! Where the two versions differ: how labels, metadata and start times are written.
//!
//! Field numbers are those of `prompb/remote.proto` and `prompb/types.proto` (1.0), and of
//! `prompb/io/prometheus/write/v2/types.proto` (2.0) of Prometheus.

use exposition::{Kind, Meta, wire};

use super::symbols::Symbols;
use crate::batch::Format;
use crate::point::Millis;

/// One version's way of writing.
pub(super) trait Dialect: Send {
    const FORMAT: Format;
    /// The field of the request that holds a series.
    const SERIES: u32;
    /// The field of a series that holds a native histogram.
    const HISTOGRAMS: u32;
    /// The field of a series that holds all its labels, if they are in one.
    const LABELS: Option<u32>;

    /// Begins a family: what is told of it.
    fn family(&mut self, meta: &Meta);

    /// Writes a label, which stands at this place among those of its point.
    fn label(&mut self, out: &mut Vec<u8>, place: usize, name: &str, value: &str);

    /// Writes the start time into a sample or a histogram, as this field.
    fn start(&self, out: &mut Vec<u8>, field: u32, start: Millis);

    /// Writes what is told of the family into one of its series.
    fn metadata(&self, out: &mut Vec<u8>);

    /// Writes the start time into a series of numbers.
    fn series_start(&self, out: &mut Vec<u8>, start: Millis);

    /// How many bytes the request has beside the series.
    fn length(&self) -> usize;

    /// Writes the request of these series.
    fn request(&self, out: &mut Vec<u8>, series: &[u8]);

    /// Forgets what it has of this request.
    fn clear(&mut self);
}

/// The number of a kind in the enum `MetricType`, which both versions have.
fn metric_type(kind: Kind) -> u64 {
    match kind {
        Kind::Unknown => 0,
        Kind::Counter => 1,
        Kind::Gauge => 2,
        Kind::Histogram => 3,
        Kind::Summary => 5,
    }
}

fn unit(meta: &Meta) -> &'static str {
    meta.unit.map_or("", |unit| unit.as_str())
}

/// `prometheus.WriteRequest`. Metadata is told once a request of each family in it: beside
/// thousands of series that is next to nothing, and what was lost or came late is not needed to
/// understand the next request.
#[derive(Debug, Default)]
pub(super) struct V1 {
    metadata: Vec<u8>,
}

impl Dialect for V1 {
    const FORMAT: Format = Format::RemoteWrite1;
    const SERIES: u32 = 1;
    const HISTOGRAMS: u32 = 4;
    const LABELS: Option<u32> = None;

    fn family(&mut self, meta: &Meta) {
        metadata(
            &mut self.metadata,
            metric_type(meta.kind),
            meta.name.as_str(),
            &meta.help,
            unit(meta),
        );
    }

    fn label(&mut self, out: &mut Vec<u8>, _place: usize, name: &str, value: &str) {
        label(out, name, value);
    }

    fn start(&self, _out: &mut Vec<u8>, _field: u32, _start: Millis) {}

    fn metadata(&self, _out: &mut Vec<u8>) {}

    fn series_start(&self, _out: &mut Vec<u8>, _start: Millis) {}

    fn length(&self) -> usize {
        self.metadata.len()
    }

    fn request(&self, out: &mut Vec<u8>, series: &[u8]) {
        out.extend_from_slice(series);
        out.extend_from_slice(&self.metadata);
    }

    fn clear(&mut self) {
        self.metadata.clear();
    }
}

/// Writes a label of 1.0 into its series.
pub(super) fn label(out: &mut Vec<u8>, name: &str, value: &str) {
    let length = |text: &str| 1 + wire::varint_length(text.len() as u64) + text.len();
    wire::prefix(out, 1, length(name) + length(value));
    wire::string(out, 1, name);
    wire::string(out, 2, value);
}

/// Writes a family's metadata into a 1.0 request.
pub(super) fn metadata(out: &mut Vec<u8>, metric_type: u64, name: &str, help: &str, unit: &str) {
    wire::message(out, 3, |out| {
        wire::unsigned(out, 1, metric_type);
        for (field, text) in [(2, name), (4, help), (5, unit)] {
            if !text.is_empty() {
                wire::string(out, field, text);
            }
        }
    });
}

/// `io.prometheus.write.v2.Request`.
///
/// The start time stands in each sample, where 2.0-rc.4 has it, and in the series, where a
/// Prometheus before 3.8 looks for it; readers of the one pass over the other. A series of native
/// histograms lacks the latter: such a Prometheus with `created-timestamp-zero-ingestion` dies of
/// one whose start is out of its bounds (<https://github.com/prometheus/prometheus/issues/16318>).
#[derive(Debug)]
pub(super) struct V2 {
    symbols: Symbols,
    /// The numbers of the labels of the point before, by their place.
    before: Vec<[u64; 2]>,
    /// The metadata in each series of the family.
    metadata: Vec<u8>,
}

impl Default for V2 {
    fn default() -> Self {
        Self { symbols: Symbols::new(), before: Vec::new(), metadata: Vec::new() }
    }
}

impl Dialect for V2 {
    const FORMAT: Format = Format::RemoteWrite2;
    const SERIES: u32 = 5;
    const HISTOGRAMS: u32 = 3;
    const LABELS: Option<u32> = Some(1);

    fn family(&mut self, meta: &Meta) {
        let [help, unit] = [&*meta.help, unit(meta)].map(|text| self.symbols.find(text));
        self.metadata.clear();
        wire::message(&mut self.metadata, 5, |out| {
            for (field, value) in [(1, metric_type(meta.kind)), (3, help), (4, unit)] {
                if value != 0 {
                    wire::unsigned(out, field, value);
                }
            }
        });
    }

    fn label(&mut self, out: &mut Vec<u8>, place: usize, name: &str, value: &str) {
        if self.before.len() <= place {
            self.before.resize(place + 1, [0; 2]);
        }
        for (number, text) in self.before[place].iter_mut().zip([name, value]) {
            // Most labels are the same in the next point; to compare is less than to look up.
            if !self.symbols.is(*number, text) {
                *number = self.symbols.find(text);
            }
            wire::varint(out, *number);
        }
    }

    fn start(&self, out: &mut Vec<u8>, field: u32, start: Millis) {
        wire::int64(out, field, start);
    }

    fn metadata(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.metadata);
    }

    fn series_start(&self, out: &mut Vec<u8>, start: Millis) {
        wire::int64(out, 6, start);
    }

    fn length(&self) -> usize {
        self.symbols.encoded().len()
    }

    fn request(&self, out: &mut Vec<u8>, series: &[u8]) {
        out.extend_from_slice(self.symbols.encoded());
        out.extend_from_slice(series);
    }

    fn clear(&mut self) {
        self.symbols.clear();
        self.before.clear();
        self.metadata.clear();
    }
}
