//! One scrape's families.

use std::sync::Arc;

use exposition::{Emit, Families, Family, Label, Reject, Visitor};

use crate::catalog::Entry;
use crate::custom::{self, Custom};
use crate::out::Out;
use crate::row::Read;
use crate::{Catalog, Own, Sighting, label};

/// What was seen of every Locust, named as the catalog says. One part is one metric.
///
/// Metrics of the test's own stand behind Locust's. The exporter's own counters come last, so that
/// they tell of this scrape's rejections too.
#[derive(Debug)]
pub struct Exposition {
    catalog: Arc<Catalog>,
    own: Arc<Own>,
    seen: Vec<Seen>,
    custom: Vec<Custom>,
}

/// A sighting with the labels of all its series.
#[derive(Debug)]
struct Seen {
    sighting: Arc<Sighting>,
    /// The target, the user's labels, boomer's base label last.
    base: Vec<Label<'static>>,
}

impl Exposition {
    /// An exposition of these sightings: one for each Locust, of different targets where
    /// [`Config::targets`](crate::Config::targets) is set, else one alone. Their snapshots must
    /// have been [bound](locust_model::Snapshot::bound), so that no two rows of one are the same.
    ///
    /// Values that the schemas cannot show are counted here, once for a scrape.
    pub fn new(catalog: Arc<Catalog>, own: Arc<Own>, sightings: Vec<Arc<Sighting>>) -> Self {
        count_losses(&catalog, &own, &sightings);
        let custom = custom::gather(&catalog, &own, &sightings);
        let base =
            |sighting: Arc<Sighting>| Seen { base: base_labels(&catalog, &sighting), sighting };
        let seen = sightings.into_iter().map(base).collect();
        Self { catalog, own, seen, custom }
    }

    /// Hands the values of one metric to `emit`.
    fn each(&self, entry: &Entry, emit: &mut Emit<'_>) {
        let takes_since = self.catalog.takes_since(entry.meta.kind);
        if let Read::Own(read) = entry.row.read {
            return read(&self.own, &mut Out::new(&self.catalog.labels, takes_since, emit));
        }
        for seen in &self.seen {
            let mut out = Out::new(self.base(seen, entry.has_service), takes_since, emit);
            match (entry.row.read, &seen.sighting.snapshot) {
                (Read::Sighting(read), _) => read(&seen.sighting, &mut out),
                (Read::Snapshot(read), Some(snapshot)) => read(snapshot, &mut out),
                (Read::Snapshot(_), None) | (Read::Own(_), _) => {}
            }
        }
    }

    fn visit_entry(&self, entry: &Entry, visitor: &mut dyn Visitor) {
        let samples = |emit: &mut Emit<'_>| self.each(entry, emit);
        visitor.family(&Family::new(&entry.meta, entry.row.labels, &samples));
    }

    fn visit_custom(&self, custom: &Custom, visitor: &mut dyn Visitor) {
        let takes_since = self.catalog.takes_since(custom.meta.kind);
        let seen = |index: usize| {
            let seen = &self.seen[index];
            (&*seen.sighting, self.base(seen, false))
        };
        let samples = |emit: &mut Emit<'_>| custom.each(seen, takes_since, emit);
        visitor.family(&Family::new(&custom.meta, &custom.names, &samples));
    }

    fn base<'a>(&self, seen: &'a Seen, has_service: bool) -> &'a [Label<'static>] {
        match seen.base.split_last() {
            Some((_service, rest)) if self.catalog.service.is_some() && !has_service => rest,
            _ => &seen.base,
        }
    }
}

impl Families for Exposition {
    fn parts(&self) -> usize {
        self.catalog.entries().len() + self.custom.len()
    }

    fn visit(&self, index: usize, visitor: &mut dyn Visitor) {
        let behind_locusts = index.checked_sub(self.catalog.own_from);
        if let Some(custom) = behind_locusts.and_then(|index| self.custom.get(index)) {
            return self.visit_custom(custom, visitor);
        }
        let customs = if behind_locusts.is_some() { self.custom.len() } else { 0 };
        if let Some(entry) = self.catalog.entries().get(index - customs) {
            self.visit_entry(entry, visitor);
        }
    }

    fn rejected(&self, reason: Reject, count: u64) {
        self.own.rejected(reason.as_str(), count);
    }
}

fn base_labels(catalog: &Catalog, sighting: &Sighting) -> Vec<Label<'static>> {
    // A Locust that is shown alone has no target, whatever others are shown elsewhere.
    let target = sighting.target.as_deref().filter(|_| catalog.targets);
    let target = target.map(|value| Label { name: label::TARGET, value: value.to_owned().into() });
    let given = catalog.labels.iter().cloned();
    target.into_iter().chain(given).chain(catalog.service.clone()).collect()
}

fn count_losses(catalog: &Catalog, own: &Own, sightings: &[Arc<Sighting>]) {
    for snapshot in sightings.iter().filter_map(|sighting| sighting.snapshot.as_ref()) {
        for loss in catalog.entries().iter().filter_map(|entry| entry.row.loses) {
            own.rejected(loss.reason, (loss.count)(snapshot));
        }
    }
}
