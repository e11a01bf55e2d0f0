//! Metrics of the test's own. They stand behind Locust's, under the names the test gave them.

use std::sync::Arc;

use exposition::{Emit, Kind, LabelName, Meta, MetricName, NameError};
use locust_model::{CustomKind, CustomMetric, CustomValue};

use crate::catalog::Catalog;
use crate::duration::histogram;
use crate::names::{Names, Wanted};
use crate::out::Out;
use crate::{Own, Sighting, label};

/// Why a test cannot have a metric.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CustomError {
    /// Its name, or a label's, cannot be one.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A label is given more than once.
    #[error("metric {metric:?} has the label {label:?} twice")]
    LabelTwice {
        /// The metric.
        metric: String,
        /// The label.
        label: String,
    },
    /// A label has the name of one that every series has.
    #[error(
        "metric {metric:?} cannot have the label {label:?}: every series has one; use another name"
    )]
    LabelTaken {
        /// The metric.
        metric: String,
        /// The label.
        label: String,
    },
    /// Another metric has its name, or writes samples of a name that it would write.
    #[error(
        "metric {metric:?} would give samples named {sample}, as metric {by} does; use another name"
    )]
    Taken {
        /// The metric.
        metric: String,
        /// The name.
        sample: String,
        /// The metric that has it.
        by: String,
    },
    /// Both would have a name in `OpenMetrics`, where a counter's family is without `_total`.
    #[error(
        "metric {metric:?} would use the name {name} in OpenMetrics, as metric {by} does; \
         use another name"
    )]
    TakenInOpenMetrics {
        /// The metric.
        metric: String,
        /// The name.
        name: String,
        /// The metric that has it.
        by: String,
    },
}

impl CustomError {
    /// The values of the label `reason` under which metrics that are left out are counted.
    const REASONS: [&'static str; 3] = ["custom_clash", "custom_label", "custom_name"];

    fn reason(&self) -> &'static str {
        match self {
            Self::Taken { .. } | Self::TakenInOpenMetrics { .. } => "custom_clash",
            Self::LabelTwice { .. } | Self::LabelTaken { .. } => "custom_label",
            Self::Name(_) => "custom_name",
        }
    }

    fn taken(metric: &Meta, Wanted { name, by, in_openmetrics }: Wanted) -> Self {
        let metric = metric.name.to_string();
        if in_openmetrics {
            Self::TakenInOpenMetrics { metric, name, by }
        } else {
            Self::Taken { metric, sample: name, by }
        }
    }
}

/// A metric of the test's own that stands.
#[derive(Debug)]
pub(crate) struct Custom {
    pub(crate) meta: Meta,
    pub(crate) names: Vec<LabelName<'static>>,
    /// Where it is: which sighting's, and which there.
    places: Vec<(usize, usize)>,
}

impl Custom {
    fn new(
        catalog: &Catalog,
        (name, help, kind): (&str, &str, Kind),
        labels: &[impl AsRef<str>],
    ) -> Result<Self, CustomError> {
        let meta = Meta::new(MetricName::new(name)?, help.to_owned(), None, kind);
        if let Some(wanted) = catalog.reserved.wanted_by(&meta) {
            return Err(CustomError::taken(&meta, wanted));
        }
        let mut names: Vec<LabelName<'static>> = Vec::with_capacity(labels.len());
        for label in labels {
            let (metric, label) = (|| name.to_owned(), label.as_ref().to_owned());
            let valid = LabelName::new(label.clone())?;
            if names.contains(&valid) {
                return Err(CustomError::LabelTwice { metric: metric(), label });
            }
            if valid == label::TARGET || catalog.labels.iter().any(|base| base.name == valid) {
                return Err(CustomError::LabelTaken { metric: metric(), label });
            }
            names.push(valid);
        }
        Ok(Self { meta, names, places: Vec::new() })
    }

    /// Whether both are one metric, seen in different places.
    fn is_same(&self, other: &Self) -> bool {
        let Self { meta, names, .. } = self;
        meta.name == other.meta.name && meta.kind == other.meta.kind && *names == other.names
    }

