//! The active schemas' rows as one list without clashes.

use exposition::{Clash, Kind, Label, LabelName, Meta, MetricName, NameError, settle};

use crate::names::Names;
use crate::row::{Read, Row};
use crate::{Config, Description, Schema, View, boomer, classic, exporter, label, standard};

/// The metrics of an exposition, in order. Made once, at the start.
#[derive(Debug)]
pub struct Catalog {
    entries: Vec<Entry>,
    /// Where the exporter's own begin.
    pub(crate) own_from: usize,
    pub(crate) labels: Vec<Label<'static>>,
    pub(crate) service: Option<Label<'static>>,
    pub(crate) targets: bool,
    pub(crate) view: View,
    /// The names of these metrics.
    taken: Names,
    /// The names of all metrics that there are under this namespace.
    pub(crate) reserved: Names,
}

/// A row under its full name.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) meta: Meta,
    pub(crate) row: &'static Row,
    /// The schemas whose row of that name this is; all the active ones for the exporter's own.
    schemas: Vec<Schema>,
    /// Whether its series have boomer's base label.
    pub(crate) has_service: bool,
}

/// Why a configuration gives no catalog.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogError {
    /// No schema is active.
    #[error("no schema is given: use standard, classic, boomer, or several of them")]
    NoSchema,
    /// Metric names cannot begin so.
    #[error(
        "namespace {namespace:?} cannot begin a metric's name: \
         use letters, digits and underscores, and do not begin with a digit"
    )]
    Namespace {
        /// The namespace.
        namespace: String,
    },
    /// A label cannot have this name.
    #[error(transparent)]
    Label(#[from] NameError),
    /// A label is given more than once.
    #[error("label {name:?} is given twice: a series can have it only once")]
    LabelTwice {
        /// The label's name.
        name: String,
    },
    /// A label has the name of one that the exporter sets.
    #[error("label {name:?} cannot be added to every series: {by} sets it; use another name")]
    LabelTaken {
        /// The label's name.
        name: String,
        /// Who sets a label of this name.
        by: String,
    },
    /// Two metrics would write the same sample name.
    #[error(transparent)]
    Clash(#[from] Clash),
}

impl Catalog {
    /// The metrics that `config` asks for.
    ///
    /// # Errors
    ///
    /// [`CatalogError`] if there is no schema, if the namespace or a label's name is malformed, or
    /// if a label is one that a metric has already.
    pub fn new(config: &Config) -> Result<Self, CatalogError> {
        let active: Vec<Schema> =
            Schema::ALL.into_iter().filter(|schema| config.schemas.contains(schema)).collect();
        if active.is_empty() {
            return Err(CatalogError::NoSchema);
        }
        let mut entries = entries(&active, config)?;
        settle(&mut entries.iter_mut().map(|entry| &mut entry.meta).collect::<Vec<_>>())?;
        let labels = base_labels(&config.labels, &entries)?;
        // An empty label is none.
        let service = config.service.clone().filter(|service| !service.is_empty());
        let service = service.map(|value| Label { name: label::SERVICE, value: value.into() });
        let mut taken = Names::default();
        for entry in &entries {
            taken.take(&entry.meta);
        }
        let reserved = reserved(&config.namespace)?;
        let own_from = entries.iter().take_while(|entry| !entry.is_own()).count();
        let Config { targets, view, .. } = *config;
        Ok(Self { entries, own_from, labels, service, targets, view, taken, reserved })
    }

    /// What every metric is, in the order of the exposition.
    pub fn describe(&self) -> impl Iterator<Item = Description<'_>> {
        self.entries.iter().map(Entry::describe)
    }

    /// Whether a family of this name and type would write samples, or have a name in `OpenMetrics`,
    /// of a name that these metrics use. A name that cannot be one is not taken.
    pub fn taken(&self, name: &str, kind: Kind) -> bool {
        MetricName::new(name)
            .is_ok_and(|name| self.taken.wanted_by(&Meta::new(name, "", None, kind)).is_some())
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Whether it is told when a metric of this kind began to count. From outside the only such
    /// times are those of errors: Locust tells of no reset.
    pub(crate) fn takes_since(&self, kind: Kind) -> bool {
        self.view.is_inside() && matches!(kind, Kind::Counter | Kind::Histogram | Kind::Summary)
    }
}

impl Entry {
    fn new(
        row: &'static Row,
        namespace: &str,
        schemas: Vec<Schema>,
        has_service: bool,
    ) -> Result<Self, CatalogError> {
        Ok(Self { meta: meta(row, namespace)?, row, schemas, has_service })
    }

    /// Whether it tells of the exporter rather than of a Locust.
    fn is_own(&self) -> bool {
        matches!(self.row.read, Read::Own(_))
    }

    fn describe(&self) -> Description<'_> {
        Description {
            name: self.meta.name.as_str(),
            kind: self.meta.kind,
            openmetrics: self.meta.openmetrics,
            unit: self.meta.unit,
            labels: self.row.labels.iter().map(LabelName::as_str).collect(),
            help: &self.meta.help,
            schemas: &self.schemas,
            source: self.row.source,
        }
    }
}

