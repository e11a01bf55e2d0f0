//! What is queued and sent.

use bytes::Bytes;

use crate::point::Millis;

/// Points of one pass (all of them, or some), encoded to be sent as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    /// How `body` is to be read.
    pub(crate) format: Format,
    /// The pass's time.
    pub(crate) time: Millis,
    /// Samples in it that are numbers (of OTLP: data points of any kind).
    pub(crate) samples: u32,
    /// Samples in it that are native histograms, where the format counts them apart.
    pub(crate) histograms: u32,
    /// The body of the request.
    pub(crate) body: Bytes,
}

impl Batch {
    /// All that would be lost with it.
    pub(crate) fn points(&self) -> u64 {
        u64::from(self.samples) + u64::from(self.histograms)
    }
}

/// How a batch's body is encoded and compressed. The numbers stand in spooled files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(crate) enum Format {
    /// `prometheus.WriteRequest`, in snappy's block format.
    RemoteWrite1 = 1,
    /// `io.prometheus.write.v2.Request`, in snappy's block format.
    RemoteWrite2 = 2,
    /// `ExportMetricsServiceRequest`.
    Otlp = 3,
    /// The same, compressed by gzip.
    OtlpGzip = 4,
}

impl Format {
    /// The format of a number that a spooled file names.
    pub(crate) fn of(number: u8) -> Option<Self> {
        [Self::RemoteWrite1, Self::RemoteWrite2, Self::Otlp, Self::OtlpGzip]
            .into_iter()
            .find(|format| *format as u8 == number)
    }
}
