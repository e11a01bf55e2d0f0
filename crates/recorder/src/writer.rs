//! Recording, one event at a time.

mod absorb;

use std::sync::Arc;

use crate::book::{Book, second};
use crate::custom::{ChildId, CustomError, Definition, Definitions, MetricId};
use crate::index::{Index, Series};
use crate::partition::NEGATIVE;
use crate::reader::{Reader, Shared};
use crate::report::Reporter;
use crate::text::without_address;
use crate::view::View;
use crate::{Config, ConfigError, ErrorId, Key, LocustSettings, Request, SeriesId};

/// No request yet: nothing is later than that, so that the first request ends no second.
const NEVER: u64 = u64::MAX;
/// Bits of a [`SeriesId`]: what its events have lost.
const NAME_FOLDED: u32 = 1;
const OUTCOME_FOLDED: u32 = 2;
const SERIES_SHIFT: u32 = 2;
/// The bit of an [`ErrorId`].
const TEXT_FOLDED: u32 = 1;
const ERROR_SHIFT: u32 = 1;

/// Starts to record; answers who writes and who reads.
///
/// # Errors
///
/// [`ConfigError`] if nothing can be recorded so.
pub fn recorder(config: Config, now: f64) -> Result<(Writer, Reader), ConfigError> {
    config.check()?;
    let definitions = Definitions::default();
    let book = Arc::new(Book::new(Arc::new(config), now));
    let shared = Arc::new(Shared::new(Arc::clone(&book), Arc::clone(definitions.customs())));
    let reader = Reader::new(Arc::clone(&shared));
    let reporter = Reporter::default();
    let index = Index::default();
    Ok((Writer { book, second: NEVER, index, definitions, shared, reporter }, reader))
}

/// Records. There is one; it never waits for a [`Reader`].
///
/// Times of day are seconds since 1970. Ids are the writer's own: one of another writer, or of an
/// older [generation](Self::generation), names something else, or nothing.
#[derive(Debug)]
pub struct Writer {
    book: Arc<Book>,
    /// The second of the last request.
    second: u64,
    index: Index,
    definitions: Definitions,
    shared: Arc<Shared>,
    pub(crate) reporter: Reporter,
}

impl Writer {
    /// A new test: everything begins again, and rows go. The test's own metrics stay.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if nothing can be recorded so; then nothing has changed.
    pub fn begin(&mut self, config: Config, now: f64) -> Result<(), ConfigError> {
        config.check()?;
        self.shared.set_settings(config.locust.clone());
        self.take(self.book.of_next_test(Arc::new(config), now), Index::default());
        Ok(())
    }

    /// A reset of the statistics: endpoints and their outcomes stay, and begin again at 0. Errors
    /// and exceptions go. The test's own metrics stay as they are.
    pub fn reset(&mut self, now: f64) {
        self.index.forget_raised();
        self.reset_statistics(now);
    }

    /// The same, but exceptions stay, which are no part of Locust's statistics. Not for a worker,
    /// whose master has counted them.
    pub fn reset_statistics(&mut self, now: f64) {
        let book = self.book.after_reset(now);
        let mut index = Index::default();
        for endpoint in self.book.endpoints.iter() {
            index.take_over(&book, endpoint, now);
        }
        index.take_over_raised(&book, &mut self.index);
        self.take(book, index);
    }

    /// As [`reset`](Self::reset), but the rows go too.
    pub fn clear(&mut self, now: f64) {
        self.index.forget_raised();
        self.clear_statistics(now);
    }

    /// As [`reset_statistics`](Self::reset_statistics), but the rows go.
    pub fn clear_statistics(&mut self, now: f64) {
        let book = self.book.after_reset(now);
        let mut index = Index::default();
        index.take_over_raised(&book, &mut self.index);
        self.take(book, index);
    }

    /// From now on Locust computes its statistics so.
    pub fn set_locust_settings(&mut self, settings: LocustSettings) {
        self.shared.set_settings(settings);
    }

    fn take(&mut self, book: Book, index: Index) {
        self.book = Arc::new(book);
        self.index = index;
        self.second = NEVER;
        self.shared.turn_to(Arc::clone(&self.book));
    }