fn meta(row: &Row, namespace: &str) -> Result<Meta, CatalogError> {
    let bad_namespace = |_| CatalogError::Namespace { namespace: namespace.to_owned() };
    // Alone first: an empty namespace, too, is a good beginning of a longer name.
    MetricName::new(namespace).map_err(bad_namespace)?;
    let name = MetricName::new(format!("{namespace}_{}", row.name)).map_err(bad_namespace)?;
    Ok(Meta::new(name, row.help, row.unit, row.kind))
}

/// The names of all rows, whatever is active.
fn reserved(namespace: &str) -> Result<Names, CatalogError> {
    let mut names = Names::default();
    let tables = Schema::ALL.into_iter().map(table);
    for row in tables.chain([exporter::ROWS]).flatten() {
        names.take(&meta(row, namespace)?);
    }
    Ok(names)
}

fn table(schema: Schema) -> &'static [Row] {
    match schema {
        Schema::Standard => standard::ROWS,
        Schema::Classic => classic::ROWS,
        Schema::Boomer => boomer::ROWS,
    }
}

/// The rows that stand: the exporter's view of Locust, the schemas, the exporter's own counters.
fn entries(active: &[Schema], config: &Config) -> Result<Vec<Entry>, CatalogError> {
    let Config { namespace, view, .. } = config;
    let mut entries = Vec::new();
    for row in exporter::ROWS.iter().filter(|row| row.is_in(*view, active)) {
        entries.push(Entry::new(row, namespace, active.to_vec(), false)?);
    }
    for schema in active {
        for row in table(*schema).iter().filter(|row| row.is_in(*view, active)) {
            let schemas: Vec<_> =
                active.iter().copied().filter(|schema| has(*schema, row.name)).collect();
            let has_service = schemas.contains(&Schema::Boomer);
            entries.push(Entry::new(row, namespace, schemas, has_service)?);
        }
    }
    // A stable sort: apart from this the order is the tables'.
    entries.sort_by_key(Entry::is_own);
    Ok(entries)
}

fn has(schema: Schema, name: &str) -> bool {
    table(schema).iter().any(|row| row.name == name)
}

/// The user's labels, none of which may be one that a series has already.
fn base_labels(
    given: &[(String, String)],
    entries: &[Entry],
) -> Result<Vec<Label<'static>>, CatalogError> {
    let mut labels: Vec<Label<'static>> = Vec::with_capacity(given.len());
    for (name, value) in given {
        let name = LabelName::new(name.clone())?;
        if labels.iter().any(|label| label.name == name) {
            return Err(CatalogError::LabelTwice { name: name.as_str().to_owned() });
        }
        if let Some(by) = holder(&name, entries) {
            return Err(CatalogError::LabelTaken { name: name.as_str().to_owned(), by });
        }
        labels.push(Label { name, value: value.clone().into() });
    }
    Ok(labels)
}

/// Who sets a label of this name. The base labels are kept free even where they are not in use, so
/// that a label does not become an error when a second Locust is watched.
fn holder(name: &LabelName<'_>, entries: &[Entry]) -> Option<String> {
    if [label::TARGET, label::SERVICE].contains(name) {
        return Some("the exporter".to_owned());
    }
    let entry = entries.iter().find(|entry| entry.row.labels.contains(name))?;
    Some(entry.meta.name.to_string())
}
