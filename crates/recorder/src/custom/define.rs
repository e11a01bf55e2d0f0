//! Defining metrics and finding their series.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use locust_model::{CustomKind, OTHER, Text};

use super::{ChildId, Customs, MOST_METRICS, MOST_SERIES, Metric, MetricId, Series};
use crate::GaugeMerge;

/// What a test says of a metric. That its names can be names has been seen to elsewhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Definition<'a> {
    /// Its type.
    pub kind: CustomKind,
    /// Its name.
    pub name: &'a str,
    /// What it means.
    pub help: &'a str,
    /// Names of its labels.
    pub labels: &'a [&'a str],
    /// Inclusive upper bounds of a histogram's buckets, ascending and finite; no other kind has any.
    pub buckets: &'a [f64],
    /// How a gauge's values of several processes become one.
    pub merge: GaugeMerge,
}

/// Why a metric cannot be defined or changed so.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CustomError {
    /// There is another one of this name.
    #[error("metric {name:?} is defined already, and not in the same way")]
    Redefined {
        /// The name.
        name: Text,
    },
    /// There are too many.
    #[error("metric {name:?} is one too many: a test can define {MOST_METRICS}")]
    TooMany {
        /// The name.
        name: Text,
    },
    /// The bounds of a histogram's buckets cannot be.
    #[error("bucket bounds of metric {name:?}: give finite numbers in ascending order")]
    Buckets {
        /// The name.
        name: Text,
    },
    /// The values are not as many as the labels.
    #[error("metric {name:?} has {expected} labels, not {given}")]
    Labels {
        /// The name.
        name: Text,
        /// How many labels it has.
        expected: usize,
        /// How many values were given.
        given: usize,
    },
    /// The metric cannot be changed in this way.
    #[error("metric {name:?} is a {}: it cannot be changed by {by}", word(*kind))]
    Kind {
        /// The name.
        name: Text,
        /// Its kind.
        kind: CustomKind,
        /// What was tried.
        by: &'static str,
    },
    /// A counter only grows.
    #[error("counter {name:?} cannot grow by {amount}")]
    Shrinks {
        /// The name.
        name: Text,
        /// The amount.
        amount: f64,
    },
    /// There is no such metric or series.
    #[error("no such metric")]
    Unknown,
}

fn word(kind: CustomKind) -> &'static str {
    match kind {
        CustomKind::Counter => "counter",
        CustomKind::Gauge => "gauge",
        CustomKind::Histogram => "histogram",
    }
}

/// What has been defined, for the writer.
#[derive(Debug, Default)]
pub(crate) struct Definitions {
    customs: Arc<Customs>,
    by_name: HashMap<Text, MetricId>,
    metrics: Vec<Known>,
    children: Vec<Child>,
}

#[derive(Clone, Debug)]
struct Child {
    metric: MetricId,
    series: Arc<Series>,
    /// Whether it stands for those that were too many.
    is_folded: bool,
}

#[derive(Debug)]
struct Known {
    metric: Arc<Metric>,
    children: HashMap<Box<[Text]>, ChildId>,
    named: usize,
    /// That of those beyond.
    folded: Option<ChildId>,
}

impl Definitions {
    pub(crate) fn customs(&self) -> &Arc<Customs> {
        &self.customs
    }

    /// Defines a metric; the same definition again is the same metric. One without labels has its
    /// series from now on.
    pub(crate) fn define(
        &mut self,
        definition: &Definition<'_>,
        now: f64,
    ) -> Result<MetricId, CustomError> {
        let metric = Metric::new(definition);
        if !metric.bounds.iter().all(|bound| bound.is_finite())
            || !metric.bounds.is_sorted_by(|a, b| a < b)
        {
            return Err(CustomError::Buckets { name: metric.name });
        }
        if let Some(&id) = self.by_name.get(definition.name) {
            let known = &*self.known(id)?.metric;
            let is_same = known.help == metric.help
                && known.kind == metric.kind
                && known.merge == metric.merge
                && known.labels == metric.labels
                && known.bounds == metric.bounds;
            return if is_same {
                Ok(id)
            } else {
                Err(CustomError::Redefined { name: metric.name })
            };
        }
        let id = match u32::try_from(self.metrics.len()) {
            Ok(id) if self.metrics.len() < MOST_METRICS => MetricId(id),
            _ => return Err(CustomError::TooMany { name: metric.name }),
        };
        let metric = Arc::new(metric);
        self.by_name.insert(Text::clone(&metric.name), id);
        self.customs.0.push(Arc::clone(&metric));
        self.metrics.push(Known { metric, children: HashMap::new(), named: 0, folded: None });
        if definition.labels.is_empty() {
            self.child(id, &[], now)?;
        }
        Ok(id)
    }