    /// Grows with every [`begin`](Self::begin) and [`reset`](Self::reset); ids of series and errors
    /// must be looked up anew then.
    #[inline]
    pub fn generation(&self) -> u64 {
        self.book.generation
    }

    /// How is recorded.
    pub fn config(&self) -> &Config {
        &self.book.config
    }

    /// The series of a key, made if need be; the same id for as long as the generation is the same.
    pub fn series(&mut self, key: &Key<'_>, now: f64) -> SeriesId {
        let (row, is_name_folded) = self.index.endpoint(&self.book, key.method, key.name, now);
        let outcome = (key.status, key.exception);
        let found = self.index.outcome(&self.book, row, outcome, now);
        let (number, is_outcome_folded) = found.unwrap_or((usize::MAX, false));
        let mut id = id(number, SERIES_SHIFT);
        if is_name_folded {
            id |= NAME_FOLDED;
        }
        if is_outcome_folded {
            id |= OUTCOME_FOLDED;
        }
        SeriesId(id)
    }

    /// Records a request that went well.
    #[inline]
    pub fn request(&mut self, series: SeriesId, request: &Request) {
        self.record(series, request, None);
    }

    /// Records a request that failed so.
    #[inline]
    pub fn failure(&mut self, series: SeriesId, request: &Request, error: ErrorId) {
        self.record(series, request, Some(error));
    }

    /// Request and failure are one change: no reader sees a failed request that is no failure yet.
    #[inline]
    fn record(&mut self, series: SeriesId, request: &Request, error: Option<ErrorId>) {
        let Some(to) = self.index.series((series.0 >> SERIES_SHIFT) as usize) else { return };
        let (book, endpoint) = (&*self.book, &*to.endpoint);
        let (hot, second) = (&endpoint.hot, second(request.now));
        if second > self.second {
            book.all.recent.keep(second - 1, self.shared.settings().current_window);
        }
        self.second = second;
        hot.events.begin();
        match request.time {
            Some(time) if time.is_finite() => took(book, to, time),
            time => {
                hot.without_time.add(1);
                book.not_times.add(u64::from(time.is_some()));
            }
        }
        to.outcome.requests.add(1);
        hot.response_bytes.add(request.response_bytes);
        hot.request_bytes.add(request.request_bytes);
        endpoint.seconds.request(second);
        if error.is_some() {
            hot.failures.add(1);
            endpoint.seconds.failure(second);
        }
        hot.events.end();
        book.all.requests.add(1);
        book.all.last_request.set(request.now);
        if let Some(error) = error {
            book.all.failures.add(1);
            self.failed(error, request.now);
        }
        let folds = series.0 & (NAME_FOLDED | OUTCOME_FOLDED);
        if folds != 0 {
            self.book.folds.names.add(u64::from(folds & NAME_FOLDED));
            self.book.folds.exceptions.add(u64::from(folds & OUTCOME_FOLDED != 0));
        }
    }

    /// Counts a response's length that is none. Its request is recorded with 0.
    pub fn not_a_length(&mut self) {
        self.book.not_lengths.add(1);
    }

    #[inline]
    fn failed(&self, error: ErrorId, now: f64) {
        if let Some(failure) = self.index.failure((error.0 >> ERROR_SHIFT) as usize) {
            failure.occurred(now);
        }
        self.book.folds.errors.add(u64::from(error.0 & TEXT_FOLDED));
    }

    /// The kind of failure that a series' request had, made if need be. The text is that of the
    /// exception (its `repr`); an object's address in it is made the same for all.
    pub fn error(&mut self, series: SeriesId, text: &str, now: f64) -> ErrorId {
        let row = self.index.series((series.0 >> SERIES_SHIFT) as usize).map(|series| series.row);
        let text = without_address(text);
        let found = row.and_then(|row| self.index.failure_of(&self.book, row, &text, now));
        let (number, is_folded) = found.unwrap_or((usize::MAX, false));
        let id = id(number, ERROR_SHIFT);
        ErrorId(if is_folded { id | TEXT_FOLDED } else { id })
    }

