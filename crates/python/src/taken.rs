//! Which names of families are taken: by ours, and by metrics of the test's own.

use std::collections::HashSet;
use std::sync::Arc;

use exposition::{Kind, Meta, MetricName};
use locust_model::CustomKind;
use schema::Catalog;

/// What a family may be.
const KINDS: [Kind; 4] = [Kind::Gauge, Kind::Counter, Kind::Summary, Kind::Histogram];

/// Whether a family of this name, whatever its kind, would clash with one of the catalogs', or
/// write a name that is written already.
pub(crate) fn is_taken(name: &str, catalogs: &[Arc<Catalog>], written: &HashSet<String>) -> bool {
    KINDS.iter().any(|&kind| {
        catalogs.iter().any(|catalog| catalog.taken(name, kind))
            || names_of(name, kind).iter().any(|sample| written.contains(sample))
    })
}

/// The names that the test's own metrics write.
pub(crate) fn written(defined: &[(String, CustomKind, Vec<String>)]) -> HashSet<String> {
    let kind = |kind| match kind {
        CustomKind::Counter => Kind::Counter,
        CustomKind::Gauge => Kind::Gauge,
        CustomKind::Histogram => Kind::Histogram,
    };
    defined.iter().flat_map(|(name, of, _)| names_of(name, kind(*of))).collect()
}

/// The names that a family writes: none if it cannot have this one.
fn names_of(name: &str, kind: Kind) -> Vec<String> {
    let Ok(name) = MetricName::new(name) else { return Vec::new() };
    let meta = Meta::new(name, "", None, kind);
    meta.sample_names().chain(meta.family_names()).collect()
}