    /// The series with these values, made if need be.
    pub(crate) fn child(
        &mut self,
        metric: MetricId,
        values: &[Cow<'_, str>],
        now: f64,
    ) -> Result<ChildId, CustomError> {
        let known = self.metrics.get_mut(metric.0 as usize).ok_or(CustomError::Unknown)?;
        let expected = known.metric.labels.len();
        if values.len() != expected {
            let name = Text::clone(&known.metric.name);
            return Err(CustomError::Labels { name, expected, given: values.len() });
        }
        let values: Box<[Text]> = values.iter().map(|value| (**value).into()).collect();
        if let Some(&child) = known.children.get(&values) {
            return Ok(child);
        }
        if known.named < MOST_SERIES {
            known.named += 1;
            return self.make(metric, values, now);
        }
        if let Some(folded) = known.folded {
            return Ok(folded);
        }
        let other: Box<[Text]> = values.iter().map(|_| OTHER.into()).collect();
        let same = match known.children.get(&other) {
            Some(&same) => same,
            None => self.make(metric, other, now)?,
        };
        let same = self.children.get(same.0 as usize).ok_or(CustomError::Unknown)?;
        let folded = self.push(Child { is_folded: true, ..same.clone() })?;
        let known = self.metrics.get_mut(metric.0 as usize).ok_or(CustomError::Unknown)?;
        known.folded = Some(folded);
        Ok(folded)
    }

    fn make(
        &mut self,
        metric: MetricId,
        values: Box<[Text]>,
        now: f64,
    ) -> Result<ChildId, CustomError> {
        let series = self.known(metric)?.metric.add(values.to_vec(), now);
        let child = self.push(Child { metric, series, is_folded: false })?;
        if let Some(known) = self.metrics.get_mut(metric.0 as usize) {
            known.children.insert(values, child);
        }
        Ok(child)
    }

    fn push(&mut self, child: Child) -> Result<ChildId, CustomError> {
        let next = u32::try_from(self.children.len()).map_err(|_| CustomError::Unknown)?;
        self.children.push(child);
        Ok(ChildId(next))
    }

    /// Whether a series stands for those that were too many.
    pub(crate) fn is_folded(&self, child: ChildId) -> bool {
        self.children.get(child.0 as usize).is_some_and(|child| child.is_folded)
    }

    pub(crate) fn add(&self, child: ChildId, amount: f64, now: f64) -> Result<(), CustomError> {
        let (metric, series) = self.found(child)?;
        match metric.kind {
            CustomKind::Histogram => Err(metric.refuses("adding")),
            CustomKind::Counter if amount < 0.0 || amount.is_nan() => {
                Err(CustomError::Shrinks { name: Text::clone(&metric.name), amount })
            }
            CustomKind::Counter | CustomKind::Gauge => {
                series.add(amount, now);
                Ok(())
            }
        }
    }

    pub(crate) fn set(&self, child: ChildId, value: f64, now: f64) -> Result<(), CustomError> {
        let (metric, series) = self.found(child)?;
        match metric.kind {
            CustomKind::Gauge => {
                series.set(value, now);
                Ok(())
            }
            CustomKind::Counter | CustomKind::Histogram => Err(metric.refuses("setting")),
        }
    }

    pub(crate) fn observe(&self, child: ChildId, value: f64, now: f64) -> Result<(), CustomError> {
        let (metric, series) = self.found(child)?;
        match metric.kind {
            CustomKind::Histogram => {
                series.observe(&metric.bounds, value, now);
                Ok(())
            }
            CustomKind::Counter | CustomKind::Gauge => Err(metric.refuses("observing")),
        }
    }

    fn known(&self, id: MetricId) -> Result<&Known, CustomError> {
        self.metrics.get(id.0 as usize).ok_or(CustomError::Unknown)
    }

    fn found(&self, child: ChildId) -> Result<(&Metric, &Series), CustomError> {
        let child = self.children.get(child.0 as usize).ok_or(CustomError::Unknown)?;
        Ok((&*self.known(child.metric)?.metric, &*child.series))
    }
}

impl Metric {
    fn refuses(&self, by: &'static str) -> CustomError {
        CustomError::Kind { name: Text::clone(&self.name), kind: self.kind, by }
    }
}
