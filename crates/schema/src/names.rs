//! Names that metrics have taken for themselves.

use std::collections::HashMap;

use exposition::Meta;

/// The names that some metrics use.
#[derive(Debug, Default)]
pub(crate) struct Names(HashMap<String, Holder>);

/// Who has a name.
#[derive(Debug)]
struct Holder {
    metric: String,
    in_openmetrics: bool,
}

/// A name that two metrics want.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) name: String,
    /// The metric that has it.
    pub(crate) by: String,
    /// Whether one of them uses it in `OpenMetrics` alone.
    pub(crate) in_openmetrics: bool,
}

impl Names {
    /// Takes the names of `meta`.
    pub(crate) fn take(&mut self, meta: &Meta) {
        for (name, in_openmetrics) in names_of(meta) {
            let holder = || Holder { metric: meta.name.as_str().to_owned(), in_openmetrics };
            self.0.entry(name).or_insert_with(holder);
        }
    }

    /// The first name of `meta` that is taken.
    pub(crate) fn wanted_by(&self, meta: &Meta) -> Option<Wanted> {
        names_of(meta).find_map(|(name, in_openmetrics)| {
            let holder = self.0.get(&name)?;
            let in_openmetrics = in_openmetrics || holder.in_openmetrics;
            Some(Wanted { name, by: holder.metric.clone(), in_openmetrics })
        })
    }
}

/// The names of a metric's samples, and those that it has in `OpenMetrics` alone, which are told so.
fn names_of(meta: &Meta) -> impl Iterator<Item = (String, bool)> {
    let samples = meta.sample_names().map(|name| (name, false));
    samples.chain(meta.family_names().map(|name| (name, true)))
}