    /// Records that user code raised an exception outside of a request.
    pub fn user_error(&mut self, message: &str) {
        let (raised, is_folded) = self.index.raised(&self.book, message);
        raised.count.add(1);
        self.book.folds.exceptions.add(u64::from(is_folded));
    }

    /// What is recorded now, for reports.
    pub(crate) fn view(&self) -> View {
        let customs = Arc::clone(self.definitions.customs());
        View::new(Arc::clone(&self.book), customs, self.shared.settings())
    }
}

/// The test's own metrics.
impl Writer {
    /// Defines a metric; the same definition again is the same metric. One without labels has its
    /// series from now on.
    ///
    /// # Errors
    ///
    /// [`CustomError`] if there is another one of this name, or too many, or its buckets cannot be.
    pub fn define(
        &mut self,
        definition: &Definition<'_>,
        now: f64,
    ) -> Result<MetricId, CustomError> {
        self.definitions.define(definition, now)
    }

    /// The series of a metric with these values of its labels, made if need be. Beyond
    /// [`MOST_SERIES`](crate::MOST_SERIES) it is the one whose labels all say `other`.
    ///
    /// # Errors
    ///
    /// [`CustomError::Labels`] if there are more values than labels, or fewer.
    pub fn child(
        &mut self,
        metric: MetricId,
        values: &[&str],
        now: f64,
    ) -> Result<ChildId, CustomError> {
        let values: Vec<_> = values.iter().map(|value| self.book.label(value)).collect();
        self.definitions.child(metric, &values, now)
    }

    /// Whether a series is the one of those beyond [`MOST_SERIES`](crate::MOST_SERIES).
    pub fn is_folded(&self, child: ChildId) -> bool {
        self.definitions.is_folded(child)
    }

    /// Adds to a counter or a gauge.
    ///
    /// # Errors
    ///
    /// [`CustomError`] if a counter would shrink, or the metric is a histogram.
    pub fn add(&mut self, child: ChildId, amount: f64, now: f64) -> Result<(), CustomError> {
        self.definitions.add(child, amount, now)?;
        self.count_folded(child);
        Ok(())
    }

    /// Sets a gauge.
    ///
    /// # Errors
    ///
    /// [`CustomError::Kind`] if the metric is none.
    pub fn set(&mut self, child: ChildId, value: f64, now: f64) -> Result<(), CustomError> {
        self.definitions.set(child, value, now)?;
        self.count_folded(child);
        Ok(())
    }

    /// Adds an observation to a histogram.
    ///
    /// # Errors
    ///
    /// [`CustomError::Kind`] if the metric is none.
    pub fn observe(&mut self, child: ChildId, value: f64, now: f64) -> Result<(), CustomError> {
        self.definitions.observe(child, value, now)?;
        self.count_folded(child);
        Ok(())
    }

    fn count_folded(&self, child: ChildId) {
        self.book.folds.custom_series.add(u64::from(self.definitions.is_folded(child)));
    }
}

/// Counts a response time where it belongs, while its endpoint changes.
#[inline]
fn took(book: &Book, to: &Series, time: f64) {
    let (hot, outcome) = (&to.endpoint.hot, &*to.outcome);
    let cell = book.partition.cell(time);
    book.all.sum.add(time);
    book.all.recent.hit(cell);
    hot.sum.add(time);
    if time < hot.min.get() {
        hot.min.set(time);
    }
    if time > hot.max.get() {
        hot.max.set(time);
    }
    if time < outcome.least.get() {
        outcome.least.set(time);
    }
    if time > outcome.greatest.get() {
        outcome.greatest.set(time);
    }
    to.times.cells.hit(cell);
    if cell == NEGATIVE {
        book.not_times.add(1);
    } else {
        outcome.sum.add(time);
    }
}

/// A number with room for the bits below it. Numbers are bounded far below what fits; one that does
/// not is nobody's.
fn id(number: usize, shift: u32) -> u32 {
    u32::try_from(number)
        .ok()
        .filter(|&number| number < 1 << 30)
        .map_or(u32::MAX << shift, |number| number << shift)
}
