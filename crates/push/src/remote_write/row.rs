//! What the series of one point have in common, prepared once.

use exposition::{spell, wire};

use super::dialect::Dialect;
use crate::point::Millis;

/// The label that every series has. It stands among the others in the order of bytes.
const NAME: &str = "__name__";

/// Where a label that is looked for among the one before it stands, whatever it was there.
const NO_PLACE: usize = 0;

/// The labels and the sample of a point's series, but for the name, one label and the value.
#[derive(Debug, Default)]
pub(super) struct Row {
    labels: Vec<u8>,
    /// Where among the labels the name stands.
    name_at: usize,
    /// Where the label stands that tells the buckets or quantiles apart.
    extra_at: usize,
    /// The sample before its value.
    before: Vec<u8>,
    /// The sample behind its value, and what comes behind it.
    after: Vec<u8>,
    /// Where in it the sample ends, and where the metadata.
    sample_end: usize,
    metadata_end: usize,
}

impl Row {
    /// Prepares for a point: its labels are merged with those of every series, which yield.
    pub(super) fn labels<D: Dialect>(
        &mut self,
        dialect: &mut D,
        every: &[(String, String)],
        labels: &[(&str, &str)],
        extra: &str,
    ) {
        self.labels.clear();
        let (mut name_at, mut extra_at) = (None, None);
        let (mut place, mut every) = (0, every.iter().peekable());
        let mut put = |name: &str, value: &str| {
            let at = self.labels.len();
            if name > NAME {
                name_at.get_or_insert(at);
            }
            if name > extra {
                extra_at.get_or_insert(at);
            }
            place += 1;
            dialect.label(&mut self.labels, place, name, value);
        };
        for (name, value) in labels {
            while let Some((name, value)) = every.next_if(|every| every.0.as_str() < *name) {
                put(name, value);
            }
            every.next_if(|every| every.0 == *name);
            put(name, value);
        }
        every.for_each(|(name, value)| put(name, value));
        let end = self.labels.len();
        (self.name_at, self.extra_at) = (name_at.unwrap_or(end), extra_at.unwrap_or(end));
    }

    /// Prepares for a point's times.
    pub(super) fn times<D: Dialect>(&mut self, dialect: &D, time: Millis, start: Option<Millis>) {
        self.after.clear();
        wire::int64(&mut self.after, 2, time);
        if let Some(start) = start {
            dialect.start(&mut self.after, 3, start);
        }
        self.sample_end = self.after.len();
        dialect.metadata(&mut self.after);
        self.metadata_end = self.after.len();
        if let Some(start) = start {
            dialect.series_start(&mut self.after, start);
        }
        self.before.clear();
        wire::prefix(&mut self.before, 2, 1 + 8 + self.sample_end);
        self.before.push(1 << 3 | 1);
    }

    /// Writes a series of one number.
    pub(super) fn number<D: Dialect>(
        &self,
        out: &mut Vec<u8>,
        name: &[u8],
        extra: &[u8],
        value: f64,
    ) {
        let rest = self.before.len() + 8 + self.after.len();
        self.open::<D>(out, name, extra, rest);
        out.extend_from_slice(&self.before);
        out.extend_from_slice(&value.to_le_bytes());
        out.extend_from_slice(&self.after);
    }

    /// Writes a series of one native histogram, whose message is given.
    pub(super) fn histogram<D: Dialect>(&self, out: &mut Vec<u8>, name: &[u8], histogram: &[u8]) {
        let tail = &self.after[self.sample_end..self.metadata_end];
        let length = histogram.len() as u64;
        let rest = 1 + wire::varint_length(length) + histogram.len() + tail.len();
        self.open::<D>(out, name, &[], rest);
        wire::bytes(out, D::HISTOGRAMS, histogram);
        out.extend_from_slice(tail);
    }

    /// Begins a series: all up to its labels, behind which `rest` bytes follow.
    fn open<D: Dialect>(&self, out: &mut Vec<u8>, name: &[u8], extra: &[u8], rest: usize) {
        let labels = self.labels.len() + name.len() + extra.len();
        let head = D::LABELS.map_or(0, |_| 1 + wire::varint_length(labels as u64));
        wire::prefix(out, D::SERIES, head + labels + rest);
        if let Some(field) = D::LABELS {
            wire::prefix(out, field, labels);
        }
        out.extend_from_slice(&self.labels[..self.name_at]);
        out.extend_from_slice(name);
        out.extend_from_slice(&self.labels[self.name_at..self.extra_at]);
        out.extend_from_slice(extra);
        out.extend_from_slice(&self.labels[self.extra_at..]);
    }
}

/// The names of a family's series.
#[derive(Debug, Default)]
pub(super) struct Names {
    family: String,
    /// The label of each suffix, once it was asked for.
    labels: [Vec<u8>; 4],
}

/// What is added to a family's name.
#[derive(Clone, Copy, Debug)]
pub(super) enum Suffix {
    Nothing,
    Bucket,
    Sum,
    Count,
}

impl Names {
    /// Begins a family, or the same in another request.
    pub(super) fn begin(&mut self, family: &str) {
        family.clone_into(&mut self.family);
        self.labels.iter_mut().for_each(Vec::clear);
    }

    /// The label that names a series.
    pub(super) fn label<D: Dialect>(&mut self, dialect: &mut D, suffix: Suffix) -> &[u8] {
        let Self { family, labels } = self;
        let label = &mut labels[suffix as usize];
        if label.is_empty() {
            let length = family.len();
            family.push_str(["", "_bucket", "_sum", "_count"][suffix as usize]);
            dialect.label(label, NO_PLACE, NAME, family);
            family.truncate(length);
        }
        label
    }
}

/// The labels that tell buckets or quantiles apart. Kept, because the next point nearly always has
/// the same.
#[derive(Debug)]
pub(super) struct Extras {
    /// The label's name.
    pub(super) name: &'static str,
    numbers: Vec<f64>,
    labels: Vec<u8>,
    ends: Vec<usize>,
}

impl Extras {
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, numbers: Vec::new(), labels: Vec::new(), ends: Vec::new() }
    }

    /// Forgets the labels.
    pub(super) fn clear(&mut self) {
        self.numbers.clear();
        self.labels.clear();
        self.ends.clear();
    }

    /// The labels of these numbers, in their order.
    pub(super) fn labels<D: Dialect>(
        &mut self,
        dialect: &mut D,
        numbers: impl Iterator<Item = f64> + Clone,
    ) -> impl Iterator<Item = &[u8]> {
        let bits = |number: f64| number.to_bits();
        if !numbers.clone().map(bits).eq(self.numbers.iter().copied().map(bits)) {
            self.clear();
            for number in numbers {
                let text = if number.is_finite() { spell(number) } else { "+Inf".to_owned() };
                dialect.label(&mut self.labels, NO_PLACE, self.name, &text);
                self.numbers.push(number);
                self.ends.push(self.labels.len());
            }
        }
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.labels[start..*end])
    }
}
