//! What the tests here do again and again.

use recorder::{Config, Key, Master, Process, Reader, Request, Totals, Writer, recorder};

/// When tests take place.
pub(crate) const NOW: f64 = 1_790_000_000.25;

/// A worker.
pub(crate) struct Worker {
    pub(crate) writer: Writer,
    pub(crate) reader: Reader,
}

impl Worker {
    pub(crate) fn new() -> Self {
        Self::with(Config::default(), NOW)
    }

    pub(crate) fn with(config: Config, now: f64) -> Self {
        let (writer, reader) = recorder(config, now).expect("a good configuration");
        Self { writer, reader }
    }

    /// A request that succeeded.
    pub(crate) fn request(&mut self, name: &str, time: f64, now: f64) {
        let key = Key { method: "GET", name, status: Some(200), exception: "" };
        let series = self.writer.series(&key, now);
        let time = Some(time);
        self.writer.request(series, &Request { time, response_bytes: 10, request_bytes: 1, now });
    }

    /// One that failed.
    pub(crate) fn failure(&mut self, name: &str, error: &str, now: f64) {
        let key = Key { method: "GET", name, status: Some(404), exception: "HTTPError" };
        let series = self.writer.series(&key, now);
        let request = Request { time: Some(3.5), response_bytes: 10, request_bytes: 1, now };
        let error = self.writer.error(series, error, now);
        self.writer.failure(series, &request, error);
    }

    pub(crate) fn report(&mut self, now: f64) -> Vec<u8> {
        self.writer.report(&Process::default(), now, false)
    }

    /// A report that arrives, and whose answer does too.
    pub(crate) fn tell(&mut self, master: &mut Master, name: &str, now: f64) {
        let answer = master.merge(name, &self.report(now), now).expect("a good report");
        self.writer.acknowledged(&answer);
    }
}

pub(crate) fn master() -> Master {
    Master::new(Config::default(), NOW).expect("a good configuration")
}

/// How many requests the master knows of.
pub(crate) fn requests(master: &Master) -> u64 {
    let totals = master.totals(NOW);
    let responses = totals.endpoints.iter().flat_map(|endpoint| &endpoint.responses);
    responses.map(|response| response.requests).sum()
}

/// The same totals in an order that does not depend on that in which things were first seen, and
/// without what tells nothing or is of a moment.
pub(crate) fn canonical(mut totals: Totals) -> Totals {
    totals.all.current = None;
    for endpoint in &mut totals.endpoints {
        endpoint.responses.retain(|response| response.requests > 0);
        endpoint.responses.sort_by_key(|row| (row.status, row.exception.clone()));
        endpoint.distributions.retain(|distribution| !distribution.cells.0.is_empty());
        endpoint.distributions.sort_by_key(|distribution| distribution.status);
    }
    totals.endpoints.retain(|endpoint| !endpoint.responses.is_empty());
    totals.endpoints.sort_by_key(|row| (row.name.clone(), row.method.clone()));
    totals.errors.sort_by_key(|row| (row.name.clone(), row.error.clone()));
    totals.exceptions.sort_by_key(|row| row.message.clone());
    totals.custom.sort_by_key(|metric| metric.name.clone());
    for metric in &mut totals.custom {
        metric.series.sort_by_key(|series| series.values.clone());
    }
    totals
}
