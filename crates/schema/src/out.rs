//! Where the rows' functions put their values.

use std::time::{Duration, SystemTime};

use exposition::{Emit, Histogram, Label, Labels, Sample, Summary, Value};

/// When a series began to count, where that is known.
pub(crate) type Since = Option<SystemTime>;

/// Takes the values of one row. Nothing is allocated for a value.
pub(crate) struct Out<'a, 'e> {
    base: &'a [Label<'a>],
    takes_since: bool,
    emit: &'a mut Emit<'e>,
}

impl<'a, 'e> Out<'a, 'e> {
    /// Values go to `emit`, with `base` before their own labels. When they began to count is of
    /// interest if `takes_since`: nothing else than a count began.
    pub(crate) fn new(base: &'a [Label<'a>], takes_since: bool, emit: &'a mut Emit<'e>) -> Self {
        Self { base, takes_since, emit }
    }

    /// A number, if there is one.
    pub(crate) fn put(&mut self, labels: &[&str], value: impl Measure) {
        self.put_since(labels, value, None);
    }

    /// A number, if there is one, and when it began to count, if it is one that counts.
    pub(crate) fn put_since(&mut self, labels: &[&str], value: impl Measure, since: Since) {
        if let Some(number) = value.measure() {
            self.sample(labels, Value::Number(number), since);
        }
    }

    /// A summary, and when it began to count.
    pub(crate) fn put_summary(&mut self, labels: &[&str], summary: Summary<'_>, since: Since) {
        self.sample(labels, Value::Summary(summary), since);
    }

    /// A histogram, and when it began to count.
    pub(crate) fn put_histogram(&mut self, labels: &[&str], value: Histogram<'_>, since: Since) {
        self.sample(labels, Value::Histogram(value), since);
    }

    fn sample(&mut self, values: &[&str], value: Value<'_>, since: Since) {
        let labels = Labels { base: self.base, values };
        let created = since.filter(|_| self.takes_since).measure();
        (self.emit)(&Sample { labels, value, created });
    }
}

/// What can be a sample's number.
pub(crate) trait Measure {
    /// The number, in the base unit; `None` if it is not known.
    fn measure(self) -> Option<f64>;
}

impl Measure for f64 {
    fn measure(self) -> Option<f64> {
        Some(self)
    }
}

impl Measure for u64 {
    fn measure(self) -> Option<f64> {
        Some(self as f64)
    }
}

impl Measure for usize {
    fn measure(self) -> Option<f64> {
        Some(self as f64)
    }
}

impl Measure for bool {
    fn measure(self) -> Option<f64> {
        Some(f64::from(u8::from(self)))
    }
}

impl Measure for Duration {
    fn measure(self) -> Option<f64> {
        Some(self.as_secs_f64())
    }
}

/// Seconds since 1970.
impl Measure for SystemTime {
    fn measure(self) -> Option<f64> {
        Some(match self.duration_since(Self::UNIX_EPOCH) {
            Ok(since) => since.as_secs_f64(),
            Err(before) => -before.duration().as_secs_f64(),
        })
    }
}

impl<M: Measure> Measure for Option<M> {
    fn measure(self) -> Option<f64> {
        self.and_then(M::measure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_in_seconds_since_1970_also_before() {
        let quarter = Duration::from_millis(250);
        assert_eq!((SystemTime::UNIX_EPOCH + quarter).measure(), Some(0.25));
        assert_eq!((SystemTime::UNIX_EPOCH - quarter).measure(), Some(-0.25));
    }

    #[test]
    fn what_is_not_known_has_no_number() {
        assert_eq!(None::<u64>.measure(), None);
        assert_eq!(Some(None::<u64>).measure(), None);
        assert_eq!(Some(true).measure(), Some(1.0));
    }
}
