//! Rows of the statistics: endpoints and errors.

use locust_model::{Endpoint, Millis, Percentile, RequestError, Text};
use serde::de::{MapAccess, SeqAccess};

use super::json::{As, Shape, key};
use super::scalar::Scalar;
use super::timestamp;
use crate::Rejected;

/// What the rows of one answer share.
#[derive(Default)]
pub(super) struct Context {
    pub(super) rejected: Rejected,
    /// Whether a row has a key that Locust dropped with 2.28.
    pub(super) has_ninetieth: bool,
    /// Whether a row has a key that Locust dropped with 2.37.13.
    pub(super) has_safe_name: bool,
    methods: Methods,
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
pub(super) fn endpoint(method: Text, name: Text) -> Endpoint {
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
    }
}

/// Sorts percentiles; of those of the same share the first stays.
pub(super) fn in_order(percentiles: &mut Vec<Percentile>) {
    percentiles.sort_by(|a, b| a.q.total_cmp(&b.q));
    percentiles.dedup_by(|b, a| a.q.total_cmp(&b.q).is_eq());
}

/// Takes the Aggregated row out of the rows: the last of that name without a method.
pub(super) fn take_total(endpoints: &mut Vec<Endpoint>) -> Option<Endpoint> {
    let at = endpoints
        .iter()
        .rposition(|row| row.method.is_empty() && matches!(&*row.name, "Aggregated" | "Total"))?;
    Some(endpoints.remove(at))
}

/// The share that a key names, if it names a percentile.
pub(super) fn share(key: &str) -> Option<f64> {
    let share = match key {
        "ninetieth_response_time" => 0.9,
        "ninety_ninth_response_time" => 0.99,
        _ => key.strip_prefix("response_time_percentile_")?.parse().ok()?,
    };
    (0.0..=1.0).contains(&share).then_some(share)
}

/// A list of rows, each read by `row`.
pub(super) struct Rows<'c, F> {
    pub(super) context: &'c mut Context,
    pub(super) row: F,
}

/// One row, read by a function from its object.
pub(super) struct Row<'c, F> {
    context: &'c mut Context,
    row: F,
}

/// Reads a row from its object; `None` drops it, and the reason is counted.
pub(super) trait ReadRow {
    type Row;

    fn read<'de, A: MapAccess<'de>>(
        &self,
        map: A,
        context: &mut Context,
    ) -> Result<Option<Self::Row>, A::Error>;
}

impl<'de, F: ReadRow> Shape<'de> for Rows<'_, F> {
    /// `None` where there is no list.
    type Value = Option<Vec<F::Row>>;

    fn otherwise(self) -> Self::Value {
        None
    }

    fn list<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut rows = Vec::new();
        while let Some(row) =
            seq.next_element_seed(As(Row { context: &mut *self.context, row: &self.row }))?
        {
            rows.extend(row);
        }
        Ok(Some(rows))
    }
}

impl<'de, F: ReadRow> Shape<'de> for Row<'_, &F> {
    type Value = Option<F::Row>;

    fn otherwise(self) -> Self::Value {
        self.context.rejected.add(Rejected::NOT_AN_OBJECT);
        None
    }

    fn object<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        self.row.read(map, self.context)
    }
}

/// A row of `stats`.
pub(super) struct EndpointRow;

impl ReadRow for EndpointRow {
    type Row = Endpoint;

    fn read<'de, A: MapAccess<'de>>(
        &self,
        mut map: A,
        context: &mut Context,
    ) -> Result<Option<Endpoint>, A::Error> {
        let mut row = endpoint(Text::default(), Text::default());
        let mut named = false;
        row.method = context.methods.intern("");
        while let Some(key) = key(&mut map)? {
            let value: Scalar<'de> = map.next_value()?;
            let rejected = &mut context.rejected;
            match &*key {
                "method" => {
                    row.method = context.methods.intern(&value.text(rejected).unwrap_or_default());
                }
                "name" => {
                    let name = value.text(rejected);
                    named = name.is_some();
                    row.name = name.unwrap_or_default().into();
                }
                "num_requests" => row.requests = value.count(rejected),
                "num_failures" => row.failures = value.count(rejected),
                "avg_response_time" => row.avg = value.number(rejected).map(Millis),
                "min_response_time" => row.min = value.number(rejected).map(Millis),
                "max_response_time" => row.max = value.number(rejected).map(Millis),
                "median_response_time" => row.median = value.number(rejected).map(Millis),
                "current_rps" => row.current_rps = value.number(rejected),
                "current_fail_per_sec" => row.current_fail_per_sec = value.number(rejected),
                "avg_content_length" => row.avg_content_length = value.number(rejected),
                "safe_name" => context.has_safe_name = true,
                key => {
                    context.has_ninetieth |= key.starts_with("ninet");
                    if let Some(q) = share(key) {
                        let value = value.number(rejected).map(Millis);
                        row.percentiles.extend(value.map(|value| Percentile { q, value }));
                    }
                }
            }
        }
        in_order(&mut row.percentiles);
        Ok(kept(row, named, context))
    }
}

/// A row of `errors`.
pub(super) struct ErrorRow;

impl ReadRow for ErrorRow {
    type Row = RequestError;

    fn read<'de, A: MapAccess<'de>>(
        &self,
        mut map: A,
        context: &mut Context,
    ) -> Result<Option<RequestError>, A::Error> {
        let mut method = context.methods.intern("");
        let (mut name, mut error, mut occurrences) = (None, None, None);
        let (mut first_seen, mut last_seen) = (None, None);
        while let Some(key) = key(&mut map)? {
            let value: Scalar<'de> = map.next_value()?;
            let rejected = &mut context.rejected;
            match &*key {
                "method" => {
                    method = context.methods.intern(&value.text(rejected).unwrap_or_default());
                }
                "name" => name = value.text(rejected).map(Text::from),
                "error" => error = value.text(rejected).map(Text::from),
                "occurrences" => occurrences = value.count(rejected),
                "first_seen" => {
                    first_seen = value.number(rejected).and_then(timestamp::from_seconds);
                }
                "last_seen" => {
                    last_seen = value.number(rejected).and_then(timestamp::from_seconds);
                }
                _ => {}
            }
        }
        let named = name.is_some();
        // A row without a valid count tells nothing: the count's own rejection is enough.
        let Some(occurrences) = occurrences else { return Ok(None) };
        let row = RequestError {
            method,
            name: name.unwrap_or_default(),
            error: error.unwrap_or_default(),
            occurrences,
            first_seen,
            last_seen,
        };
        Ok(kept(row, named, context))
    }
}

fn kept<T>(row: T, named: bool, context: &mut Context) -> Option<T> {
    if !named {
        context.rejected.add(Rejected::NO_NAME);
    }
    named.then_some(row)
}
