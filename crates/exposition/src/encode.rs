//! Encoders: one visitor that writes any of the Prometheus exposition formats.

mod buckets;
mod canonical;
mod frame;
mod header;
mod number;
mod pen;
mod protobuf;
mod text;

pub use self::buckets::write_buckets;
pub use self::canonical::spell;
use self::protobuf::Protobuf;
use self::text::{Dialect, Text};
use crate::family::{Family, Sample, Visitor};
use crate::rejections::Rejections;
use crate::validate::validate;

/// The most room that is made before it is needed.
const MOST_EXPECTED: usize = 1 << 20;

/// What an exposition is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// The Prometheus text format 0.0.4, which for the names of this crate is also 1.0.0.
    Text,
    /// `OpenMetrics` text 1.0.0, which is also 0.0.1.
    OpenMetrics,
    /// `io.prometheus.client.MetricFamily` messages, each preceded by its length.
    Protobuf,
}

/// What is left to choose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether `OpenMetrics` has a `_created` sample for every series whose start is known.
    /// It is one more series each. Protobuf always has the time, which costs nothing there.
    pub created: bool,
}

/// Writes families into a buffer.
///
/// A sample that [`validate`](crate::validate) refuses is left out and counted. So are a summary's
/// negative quantiles and a negative or NaN sum in `OpenMetrics`, which forbids them (a histogram
/// loses its `_count` with its `_sum` there; `le="+Inf"` says the same). A histogram with a
/// negative bound has neither in `OpenMetrics`, which is not counted. Native buckets are
/// written in protobuf only. A start time that is not finite is not written.
#[derive(Debug)]
pub struct Encoder {
    out: Vec<u8>,
    /// How much room to make for what is taken next: as much as was taken before.
    expected: usize,
    writer: Writer,
    rejections: Rejections,
}

#[derive(Debug)]
enum Writer {
    Text(Box<Text>),
    Protobuf(Protobuf),
}

/// One format's way of writing valid samples.
trait Write {
    /// Writes what comes before a family's samples.
    fn open(&mut self, out: &mut Vec<u8>, family: &Family<'_>);

    /// Writes a sample that has been validated. What the format itself forbids is counted.
    fn sample(
        &mut self,
        out: &mut Vec<u8>,
        family: &Family<'_>,
        sample: &Sample<'_>,
        rejections: &mut Rejections,
    );

    /// Writes what comes after a family's samples. Until then nobody else may touch `out`.
    fn close(&mut self, out: &mut Vec<u8>);
}

impl Encoder {
    /// An encoder that has written nothing.
    pub fn new(format: Format, options: Options) -> Self {
        let text = |dialect| Writer::Text(Box::new(Text::new(dialect)));
        let writer = match format {
            Format::Text => text(Dialect::Prometheus),
            Format::OpenMetrics => text(Dialect::OpenMetrics { created: options.created }),
            Format::Protobuf => Writer::Protobuf(Protobuf::default()),
        };
        Self { out: Vec::new(), expected: 0, writer, rejections: Rejections::default() }
    }

    /// Ends the exposition. To be called once, after the last family.
    pub fn finish(&mut self) {
        if let Writer::Text(text) = &self.writer {
            text.finish(&mut self.out);
        }
    }

    /// What has been written since the last [`Encoder::take`] or [`Encoder::clear`], always whole
    /// families.
    pub fn written(&self) -> &[u8] {
        &self.out
    }

    /// Hands out what has been [written](Encoder::written).
    pub fn take(&mut self) -> Vec<u8> {
        self.expected = self.out.len().min(MOST_EXPECTED);
        std::mem::take(&mut self.out)
    }

    /// Forgets what has been [written](Encoder::written), and writes over it.
    pub fn clear(&mut self) {
        self.out.clear();
    }

    /// Hands out the counts of what was left out since the last time.
    pub fn rejections(&mut self) -> Rejections {
        std::mem::take(&mut self.rejections)
    }
}

impl Visitor for Encoder {
    fn family(&mut self, family: &Family<'_>) {
        let Self { out, expected, writer, rejections } = self;
        if out.is_empty() {
            out.reserve(*expected);
        }
        match writer {
            Writer::Text(text) => write(&mut **text, out, family, rejections),
            Writer::Protobuf(protobuf) => write(protobuf, out, family, rejections),
        }
    }
}

fn write(
    writer: &mut impl Write,
    out: &mut Vec<u8>,
    family: &Family<'_>,
    rejections: &mut Rejections,
) {
    let start = out.len();
    writer.open(out, family);
    let mut is_empty = true;
    family.each(|sample| match validate(family, sample) {
        Ok(()) => {
            is_empty = false;
            writer.sample(out, family, sample, rejections);
        }
        Err(reason) => rejections.add(reason),
    });
    writer.close(out);
    if is_empty {
        out.truncate(start);
    }
}
