//! The model: a family with its samples, and the traits by which it is lent.

use std::borrow::Cow;

use crate::histogram::{Histogram, Summary};
use crate::name::{LabelName, MetricName};

/// What kind of thing a family measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Only grows, until it begins again.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Nothing is promised.
    Unknown,
    /// Observations in buckets.
    Histogram,
    /// Observations with quantiles that cannot be aggregated.
    Summary,
}

/// A base unit. The name of a family that has one ends in it (before `_total`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// A share of 1.
    Ratio,
}

impl Unit {
    /// The unit as it is written in a metric's name and in `# UNIT`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Bytes => "bytes",
            Self::Ratio => "ratio",
        }
    }
}

/// What is known of a family before any of its samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Meta {
    /// The name by which `PromQL` knows the samples; a counter's with `_total`.
    pub name: MetricName,
    /// One sentence of meaning.
    pub help: Cow<'static, str>,
    /// The unit, if the name ends in it.
    pub unit: Option<Unit>,
    /// The type.
    pub kind: Kind,
    /// The type in `OpenMetrics`, where a counter may have to be [`Kind::Unknown`]: see [`settle`].
    pub openmetrics: Kind,
}

impl Meta {
    /// A family on its own. A counter whose name lacks `_total` cannot be typed as one in
    /// `OpenMetrics` under the same name, so it is [`Kind::Unknown`] there.
    pub fn new(
        name: MetricName,
        help: impl Into<Cow<'static, str>>,
        unit: Option<Unit>,
        kind: Kind,
    ) -> Self {
        let openmetrics = if kind == Kind::Counter && !name.as_str().ends_with("_total") {
            Kind::Unknown
        } else {
            kind
        };
        Self { name, help: help.into(), unit, kind, openmetrics }
    }

    /// The family's name in `OpenMetrics`: a counter's without `_total`.
    pub fn openmetrics_name(&self) -> &str {
        let name = self.name.as_str();
        match self.openmetrics {
            Kind::Counter => name.strip_suffix("_total").unwrap_or(name),
            _ => name,
        }
    }

    /// The names of its samples, in whatever format and under whatever options.
    pub fn sample_names(&self) -> impl Iterator<Item = String> + '_ {
        let suffixes = std::iter::once("").chain(self.suffixes().iter().copied());
        suffixes.map(|suffix| format!("{}{suffix}", self.name))
    }

    /// What a counter's family, and the time it was created, may be called in `OpenMetrics`.
    pub fn family_names(&self) -> impl Iterator<Item = String> + '_ {
        let family =
            self.name.as_str().strip_suffix("_total").filter(|_| self.kind == Kind::Counter);
        family.into_iter().flat_map(|family| [family.to_owned(), format!("{family}_created")])
    }

    /// The unit, if `name` (this family's, in the format at hand) ends in it.
    pub(crate) fn unit_suffix(&self, name: &str) -> Option<&'static str> {
        let unit = self.unit?.as_str();
        name.strip_suffix(unit)?.strip_suffix('_')?;
        Some(unit)
    }

    /// Suffixes of the sample names this family takes for itself besides its own name.
    pub(crate) fn suffixes(&self) -> &'static [&'static str] {
        match self.kind {
            Kind::Histogram => &["_bucket", "_count", "_sum", "_created"],
            Kind::Summary => &["_count", "_sum", "_created"],
            _ => &[],
        }
    }
}

/// Two families of one exposition would write samples of the same name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("metric {second} would give samples named {sample}, as metric {first} does")]
pub struct Clash {
    /// The family that came first.
    pub first: String,
    /// The family that clashes with it.
    pub second: String,
    /// The name that both would write.
    pub sample: String,
}

/// Makes families fit to stand in one exposition.
///
/// A counter whose `OpenMetrics` family name (without `_total`) another family holds becomes
/// [`Kind::Unknown`] there under its full name, so that its series keep one name in all formats.
///
/// # Errors
///
/// [`Clash`] if two families share a name, or one's name is another's with a suffix that this one
/// writes (`x_count` beside a histogram `x`).
pub fn settle(families: &mut [&mut Meta]) -> Result<(), Clash> {
    let mut taken = std::collections::HashMap::<String, String>::new();
    for meta in families.iter() {
        let name = meta.name.as_str();
        for sample in meta.sample_names() {
            if let Some(first) = taken.insert(sample.clone(), name.to_owned()) {
                return Err(Clash { first, second: name.to_owned(), sample });
            }
        }
    }
    for meta in families.iter_mut().filter(|meta| meta.openmetrics == Kind::Counter) {
        let names: Vec<_> = meta.family_names().collect();
        if names.iter().any(|name| taken.contains_key(name)) {
            meta.openmetrics = Kind::Unknown;
        } else {
            // `x_created_total` would have the family name that is a sample of `x_total`.
            taken.extend(names.into_iter().map(|name| (name, String::new())));
        }
    }
    Ok(())
}

