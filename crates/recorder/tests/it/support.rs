//! A recorder and what is told to it, in few words.

use std::time::SystemTime;

use locust_model::{Bounds, Endpoint, Snapshot};
use recorder::{Buckets, Config, Key, Reader, Request, SeriesId, Writer, recorder};

/// A time of day.
pub(crate) const NOW: f64 = 1_790_000_000.25;

/// A recorder with the default configuration.
pub(crate) fn start() -> (Writer, Reader) {
    start_with(Config::default())
}

/// A recorder.
pub(crate) fn start_with(config: Config) -> (Writer, Reader) {
    recorder(config, NOW).expect("a good configuration")
}

/// Few names and errors.
pub(crate) fn bounded(names: usize, errors: usize) -> Config {
    let bounds = Bounds { names, errors, text_chars: 20, ..Bounds::default() };
    Config { bounds, ..Config::default() }
}

/// A key of a request that succeeded.
pub(crate) fn key<'a>(method: &'a str, name: &'a str) -> Key<'a> {
    Key { method, name, status: Some(200), exception: "" }
}

/// A request of a few bytes.
pub(crate) fn took(millis: f64) -> Request {
    Request { time: Some(millis), response_bytes: 10, request_bytes: 1, now: NOW }
}

/// Records a request.
pub(crate) fn record(writer: &mut Writer, key: &Key<'_>, millis: f64) -> SeriesId {
    let series = writer.series(key, NOW);
    writer.request(series, &took(millis));
    series
}

/// Records a request that failed.
pub(crate) fn fail(writer: &mut Writer, key: &Key<'_>, text: &str) {
    let series = writer.series(key, NOW);
    let error = writer.error(series, text, NOW);
    writer.failure(series, &took(1.0), error);
}

/// What the reader sees.
pub(crate) fn look(reader: &Reader) -> Snapshot {
    reader.snapshot(NOW, SystemTime::UNIX_EPOCH, Buckets::ClassicAndNative)
}

/// The only endpoint there is.
pub(crate) fn only(snapshot: &Snapshot) -> &Endpoint {
    let [only] = &*snapshot.endpoints else { panic!("{:?}", snapshot.endpoints) };
    only
}
