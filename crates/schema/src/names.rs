//! Names that metrics have taken for themselves.

use std::collections::HashMap;

use exposition::Meta;

/// The names of samples that some metrics write, each with the metric's own name.
#[derive(Debug, Default)]
pub(crate) struct Names(HashMap<String, String>);

/// A name that two metrics want.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) sample: String,
    /// The metric that has it.
    pub(crate) by: String,
}

impl Names {
    /// Takes the names of `meta`, those of its family in `OpenMetrics` too.
    pub(crate) fn take(&mut self, meta: &Meta) {
        for sample in meta.sample_names().chain(meta.family_names()) {
            self.0.entry(sample).or_insert_with(|| meta.name.as_str().to_owned());
        }
    }

    /// Takes the names of the samples of `meta`, so that a counter `x_total` may stand beside `x`.
    pub(crate) fn take_samples(&mut self, meta: &Meta) {
        for sample in meta.sample_names() {
            self.0.entry(sample).or_insert_with(|| meta.name.as_str().to_owned());
        }
    }

    /// The first name of `meta`, or of its family in `OpenMetrics`, that is taken.
    pub(crate) fn wanted_by(&self, meta: &Meta) -> Option<Wanted> {
        self.find(meta.sample_names().chain(meta.family_names()))
    }

    /// The first name of the samples of `meta` that is taken.
    pub(crate) fn wanted_by_samples(&self, meta: &Meta) -> Option<Wanted> {
        self.find(meta.sample_names())
    }

    fn find(&self, mut samples: impl Iterator<Item = String>) -> Option<Wanted> {
        samples.find_map(|sample| {
            let by = self.0.get(&sample)?.clone();
            Some(Wanted { sample, by })
        })
    }
}
