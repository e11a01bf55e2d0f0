//! Why a report was not taken.

/// Why a report was not taken. Nothing of it was counted.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ReportError {
    /// Another version of the exporter made it, or it is none.
    #[error(
        "the report has format {found}, this master reads {}: \
         install the same version of locust-exporter on master and workers",
        super::VERSION
    )]
    Version {
        /// Its first byte.
        found: u8,
    },
    /// It ends too early.
    #[error("the report ends too early")]
    Truncated,
    /// Its bytes are not those that were sent.
    #[error("the report was damaged on its way: its checksum is wrong")]
    Damaged,
    /// Something in it cannot be.
    #[error("the report is not a valid one: wrong is {0}")]
    Malformed(&'static str),
    /// It takes more than any report needs.
    #[error("the report has {bytes} bytes, at most {} are taken", super::MOST_BYTES)]
    TooLarge {
        /// Its length.
        bytes: usize,
    },
    /// The worker's buckets are not the master's.
    #[error(
        "the worker counts response times in buckets {theirs:?}, the master in {ours:?}: \
         give --exporter-metrics-buckets (or its variable) the same value everywhere"
    )]
    Buckets {
        /// The worker's bounds in seconds.
        theirs: Vec<f64>,
        /// The master's.
        ours: Vec<f64>,
    },
    /// One of both keeps response times apart by status, the other does not.
    #[error(
        "worker and master do not agree on whether response times are kept apart by status: \
         give --exporter-metrics-duration-by-status (or its variable) everywhere or nowhere"
    )]
    ByStatus,
    /// Counters fell, which they never do.
    #[error("the report counts fewer {0} than an earlier one of the same statistics")]
    Fell(&'static str),
    /// There is no room for it.
    #[error(
        "no room: the master keeps at most {} bytes of workers' statistics",
        crate::merge::MOST_KEPT
    )]
    NoRoom,
    /// There are too many workers.
    #[error("more than {} workers have reported", crate::merge::MOST_WORKERS)]
    TooManyWorkers,
}
