//! What is recorded now, piece by piece: for reports, which are made of what has changed.

use std::sync::Arc;

use locust_model::{Losses, Text};

use crate::book::Book;
use crate::custom::{Customs, Metric};
use crate::endpoint::Endpoint;
use crate::near;
use crate::partition::Partition;
use crate::{
    AllTotals, Config, CustomTotals, EndpointTotals, ErrorTotals, ExceptionTotals, LocustSettings,
    Totals,
};

/// One look at what is recorded: rows by their numbers.
///
/// How it is to be used: take one from `Writer::view` (or `Reader::view`) for each report. Rows are
/// only ever added, in the order in which they were first seen, and keep their numbers while
/// [`generation`](Self::generation) is the same; a reset or a new test gives another generation,
/// whose numbers begin again. Keep, by row, what [`endpoint_events`](Self::endpoint_events) was
/// when the row was last told, and read only rows where it has grown; read them with
/// [`endpoint_into`](Self::endpoint_into) into one [`EndpointTotals`] that is used again and again,
/// which allocates nothing once its vectors are large enough. Rows may be added while a view is
/// alive, if it is not the writer that holds it: take the number of rows once.
#[derive(Clone, Debug)]
pub(crate) struct View {
    book: Arc<Book>,
    customs: Arc<Customs>,
    settings: Arc<LocustSettings>,
}

impl View {
    pub(crate) fn new(
        book: Arc<Book>,
        customs: Arc<Customs>,
        settings: Arc<LocustSettings>,
    ) -> Self {
        Self { book, customs, settings }
    }

    /// How Locust computes its statistics.
    pub(crate) fn settings(&self) -> &LocustSettings {
        &self.settings
    }

    /// Grows with every reset and every new test.
    pub(crate) fn generation(&self) -> u64 {
        self.book.generation
    }

    /// Another one with every new test.
    pub(crate) fn test(&self) -> u64 {
        self.book.test
    }

    /// When the statistics began to count.
    pub(crate) fn since(&self) -> f64 {
        self.book.since
    }

    /// How this is recorded.
    pub(crate) fn config(&self) -> &Arc<Config> {
        &self.book.config
    }

    /// What the cells are.
    pub(crate) fn partition(&self) -> &Partition {
        &self.book.partition
    }

    /// What the endpoints do not add up to.
    pub(crate) fn all(&self, now: f64) -> AllTotals {
        self.book.all(now, self.settings.current_window)
    }

    /// What has been lost since the statistics began to count.
    pub(crate) fn losses(&self) -> Losses {
        self.book.losses()
    }

    /// What has been lost since the recorder began.
    pub(crate) fn all_losses(&self) -> Losses {
        self.book.all_losses()
    }

    /// How many endpoints there are.
    pub(crate) fn endpoints(&self) -> usize {
        self.book.endpoints.len()
    }

    /// Grows with every event of an endpoint; 0 where there was none yet.
    pub(crate) fn endpoint_events(&self, row: usize) -> u64 {
        self.book.endpoints.get(row).map_or(0, |endpoint| endpoint.hot.events.get())
    }

    /// Who reads these endpoints next finds them in the caches; at most [`ROWS`](near::ROWS).
    pub(crate) fn bring_near(&self, rows: impl Iterator<Item = usize> + Clone) {
        near::bring(&rows.filter_map(|row| self.book.endpoints.get(row)).map(Arc::as_ref));
    }

    /// Method and name of an endpoint.
    pub(crate) fn endpoint_texts(&self, row: usize) -> Option<(&Text, &Text)> {
        self.book.endpoints.get(row).map(|endpoint| (&endpoint.method, &endpoint.name))
    }

    /// Reads an endpoint's numbers, but not its texts. Answers whether there is one; where there
    /// is none, nothing is changed.
    pub(crate) fn endpoint_into(&self, row: usize, into: &mut EndpointTotals) -> bool {
        let endpoint = self.book.endpoints.get(row).map(Arc::as_ref);
        let read = |endpoint: &Endpoint| endpoint.read_into(self.book.config.by_status, into);
        endpoint.map(read).is_some()
    }

    /// Reads all endpoints' numbers, each into the same place, and hands them over with its method
    /// and name.
    pub(crate) fn each_endpoint(&self, mut each: impl FnMut(&Text, &Text, &EndpointTotals)) {
        let mut read = EndpointTotals::default();
        for row in 0..self.endpoints() {
            if row % near::ROWS == 0 {
                self.bring_near(row..row + near::ROWS);
            }
            if let Some((method, name)) = self.endpoint_texts(row)
                && self.endpoint_into(row, &mut read)
            {
                each(method, name, &read);
            }
        }
    }

    /// The least and the greatest response time of an endpoint since this was asked last; infinite
    /// where there is none. Only the writer may ask.
    pub(crate) fn take_extremes(&self, row: usize) -> (f64, f64) {
        let none = (f64::INFINITY, f64::NEG_INFINITY);
        self.book.endpoints.get(row).map_or(none, |endpoint| endpoint.take_extremes())
    }

    /// How many kinds of failures there are.
    pub(crate) fn errors(&self) -> usize {
        self.book.failures.len()
    }

    /// How often one occurred: grows with every time.
    pub(crate) fn error_events(&self, row: usize) -> u64 {
        self.book.failures.get(row).map_or(0, |failure| failure.occurrences())
    }

    /// What is known of one; `None` where it has not occurred yet.
    pub(crate) fn error(&self, row: usize) -> Option<ErrorTotals> {
        self.book.failures.get(row)?.read()
    }

    /// How many kinds of exceptions there are.
    pub(crate) fn exceptions(&self) -> usize {
        self.book.raised.len()
    }

    /// How often one was raised: grows with every time.
    pub(crate) fn exception_events(&self, row: usize) -> u64 {
        self.book.raised.get(row).map_or(0, |raised| raised.count.get())
    }

    /// What is known of one.
    pub(crate) fn exception(&self, row: usize) -> Option<ExceptionTotals> {
        self.book.raised.get(row).map(|raised| raised.read())
    }

    /// How many metrics the test has defined. They and their series keep their numbers in every
    /// generation.
    pub(crate) fn customs(&self) -> usize {
        self.customs.len()
    }

    /// One of them: it tells its series as this view tells endpoints.
    pub(crate) fn custom(&self, row: usize) -> Option<&Metric> {
        self.customs.get(row)
    }
}

/// All at once.
impl View {
    /// Everything.
    pub(crate) fn totals(&self, now: f64) -> Totals {
        // Before the endpoints: what is read of them is then of the same requests or of later ones.
        let all = self.all(now);
        let mut endpoints = Vec::with_capacity(self.endpoints());
        self.each_endpoint(|method, name, read| {
            let (method, name) = (Text::clone(method), Text::clone(name));
            // A copy allocates once, exactly as much as is needed.
            endpoints.push(EndpointTotals { method, name, ..read.clone() });
        });
        Totals {
            since: self.since(),
            endpoints,
            errors: self.all_errors(),
            exceptions: self.all_exceptions(),
            all,
            custom: self.all_customs(),
            losses: self.all_losses(),
        }
    }

    pub(crate) fn all_errors(&self) -> Vec<ErrorTotals> {
        (0..self.errors()).filter_map(|row| self.error(row)).collect()
    }

    pub(crate) fn all_exceptions(&self) -> Vec<ExceptionTotals> {
        (0..self.exceptions()).filter_map(|row| self.exception(row)).collect()
    }

    pub(crate) fn all_customs(&self) -> Vec<CustomTotals> {
        self.customs.totals()
    }
}
