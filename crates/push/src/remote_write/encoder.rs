//! From points to batches of remote write.

use std::sync::Arc;

use super::dialect::{V1, V2};
use super::protocol::Protocol;
use super::writer::Writer;
use crate::batch::{Batch, Format};
use crate::config::{Identity, RemoteWrite};
use crate::encoder::Encoder;
use crate::point::{Point, Reading, Shape};
use exposition::Value;

/// How much is sent at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Samples of a request, native histograms among them. A point alone may have more: it is never
    /// divided.
    pub(super) samples: usize,
    /// Bytes of a request before compression. The last point may go beyond.
    pub(super) bytes: usize,
}

/// As many samples as a Prometheus sends (`max_samples_per_send`), which every receiver is made
/// for: from 500 to 10,000 a sample takes the same bytes and time, but for 2 %. And no more bytes
/// than any takes, whatever the labels' lengths.
const LIMITS: Limits = Limits { samples: 2_000, bytes: 4 << 20 };

/// Encodes in the version that is spoken at the moment.
pub(crate) struct RemoteWriteEncoder {
    protocol: Arc<Protocol>,
    limits: Limits,
    /// Labels of every series, by name.
    labels: Vec<(String, String)>,
    writer: Version,
}

enum Version {
    V1(Box<Writer<V1>>),
    V2(Box<Writer<V2>>),
}

impl RemoteWriteEncoder {
    /// An encoder for this receiver. External labels have names that a label of a metric may have.
    pub(crate) fn new(config: &RemoteWrite, identity: &Identity, protocol: Arc<Protocol>) -> Self {
        Self::with_limits(config, identity, protocol, LIMITS)
    }

    pub(super) fn with_limits(
        config: &RemoteWrite,
        identity: &Identity,
        protocol: Arc<Protocol>,
        limits: Limits,
    ) -> Self {
        let own = [("job", &identity.job), ("instance", &identity.instance)];
        let own = own.map(|(name, value)| (name.to_owned(), value.clone()));
        let mut labels = config.external_labels.clone();
        labels.extend(own);
        // What is configured stands first, and stays.
        labels.sort_by(|a, b| a.0.cmp(&b.0));
        labels.dedup_by(|later, first| later.0 == first.0);
        labels.retain(|(_, value)| !value.is_empty());
        let writer = Version::new(&protocol);
        Self { protocol, limits, labels, writer }
    }

    /// Speaks the version that is spoken now, if nothing has been said in another yet.
    fn follow(&mut self) {
        if self.writer.samples() > 0 {
            return;
        }
        let format = self.protocol.format();
        let now = (format, self.protocol.takes_native(format));
        if now != (self.writer.format(), self.writer.takes_native()) {
            self.writer = Version::new(&self.protocol);
        }
    }
}

impl Encoder for RemoteWriteEncoder {
    fn point(&mut self, point: &Point<'_>, full: &mut dyn FnMut(Batch)) {
        if self.writer.samples() + samples(point) > self.limits.samples {
            self.finish(full);
        }
        self.follow();
        self.writer.point(point, &self.labels);
        if self.writer.length() >= self.limits.bytes {
            self.finish(full);
        }
    }

    fn finish(&mut self, full: &mut dyn FnMut(Batch)) {
        if let Some(batch) = self.writer.take() {
            full(batch);
        }
    }

    fn takes_native(&self) -> bool {
        self.protocol.takes_native(self.protocol.format())
    }
}

impl Version {
    fn new(protocol: &Protocol) -> Self {
        let format = protocol.format();
        let takes_native = protocol.takes_native(format);
        match format {
            Format::RemoteWrite1 => Self::V1(Box::new(Writer::new(takes_native))),
            _ => Self::V2(Box::new(Writer::new(takes_native))),
        }
    }

    fn format(&self) -> Format {
        match self {
            Self::V1(_) => Format::RemoteWrite1,
            Self::V2(_) => Format::RemoteWrite2,
        }
    }

    fn takes_native(&self) -> bool {
        match self {
            Self::V1(writer) => writer.takes_native(),
            Self::V2(writer) => writer.takes_native(),
        }
    }

    fn samples(&self) -> usize {
        match self {
            Self::V1(writer) => writer.samples(),
            Self::V2(writer) => writer.samples(),
        }
    }

    fn length(&self) -> usize {
        match self {
            Self::V1(writer) => writer.length(),
            Self::V2(writer) => writer.length(),
        }
    }

    fn point(&mut self, point: &Point<'_>, every: &[(String, String)]) {
        match self {
            Self::V1(writer) => writer.point(point, every),
            Self::V2(writer) => writer.point(point, every),
        }
    }

    fn take(&mut self) -> Option<Batch> {
        match self {
            Self::V1(writer) => writer.take(),
            Self::V2(writer) => writer.take(),
        }
    }
}

/// How many samples a point becomes at most.
fn samples(point: &Point<'_>) -> usize {
    let histogram = |bounds: Option<&[f64]>, is_native| {
        bounds.unwrap_or_default().len() + 3 + usize::from(is_native)
    };
    match point.reading {
        Reading::Value(Value::Number(_)) | Reading::Ended(Shape::Number) => 1,
        Reading::Value(Value::Summary(summary)) => summary.quantiles.len() + 2,
        Reading::Ended(Shape::Summary { quantiles, .. }) => quantiles.len() + 2,
        Reading::Value(Value::Histogram(value)) => {
            histogram(value.classic.map(|classic| classic.bounds), value.native.is_some())
        }
        Reading::Ended(Shape::Histogram { bounds, is_native }) => histogram(bounds, is_native),
    }
}
