//! What happened, as the writer is told.

/// What tells series of requests from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key<'a> {
    /// The kind of request; empty where there is none.
    pub method: &'a str,
    /// Its name.
    pub name: &'a str,
    /// The status code of the response; `None` where there was none.
    pub status: Option<i64>,
    /// The class of the exception; empty where the request succeeded.
    pub exception: &'a str,
}

/// One request that has ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Request {
    /// How long it took, in milliseconds; `None` where that is not known.
    pub time: Option<f64>,
    /// Bytes of the response's body.
    pub response_bytes: u64,
    /// Bytes of the request's body.
    pub request_bytes: u64,
    /// When it ended: seconds since 1970.
    pub now: f64,
}

/// A series of requests, until the writer's next [generation](crate::Writer::generation).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SeriesId(pub(crate) u32);

/// A kind of failure of a series, until the writer's next
/// [generation](crate::Writer::generation).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ErrorId(pub(crate) u32);