    /// Hands its values to `emit`, each with the labels of its sighting.
    pub(crate) fn each<'s>(
        &self,
        seen: impl Fn(usize) -> (&'s Sighting, &'s [exposition::Label<'static>]),
        takes_since: bool,
        emit: &mut Emit<'_>,
    ) {
        let (mut values, mut spans) = (Vec::new(), Vec::new());
        for &(sighting, at) in &self.places {
            let (sighting, base) = seen(sighting);
            let mut out = Out::new(base, takes_since, emit);
            for series in metrics(sighting).get(at).iter().flat_map(|metric| &metric.series) {
                values.clear();
                values.extend(series.values.iter().map(|value| &**value));
                match &series.value {
                    CustomValue::Number(number) => out.put_since(&values, *number, series.since),
                    CustomValue::Distribution(distribution) => {
                        let histogram = histogram(distribution, &mut spans);
                        out.put_histogram(&values, histogram, series.since);
                    }
                }
            }
        }
    }
}

impl Catalog {
    /// Whether a test may define a metric of this name, type and labels beside its `others`. Which
    /// schemas are active, and from where Locust is seen, makes no difference.
    ///
    /// # Errors
    ///
    /// [`CustomError`] says what is wrong, and what to do.
    pub fn admit<'o>(
        &self,
        name: &str,
        kind: CustomKind,
        labels: &[impl AsRef<str>],
        others: impl IntoIterator<Item = (&'o str, CustomKind)>,
    ) -> Result<(), CustomError> {
        let custom = Custom::new(self, (name, "", kind_of(kind)), labels)?;
        let mut names = Names::default();
        for (other, kind) in others.into_iter().filter(|(other, _)| *other != name) {
            names.take(&Meta::new(MetricName::new(other)?, "", None, kind_of(kind)));
        }
        let wanted = names.wanted_by(&custom.meta);
        wanted.map_or(Ok(()), |wanted| Err(CustomError::taken(&custom.meta, wanted)))
    }
}

/// The test's own metrics that can be shown. What cannot is counted.
pub(crate) fn gather(catalog: &Catalog, own: &Own, sightings: &[Arc<Sighting>]) -> Vec<Custom> {
    if !catalog.view.is_inside() {
        return Vec::new();
    }
    // Even at 0: a series that begins at 1 has no increase.
    for reason in CustomError::REASONS {
        own.rejected(reason, 0);
    }
    let mut gathered = Gathered::default();
    for (sighting, seen) in sightings.iter().enumerate() {
        for (at, metric) in metrics(seen).iter().enumerate() {
            if let Err(error) = gathered.add(catalog, metric, (sighting, at)) {
                own.rejected(error.reason(), 1);
            }
        }
    }
    gathered.customs
}

#[derive(Default)]
struct Gathered {
    customs: Vec<Custom>,
    names: Names,
}

impl Gathered {
    fn add(
        &mut self,
        catalog: &Catalog,
        metric: &CustomMetric,
        place: (usize, usize),
    ) -> Result<(), CustomError> {
        let CustomMetric { name, help, kind, labels, .. } = metric;
        let mut custom = Custom::new(catalog, (name, help, kind_of(*kind)), labels)?;
        if let Some(wanted) = self.names.wanted_by(&custom.meta) {
            let same = self.customs.iter_mut().find(|known| known.is_same(&custom));
            // Of another Locust: no two metrics of one have the same name.
            return match same.filter(|known| known.places.iter().all(|it| it.0 != place.0)) {
                Some(known) => {
                    known.places.push(place);
                    Ok(())
                }
                None => Err(CustomError::taken(&custom.meta, wanted)),
            };
        }
        custom.places.push(place);
        self.names.take(&custom.meta);
        self.customs.push(custom);
        Ok(())
    }
}

fn metrics(sighting: &Sighting) -> &[CustomMetric] {
    sighting.snapshot.as_ref().map(|snapshot| &*snapshot.custom).unwrap_or_default()
}

fn kind_of(kind: CustomKind) -> Kind {
    match kind {
        CustomKind::Counter => Kind::Counter,
        CustomKind::Gauge => Kind::Gauge,
        CustomKind::Histogram => Kind::Histogram,
    }
}
