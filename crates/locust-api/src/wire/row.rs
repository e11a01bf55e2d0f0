//! Lists of rows, and what rows share.

use locust_model::{Endpoint, Percentile, Text};
use serde::de::{MapAccess, SeqAccess};

use super::json::{As, Shape};
use super::kept::{Kept, Weigh};
use crate::Rejected;

/// What the rows of one answer share.
#[derive(Default)]
pub(super) struct Context {
    pub(super) rejected: Rejected,
    /// Whether a row has a key that Locust dropped with 2.28.
    pub(super) has_ninetieth: bool,
    /// Whether a row has a key that Locust dropped with 2.37.13.
    pub(super) has_safe_name: bool,
    pub(super) methods: Methods,
}

/// Methods that were seen: a few texts, each of which thousands of rows share.
#[derive(Default)]
pub(super) struct Methods(Vec<Text>);

impl Methods {
    /// More methods than this are not looked for.
    const MAX: usize = 16;

    /// A shared text.
    pub(super) fn intern(&mut self, method: &str) -> Text {
        if let Some(known) = self.0.iter().find(|known| ***known == *method) {
            return known.clone();
        }
        let text = Text::from(method);
        if self.0.len() < Self::MAX {
            self.0.push(text.clone());
        }
        text
    }
}

/// An endpoint of which nothing is known but its name.
pub(crate) fn endpoint(method: Text, name: Text) -> Endpoint {
    Endpoint {
        method,
        name,
        requests: None,
        failures: None,
        avg: None,
        min: None,
        max: None,
        median: None,
        percentiles: Vec::new(),
        current_rps: None,
        current_fail_per_sec: None,
        avg_content_length: None,
        request_bytes: None,
        response_bytes: None,
        durations: Vec::new(),
        since: None,
    }
}

/// Sorts percentiles; of those of the same share the first stays.
pub(crate) fn in_order(percentiles: &mut Vec<Percentile>) {
    percentiles.sort_by(|a, b| a.q.total_cmp(&b.q));
    percentiles.dedup_by(|b, a| a.q.total_cmp(&b.q).is_eq());
}

/// Whether a row is the Aggregated one.
pub(super) fn is_total(row: &Endpoint) -> bool {
    row.method.is_empty() && matches!(&*row.name, "Aggregated" | "Total")
}

/// Takes the Aggregated row out of the rows: the last of that name without a method.
pub(super) fn take_total(endpoints: &mut Vec<Endpoint>) -> Option<Endpoint> {
    let at = endpoints.iter().rposition(is_total)?;
    Some(endpoints.remove(at))
}

/// Locust gives no more rows, besides the Aggregated one, and no more errors than this.
pub(super) const LIMIT: usize = 500;

/// A list of rows, each read by `row`.
pub(super) struct Rows<'c, F> {
    pub(super) context: &'c mut Context,
    pub(super) row: F,
    /// The bytes that the rows may take.
    pub(super) room: usize,
}

/// One row, read from its object.
struct Row<'c, F: ReadRow> {
    context: &'c mut Context,
    reader: &'c mut F,
    rows: &'c mut Kept<F::Row>,
}

/// Reads a row from its object and puts it to the others, or drops it and counts why. It is not
/// handed back, since a row is large and its way up is long.
pub(super) trait ReadRow {
    type Row: Weigh;

    fn read<'de, A: MapAccess<'de>>(
        &mut self,
        map: A,
        context: &mut Context,
        rows: &mut Kept<Self::Row>,
    ) -> Result<(), A::Error>;
}

impl<'de, F: ReadRow> Shape<'de> for Rows<'_, F> {
    /// `None` where there is no list.
    type Value = Option<Vec<F::Row>>;

    fn otherwise(self) -> Self::Value {
        None
    }

    fn list<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let Self { context, mut row, room } = self;
        let mut rows = Kept::new(room);
        loop {
            let next = Row { context: &mut *context, reader: &mut row, rows: &mut rows };
            if seq.next_element_seed(As(next))?.is_none() {
                return Ok(Some(rows.into_rows()));
            }
        }
    }
}

impl<'de, F: ReadRow> Shape<'de> for Row<'_, F> {
    type Value = ();

    fn otherwise(self) {
        self.context.rejected.add(Rejected::NOT_AN_OBJECT);
    }

    fn object<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        self.reader.read(map, self.context, self.rows)
    }
}
