//! Ways to ask what an exposition holds.

use std::sync::Arc;

use exposition::{Families, Family, Meta, Value, Visitor};
use locust_model::Snapshot;
use schema::{BuildInfo, Catalog, Config, Exposition, Own, Schema, Sighting, View};

use crate::snapshots::sighting;
use crate::text;

/// Every combination of schemas.
pub(crate) fn combinations() -> impl Iterator<Item = Vec<Schema>> {
    (1_u8..8).map(|bits| {
        let chosen = |(index, schema)| (bits >> index & 1 == 1).then_some(schema);
        Schema::ALL.into_iter().enumerate().filter_map(chosen).collect()
    })
}

pub(crate) fn schemas(schemas: &[Schema]) -> Config {
    Config { schemas: schemas.to_vec(), ..Config::default() }
}

/// The same from inside Locust.
pub(crate) fn schemas_inside(active: &[Schema]) -> Config {
    Config { view: View::Inside { duration_by_status: false }, ..schemas(active) }
}

pub(crate) fn own() -> Arc<Own> {
    Arc::new(Own::new(BuildInfo {
        version: "1.2.3",
        revision: "0123abc",
        rustc: "1.95.0",
        os: "linux",
        arch: "x86_64",
    }))
}

pub(crate) fn expose(config: &Config, sightings: Vec<Sighting>) -> Exposition {
    let catalog = Catalog::new(config).expect("a valid configuration");
    Exposition::new(Arc::new(catalog), own(), sightings.into_iter().map(Arc::new).collect())
}

/// The lines of these metrics (names without the namespace, values with their labels), in order.
pub(crate) fn lines(active: &[Schema], snapshot: Snapshot, names: &[&str]) -> Vec<String> {
    lines_of(&schemas(active), snapshot, names)
}

/// The same under this configuration.
pub(crate) fn lines_of(config: &Config, snapshot: Snapshot, names: &[&str]) -> Vec<String> {
    let text = text::write(&expose(config, vec![sighting(snapshot)]));
    text.lines()
        .filter_map(|line| line.strip_prefix("locust_"))
        .filter(|line| names.contains(&line.split([' ', '{']).next().unwrap()))
        .map(str::to_owned)
        .collect()
}

/// A family with owned samples.
#[derive(Debug)]
pub(crate) struct Collected {
    pub(crate) meta: Meta,
    pub(crate) samples: Vec<Series>,
}

#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) labels: Vec<(String, String)>,
    /// Of a number, itself; of a summary, its count, its sum and every quantile; of a histogram,
    /// its count, its sum and every classic bucket.
    pub(crate) numbers: Vec<f64>,
    pub(crate) quantiles: Vec<f64>,
    pub(crate) created: Option<f64>,
}

/// Every family, in order, those without samples too.
pub(crate) fn collect(families: &dyn Families) -> Vec<Collected> {
    struct All(Vec<Collected>);

    impl Visitor for All {
        fn family(&mut self, family: &Family<'_>) {
            let mut samples = Vec::new();
            family.each(|sample| {
                assert_eq!(family.names.len(), sample.labels.values.len());
                let labels =
                    family.labels(sample).map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
                let (numbers, quantiles) = match &sample.value {
                    Value::Number(number) => (vec![*number], Vec::new()),
                    Value::Summary(summary) => (
                        std::iter::once(summary.count as f64)
                            .chain(summary.sum)
                            .chain(summary.quantiles.iter().map(|quantile| quantile.value))
                            .collect(),
                        summary.quantiles.iter().map(|quantile| quantile.q).collect(),
                    ),
                    Value::Histogram(histogram) => {
                        let buckets = histogram.classic.map(|classic| classic.counts);
                        let buckets = buckets.unwrap_or_default().iter().map(|n| *n as f64);
                        let count = histogram.count as f64;
                        ([count, histogram.sum].into_iter().chain(buckets).collect(), Vec::new())
                    }
                };
                samples.push(Series { labels, numbers, quantiles, created: sample.created });
            });
            self.0.push(Collected { meta: family.meta.clone(), samples });
        }
    }

    let mut all = All(Vec::new());
    for part in 0..families.parts() {
        families.visit(part, &mut all);
    }
    all.0
}
