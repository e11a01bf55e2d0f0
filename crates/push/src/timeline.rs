//! The one stage that remembers: when a series began, and which have ended.
//!
//! Of a series that is there it keeps its labels, its last count, when it began and what it
//! consists of: 64 bytes beside the labels, in a hash table that is at least half full.

mod form;
mod key;
mod series;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;

use exposition::{Families, Family, MetricName, Rejections, Visitor};

use self::series::{Known, Now};
use crate::point::{Millis, Points};

/// What is known of the series of the last pass.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    families: BTreeMap<MetricName, Known>,
    hasher: RandomState,
    /// The time of the last pass; at first of no meaning.
    last: Millis,
    /// The number of the last pass.
    pass: u64,
}

impl Timeline {
    /// Gives every sample that is fit to be shown as a point of `time`, which must be at least 2 ms
    /// after the last pass, unless all has [ended](Self::end) since; then, family by family, the end of each series that is not there any
    /// more. What is left out is told to `families`: also the second of two samples with the same
    /// labels, as [`Reject::Labels`](exposition::Reject::Labels).
    ///
    /// A series that stays, but of which a part ends (a histogram with other bounds), is given
    /// twice: as ended 1 ms before `time`, then as it is now. So the parts that stay have no two
    /// values at one time.
    ///
    /// Families of the same name are one family if they come one after the other; the same name
    /// must not come again later in the same pass.
    pub(crate) fn pass(&mut self, families: &dyn Families, time: Millis, out: &mut dyn Points) {
        self.pass += 1;
        self.families.values_mut().for_each(Known::begin);
        let now = Now { time, last: self.last, pass: self.pass };
        let mut pass = Pass { timeline: self, now, out, family: None, left_out: <_>::default() };
        for part in 0..families.parts() {
            families.visit(part, &mut pass);
            for (reason, count) in std::mem::take(&mut pass.left_out).iter() {
                families.rejected(reason, count);
            }
        }
        // Those that were visited have ended theirs, but for the last.
        for known in self.families.values_mut() {
            known.end_others(&now, time, &self.hasher, out);
        }
        self.families.retain(|_, known| !known.is_empty());
        self.last = time;
    }

    /// Ends every series. What comes afterwards begins anew, and may be earlier.
    pub(crate) fn end(&mut self, time: Millis, out: &mut dyn Points) {
        self.pass += 1;
        let now = Now { time, last: self.last, pass: self.pass };
        for mut known in std::mem::take(&mut self.families).into_values() {
            known.begin();
            known.end_others(&now, time, &self.hasher, out);
        }
        self.last = time;
    }
}

/// A pass under way.
struct Pass<'a> {
    timeline: &'a mut Timeline,
    now: Now,
    out: &'a mut dyn Points,
    /// The family of which samples came last.
    family: Option<MetricName>,
    left_out: Rejections,
}

impl Visitor for Pass<'_> {
    fn family(&mut self, family: &Family<'_>) {
        let Self { timeline: Timeline { families, hasher, .. }, now, out, left_out, .. } = self;
        let name = &family.meta.name;
        if self.family.as_ref() != Some(name) {
            let before = self.family.replace(name.clone());
            if let Some(known) = before.and_then(|before| families.get_mut(&before)) {
                known.end_others(now, now.time, hasher, *out);
            }
        }
        let known = families.entry(name.clone()).or_insert_with(|| Known::new(family.meta));
        known.follow(family.meta, now, hasher, *out);
        family.each(|sample| {
            if let Err(reason) = known.sample(family, sample, now, hasher, *out) {
                left_out.add(reason);
            }
        });
    }
}