/// A label: a valid name and any text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label<'a> {
    /// The name.
    pub name: LabelName<'a>,
    /// The value; empty means the same as absent.
    pub value: Cow<'a, str>,
}

/// The labels of one sample, in the order they are written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Labels<'a> {
    /// Labels that many samples share (a target, what the user adds to every series). None has a
    /// name of the family's own.
    pub base: &'a [Label<'a>],
    /// Values of the sample's own labels, one for each of [`Family::names`].
    pub values: &'a [&'a str],
}

/// What a sample says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// Of a counter, a gauge or an unknown.
    Number(f64),
    /// Of a summary.
    Summary(Summary<'a>),
    /// Of a histogram.
    Histogram(Histogram<'a>),
}

/// One series' value now.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// The labels.
    pub labels: Labels<'a>,
    /// The value, of the kind that the family's [`Kind`] asks for.
    pub value: Value<'a>,
    /// When the series began to count, in seconds since 1970, where known. Only counters,
    /// summaries and histograms have one.
    pub created: Option<f64>,
}

/// Why a sample was left out. The word is the value of a `reason` label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reject {
    /// A counter, or what the format at hand takes for one, is negative or not a number.
    NotACount,
    /// The value is not of the family's kind.
    Kind,
    /// Buckets, spans, bounds or quantiles contradict each other.
    Inconsistent,
    /// The labels' names and values differ in number.
    Labels,
}

impl Reject {
    /// Every reason, in the order of their declaration.
    pub const ALL: [Self; 4] = [Self::NotACount, Self::Kind, Self::Inconsistent, Self::Labels];

    /// The reason as a label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotACount => "not_a_count",
            Self::Kind => "wrong_kind",
            Self::Inconsistent => "inconsistent",
            Self::Labels => "labels",
        }
    }
}

/// Takes the samples of a family one by one.
pub type Emit<'e> = dyn FnMut(&Sample<'_>) + 'e;

/// Gives the samples of a family, as often as asked.
pub trait Samples {
    /// Hands every sample to `emit`.
    fn each(&self, emit: &mut Emit<'_>);
}

impl<F: Fn(&mut Emit<'_>)> Samples for F {
    fn each(&self, emit: &mut Emit<'_>) {
        self(emit);
    }
}

/// A family, lent for the time of one visit.
#[derive(Clone, Copy)]
pub struct Family<'a> {
    /// Name, help, unit, type.
    pub meta: &'a Meta,
    /// Names of the labels that every sample has besides its base. None stands twice.
    pub names: &'a [LabelName<'a>],
    samples: &'a dyn Samples,
}

impl<'a> Family<'a> {
    /// A family with these samples, whose label sets differ.
    pub fn new(meta: &'a Meta, names: &'a [LabelName<'a>], samples: &'a dyn Samples) -> Self {
        Self { meta, names, samples }
    }

    /// Every label of a sample of this family, as name and value.
    pub fn labels<'s>(&self, sample: &Sample<'s>) -> impl Iterator<Item = (&'s str, &'s str)>
    where
        'a: 's,
    {
        let Labels { base, values } = sample.labels;
        let base = base.iter().map(|label| (label.name.as_str(), &*label.value));
        base.chain(self.names.iter().map(LabelName::as_str).zip(values.iter().copied()))
    }

    /// Hands every sample to `emit`.
    pub fn each(&self, mut emit: impl FnMut(&Sample<'_>)) {
        self.samples.each(&mut emit);
    }
}

/// Takes families: an encoder, a filter, a sink.
pub trait Visitor {
    /// Takes one family. One without samples leaves no trace.
    fn family(&mut self, family: &Family<'_>);
}

/// One exposition's families, whoever knows them.
///
/// They come in parts, so that an encoder can hand out what it has written between two of them:
/// memory then holds one part's text, not the whole exposition's.
pub trait Families: Send + Sync {
    /// Number of parts.
    fn parts(&self) -> usize;

    /// Lends the families of part `index` (less than [`Families::parts`]), in exposition order.
    fn visit(&self, index: usize, visitor: &mut dyn Visitor);

    /// Hears that a visitor left out `count` samples. Called between parts, so that a later part
    /// may tell of it.
    fn rejected(&self, reason: Reject, count: u64) {
        let _ = (reason, count);
    }
}
