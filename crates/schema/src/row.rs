//! A row: one metric, and how it is read.
//!
//! A row is written in one piece into the table it belongs to, and nothing else has to change:
//!
//! ```text
//! Row::gauge("user_class_users", "Users of each class.", Snapshot(|snapshot, out| {
//!     for class in &snapshot.users.by_class {
//!         out.put(&[&class.class], class.users);
//!     }
//! }))
//! .labels(label::USER_CLASS),
//! ```
//!
//! The name has no namespace; it ends in the unit, a counter's then in `_total` (unless another
//! exporter's name is kept). The function gives label values in the order of the label names, each
//! set of them once. A value that is not known is `None` and gives no series.

use exposition::{Kind, Unit};
use locust_model::Snapshot;

use crate::label::Names;
use crate::out::Out;
use crate::{Own, Schema, Sighting, View};

/// A metric.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    pub(crate) kind: Kind,
    pub(crate) unit: Option<Unit>,
    pub(crate) labels: Names,
    pub(crate) read: Read,
    pub(crate) source: Source,
    pub(crate) stands: Stands,
    /// Whether response times must be kept apart by status, or must not, for this row to stand.
    pub(crate) by_status: Option<bool>,
    pub(crate) loses: Option<Loss>,
}

/// What a row is read from. All functions may be called more than once for a scrape.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Read {
    /// From each look at a Locust, whether it succeeded or not.
    Sighting(fn(&Sighting, &mut Out<'_, '_>)),
    /// From each Locust that answered.
    Snapshot(fn(&Snapshot, &mut Out<'_, '_>)),
    /// From the exporter itself. These rows come last, so that they count what was rejected
    /// before them; they have no label `target`.
    Own(fn(&Own, &mut Out<'_, '_>)),
}

/// Who can know a metric's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The standalone exporter, and the exporter inside Locust.
    Both,
    /// Both, where Locust's version and kind of run give it.
    WhereKnown,
    /// Only the exporter inside Locust.
    Inside,
    /// Only the standalone exporter.
    Outside,
}

impl Source {
    /// The source in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::WhereKnown => "both, where known",
            Self::Inside => "inside Locust",
            Self::Outside => "outside",
        }
    }

    fn is_in(self, view: View) -> bool {
        match self {
            Self::Both | Self::WhereKnown => true,
            Self::Inside => view.is_inside(),
            Self::Outside => !view.is_inside(),
        }
    }
}

/// When a row stands, in view of the other active schemas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stands {
    /// Whenever its own schema is active.
    Always,
    /// Unless this schema is active too, which then has a row of the same name.
    Without(Schema),
    /// Only if this schema is active too.
    With(Schema),
}

/// Rows of Locust whose values this row leaves out in part or whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loss {
    /// Why, as a label value; listed in `own.rs`.
    pub(crate) reason: &'static str,
    /// How many. Called once for a scrape.
    pub(crate) count: fn(&Snapshot) -> u64,
}

impl Row {
    /// A number that goes up and down.
    pub(crate) const fn gauge(name: &'static str, help: &'static str, read: Read) -> Self {
        Self::new(name, help, Kind::Gauge, read)
    }

    /// A number that only grows, until it begins again.
    pub(crate) const fn counter(name: &'static str, help: &'static str, read: Read) -> Self {
        Self::new(name, help, Kind::Counter, read)
    }

    /// Counts, sums and quantiles.
    pub(crate) const fn summary(name: &'static str, help: &'static str, read: Read) -> Self {
        Self::new(name, help, Kind::Summary, read)
    }

    /// Counts, sums and buckets.
    pub(crate) const fn histogram(name: &'static str, help: &'static str, read: Read) -> Self {
        Self::new(name, help, Kind::Histogram, read)
    }

    const fn new(name: &'static str, help: &'static str, kind: Kind, read: Read) -> Self {
        Self {
            name,
            help,
            kind,
            unit: None,
            labels: &[],
            read,
            source: Source::Both,
            stands: Stands::Always,
            by_status: None,
            loses: None,
        }
    }

    /// The unit in which the name ends.
    pub(crate) const fn unit(self, unit: Unit) -> Self {
        Self { unit: Some(unit), ..self }
    }

    /// The names of its labels.
    pub(crate) const fn labels(self, labels: Names) -> Self {
        Self { labels, ..self }
    }

    /// Who can know it, if not both.
    pub(crate) const fn source(self, source: Source) -> Self {
        Self { source, ..self }
    }

    /// It stands only where response times are kept apart by status, or only where they are not.
    pub(crate) const fn by_status(self, by_status: bool) -> Self {
        Self { by_status: Some(by_status), ..self }
    }

    /// It stands only without another schema.
    pub(crate) const fn without(self, schema: Schema) -> Self {
        Self { stands: Stands::Without(schema), ..self }
    }

    /// It stands only with another schema.
    pub(crate) const fn with(self, schema: Schema) -> Self {
        Self { stands: Stands::With(schema), ..self }
    }

    /// It leaves something out, which is to be counted.
    pub(crate) const fn loses(self, reason: &'static str, count: fn(&Snapshot) -> u64) -> Self {
        Self { loses: Some(Loss { reason, count }), ..self }
    }

    /// Whether it stands in this view beside the `active` schemas.
    pub(crate) fn is_in(&self, view: View, active: &[Schema]) -> bool {
        let by_status = view == View::Inside { duration_by_status: true };
        self.source.is_in(view)
            && self.by_status.is_none_or(|wanted| wanted == by_status)
            && self.stands.beside(active)
    }
}

impl Stands {
    /// Whether the row stands beside `active`.
    fn beside(self, active: &[Schema]) -> bool {
        match self {
            Self::Always => true,
            Self::Without(schema) => !active.contains(&schema),
            Self::With(schema) => active.contains(&schema),
        }
    }
}
