//! What the reference of metrics says of one.

use exposition::{Kind, Unit};

use crate::{Schema, Source};

/// A metric that a [`Catalog`](crate::Catalog) may expose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description<'a> {
    /// Its name with the namespace, as `PromQL` knows it.
    pub name: &'a str,
    /// Its type.
    pub kind: Kind,
    /// Its type in `OpenMetrics`.
    pub openmetrics: Kind,
    /// Its unit, if the name ends in one.
    pub unit: Option<Unit>,
    /// Names of its own labels; those that every series has are not among them.
    pub labels: Vec<&'a str>,
    /// What it means.
    pub help: &'a str,
    /// The active schemas that it belongs to; of the exporter's own metrics, all of these.
    pub schemas: &'a [Schema],
    /// Who can know its value.
    pub source: Source,
}
