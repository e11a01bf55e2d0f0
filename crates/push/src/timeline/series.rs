//! The series of a family, from pass to pass.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use exposition::{Family, Kind, Meta, Reject, Sample, Value, validate};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::form::{Form, Forms};
use super::key;
use crate::point::{Millis, Point, Points, Reading};

/// Where in time a pass stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub(super) time: Millis,
    /// The time of the pass before.
    pub(super) last: Millis,
    /// The pass's number.
    pub(super) pass: u64,
}

/// A family, and its series that are there.
#[derive(Debug)]
pub(super) struct Known {
    meta: Meta,
    series: HashTable<Series>,
    forms: Forms,
    /// How many of the series have been seen in this pass.
    seen: usize,
    /// The key of the sample at hand.
    key: Vec<u8>,
}

/// A series that is there.
#[derive(Debug)]
struct Series {
    key: Box<[u8]>,
    form: Arc<Form>,
    /// What it said last, if it is one that counts; else not a number.
    count: f64,
    start: Option<Millis>,
    first: Millis,
    /// The last pass in which it was there.
    pass: u64,
}

impl Known {
    pub(super) fn new(meta: &Meta) -> Self {
        Self {
            meta: meta.clone(),
            series: HashTable::new(),
            forms: Forms::default(),
            seen: 0,
            key: Vec::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// Begins a pass.
    pub(super) fn begin(&mut self) {
        self.seen = 0;
    }

    /// Takes the family's description, which may have changed. Where it is of another kind now,
    /// nothing of what it was stays.
    pub(super) fn follow(
        &mut self,
        meta: &Meta,
        now: &Now,
        hasher: &RandomState,
        out: &mut dyn Points,
    ) {
        if *meta != self.meta {
            if meta.kind != self.meta.kind {
                self.end_others(now, now.time - 1, hasher, out);
            }
            self.meta = meta.clone();
        }
    }

    /// Gives a sample as a point.
    pub(super) fn sample(
        &mut self,
        family: &Family<'_>,
        sample: &Sample<'_>,
        now: &Now,
        hasher: &RandomState,
        out: &mut dyn Points,
    ) -> Result<(), Reject> {
        validate(family, sample)?;
        key::sorted(family.labels(sample), |labels| {
            if labels.is_sorted_by(|a, b| a.0 < b.0) {
                self.point(labels, sample, now, hasher, out)
            } else {
                Err(Reject::Labels)
            }
        })
    }

    fn point(
        &mut self,
        labels: &[(&str, &str)],
        sample: &Sample<'_>,
        now: &Now,
        hasher: &RandomState,
        out: &mut dyn Points,
    ) -> Result<(), Reject> {
        let Self { meta, series, forms, seen, key } = self;
        key::write(key, labels);
        let count = count(meta.kind, &sample.value);
        let created = sample.created.and_then(|created| millis(created, now.time));
        let created = created.filter(|_| !count.is_nan());
        let hash = hasher.hash_one(&**key);
        let known = series.entry(hash, |s| *s.key == **key, |s| hasher.hash_one(&*s.key));
        let known = match known {
            Entry::Occupied(known) => {
                let known = known.into_mut();
                if known.pass == now.pass {
                    return Err(Reject::Labels);
                }
                if !known.form.is_of(&sample.value) {
                    known.end(meta, now.time - 1, out);
                    known.form = forms.find(&sample.value);
                }
                known.advance(count, created, now);
                known
            }
            Entry::Vacant(place) => {
                let form = forms.find(&sample.value);
                place.insert(Series::new(key, form, count, created, now)).into_mut()
            }
        };
        *seen += 1;
        out.point(&Point {
            meta,
            labels,
            reading: Reading::Value(sample.value),
            start: known.start,
            first: known.first,
            time: now.time,
        });
        Ok(())
    }

    /// Ends at `time` each series that was not seen in this pass.
    pub(super) fn end_others(
        &mut self,
        now: &Now,
        time: Millis,
        hasher: &RandomState,
        out: &mut dyn Points,
    ) {
        let Self { meta, series, seen, .. } = self;
        if *seen == series.len() {
            return;
        }
        series.retain(|series| {
            let stays = series.pass == now.pass;
            if !stays {
                series.end(meta, time, out);
            }
            stays
        });
        if series.len() < series.capacity() / 4 {
            series.shrink_to(2 * series.len(), |s| hasher.hash_one(&*s.key));
        }
    }
}

impl Series {
    /// One that was not there in the last pass.
    fn new(key: &[u8], form: Arc<Form>, count: f64, start: Option<Millis>, now: &Now) -> Self {
        Self { key: key.into(), form, count, start, first: now.time, pass: now.pass }
    }

    /// Goes on to this pass.
    fn advance(&mut self, count: f64, created: Option<Millis>, now: &Now) {
        let fell = count < self.count;
        let start = created.or(if fell { Some(now.last + 1) } else { self.start });
        if fell || (self.start.is_some() && start != self.start) {
            self.first = now.time;
        }
        // A start may turn out to be later than the pass that was thought to see it first.
        self.first = start.map_or(self.first, |start| self.first.max(start));
        (self.start, self.count, self.pass) = (start, count, now.pass);
    }

    /// Gives its end.
    fn end(&self, meta: &Meta, time: Millis, out: &mut dyn Points) {
        out.point(&Point {
            meta,
            labels: &key::read(&self.key),
            reading: Reading::Ended(self.form.shape()),
            start: self.start,
            first: self.first,
            time,
        });
    }
}

/// What must not fall; not a number where anything may.
fn count(kind: Kind, value: &Value<'_>) -> f64 {
    match value {
        Value::Number(number) if kind == Kind::Counter => *number,
        Value::Number(_) => f64::NAN,
        Value::Summary(summary) => summary.count as f64,
        Value::Histogram(histogram) => histogram.count as f64,
    }
}

/// A time in seconds, unless it cannot be the start of what is told at `now`.
#[expect(clippy::cast_possible_truncation, reason = "a time after `now` is left out")]
fn millis(seconds: f64, now: Millis) -> Option<Millis> {
    let millis = (seconds * 1e3).round() as Millis;
    (millis > 0 && millis <= now).then_some(millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_takes_as_much_room_as_it_is_said_to() {
        assert_eq!(size_of::<Series>(), 64);
    }

    #[test]
    fn a_time_that_is_no_start_is_none() {
        assert_eq!(millis(1.5, 1_500), Some(1_500));
        for seconds in [1.501, 0.0, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300] {
            assert_eq!(millis(seconds, 1_500), None, "{seconds}");
        }
    }
}
