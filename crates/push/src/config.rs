//! Where to push, and how.

use std::path::PathBuf;
use std::time::Duration;

use outgoing::Target;

/// The shortest time between two pushes that may be asked for: what is pushed more often costs more
/// than it tells.
pub const LEAST_INTERVAL: Duration = Duration::from_millis(100);

/// What is pushed where. Sinks that are absent get nothing.
#[derive(Clone, Debug)]
pub struct Config {
    /// Time between two passes of remote write and OTLP.
    pub interval: Duration,
    /// How long one request may take.
    pub timeout: Duration,
    /// How long the last push may take in all, once the end is told.
    pub final_timeout: Duration,
    /// Bytes that wait in memory, for each sink. What comes on top drops the oldest.
    pub queue_bytes: u64,
    /// Where batches are kept on disk until they are delivered.
    pub spool: Option<Spool>,
    /// Who speaks.
    pub identity: Identity,
    /// A receiver of Prometheus's remote write.
    pub remote_write: Option<RemoteWrite>,
    /// A receiver of OTLP.
    pub otlp: Option<Otlp>,
    /// A Pushgateway.
    pub pushgateway: Option<Pushgateway>,
}

/// Where batches are kept on disk.
#[derive(Clone, Debug)]
pub struct Spool {
    /// A folder of this exporter alone; it is made if it is not there.
    pub path: PathBuf,
    /// Bytes on disk, of each sink. What comes on top drops the oldest.
    pub max_bytes: u64,
}

/// Who speaks: what a Prometheus would say of a target that it scrapes.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The label `job`; `service.name` in OTLP.
    pub job: String,
    /// The label `instance`; `service.instance.id` in OTLP. It tells apart exporters that push to
    /// the same place.
    pub instance: String,
    /// Name and version of this program, for `User-Agent` and OTLP's scope.
    pub program: (&'static str, &'static str),
}

/// A receiver of Prometheus's remote write.
#[derive(Clone, Debug)]
pub struct RemoteWrite {
    /// Where it is.
    pub target: Target,
    /// The protocol's version.
    pub version: Version,
    /// Labels of every series, unless it has one of that name already. `job` and `instance` are
    /// added to them.
    pub external_labels: Vec<(String, String)>,
    /// Whether native histograms are sent beside the classic ones.
    pub native_histograms: NativeHistograms,
}

/// Whether native histograms are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NativeHistograms {
    /// By 2.0. Of the receivers that know 1.0 alone, one makes series of native buckets whose names
    /// are those of the classic ones (`VictoriaMetrics`): together they give wrong quantiles.
    Auto,
    /// By every version.
    Always,
    /// Not at all.
    Never,
}

/// A version of remote write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// 2.0, and 1.0 from the moment on at which the receiver turns out not to know it.
    Auto,
    /// 1.0.
    V1,
    /// 2.0 alone.
    V2,
}

/// A receiver of OTLP.
#[derive(Clone, Debug)]
pub struct Otlp {
    /// Where it is: of HTTP the whole address, `/v1/metrics` included.
    pub target: Target,
    /// How it is spoken to.
    pub protocol: Protocol,
    /// How long one request may take, if not [`Config::timeout`].
    pub timeout: Option<Duration>,
    /// Whether requests are compressed by gzip.
    pub gzip: bool,
    /// Attributes of the resource, in their order, none twice; `service.name` and
    /// `service.instance.id` are added where they are not among them.
    pub resource: Vec<(String, String)>,
    /// How histograms are sent.
    pub histograms: Histograms,
}

/// How OTLP is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// `grpc`.
    Grpc,
    /// `http/protobuf`.
    Http,
}

/// How histograms are sent by OTLP, where each can be only one of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Histograms {
    /// With the classic buckets.
    Explicit,
    /// With the native buckets; the classic ones where a histogram has no native ones.
    Exponential,
}

/// A Pushgateway.
#[derive(Clone, Debug)]
pub struct Pushgateway {
    /// Where it is, without `/metrics/job/…`.
    pub target: Target,
    /// The grouping key's `job`.
    pub job: String,
    /// The rest of the grouping key, in its order.
    pub grouping: Vec<(String, String)>,
    /// Time between two pushes.
    pub interval: Duration,
    /// Whether a push replaces the whole group.
    pub method: Method,
    /// Whether the group is deleted at the end, after a last push.
    pub delete_on_exit: bool,
}

/// How a group is pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Replaces the whole group.
    Put,
    /// Replaces metrics of the same names alone.
    Post,
}
