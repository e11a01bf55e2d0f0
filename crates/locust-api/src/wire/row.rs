//! Rows of the statistics: endpoints and errors.

use locust_model::{Endpoint, Millis, Percentile, RequestError, Text};
use serde::de::{MapAccess, SeqAccess};

use super::json::{As, Shape};
use super::keys::{Field, Keys};
use super::timestamp;
use super::value::{count, number, skip, text};
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
    let share = key.strip_prefix("response_time_percentile_")?.parse().ok()?;
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
    row: &'c mut F,
}

/// Reads a row from its object; `None` drops it, and the reason is counted.
pub(super) trait ReadRow {
    type Row;

    fn read<'de, A: MapAccess<'de>>(
        &mut self,
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
        let Self { context, mut row } = self;
        let mut rows = Vec::new();
        while let Some(row) =
            seq.next_element_seed(As(Row { context: &mut *context, row: &mut row }))?
        {
            rows.extend(row);
        }
        Ok(Some(rows))
    }
}

impl<'de, F: ReadRow> Shape<'de> for Row<'_, F> {
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
#[derive(Default)]
pub(super) struct EndpointRow(Keys<EndpointField>);

#[derive(Clone, Copy)]
enum EndpointField {
    Method,
    Name,
    Requests,
    Failures,
    Avg,
    Min,
    Max,
    Median,
    CurrentRps,
    CurrentFailPerSec,
    AvgContentLength,
    /// A percentile, by its share.
    Percentile(f64),
    /// One as Locust named it before 2.28.
    OldPercentile(f64),
    SafeName,
    Other,
}

impl Field for EndpointField {
    fn of(key: &str) -> Self {
        match key {
            "method" => Self::Method,
            "name" => Self::Name,
            "num_requests" => Self::Requests,
            "num_failures" => Self::Failures,
            "avg_response_time" => Self::Avg,
            "min_response_time" => Self::Min,
            "max_response_time" => Self::Max,
            "median_response_time" => Self::Median,
            "current_rps" => Self::CurrentRps,
            "current_fail_per_sec" => Self::CurrentFailPerSec,
            "avg_content_length" => Self::AvgContentLength,
            "safe_name" => Self::SafeName,
            "ninetieth_response_time" => Self::OldPercentile(0.9),
            "ninety_ninth_response_time" => Self::OldPercentile(0.99),
            key => share(key).map_or(Self::Other, Self::Percentile),
        }
    }
}

impl ReadRow for EndpointRow {
    type Row = Endpoint;

    fn read<'de, A: MapAccess<'de>>(
        &mut self,
        mut map: A,
        context: &mut Context,
    ) -> Result<Option<Endpoint>, A::Error> {
        let Context { rejected, methods, has_ninetieth, has_safe_name } = context;
        let (mut method, mut name) = (None, None);
        let mut row = endpoint(Text::default(), Text::default());
        let mut keys = self.0.row();
        let map = &mut map;
        while let Some(field) = keys.next(map)? {
            match field {
                EndpointField::Method => method = text(map, rejected, |text| methods.intern(text))?,
                EndpointField::Name => name = text(map, rejected, |text| Text::from(text))?,
                EndpointField::Requests => row.requests = count(map, rejected)?,
                EndpointField::Failures => row.failures = count(map, rejected)?,
                EndpointField::Avg => row.avg = number(map, rejected)?.map(Millis),
                EndpointField::Min => row.min = number(map, rejected)?.map(Millis),
                EndpointField::Max => row.max = number(map, rejected)?.map(Millis),
                EndpointField::Median => row.median = number(map, rejected)?.map(Millis),
                EndpointField::CurrentRps => row.current_rps = number(map, rejected)?,
                EndpointField::CurrentFailPerSec => {
                    row.current_fail_per_sec = number(map, rejected)?;
                }
                EndpointField::AvgContentLength => row.avg_content_length = number(map, rejected)?,
                EndpointField::Percentile(q) | EndpointField::OldPercentile(q) => {
                    *has_ninetieth |= matches!(field, EndpointField::OldPercentile(_));
                    let value = number(map, rejected)?.map(Millis);
                    row.percentiles.extend(value.map(|value| Percentile { q, value }));
                }
                EndpointField::SafeName => {
                    *has_safe_name = true;
                    skip(map)?;
                }
                EndpointField::Other => skip(map)?,
            }
        }
        let Some(name) = name else {
            rejected.add(Rejected::NO_NAME);
            return Ok(None);
        };
        row.name = name;
        row.method = method.unwrap_or_else(|| methods.intern(""));
        in_order(&mut row.percentiles);
        Ok(Some(row))
    }
}

/// A row of `errors`.
#[derive(Default)]
pub(super) struct ErrorRow(Keys<ErrorField>);

#[derive(Clone, Copy)]
enum ErrorField {
    Method,
    Name,
    Error,
    Occurrences,
    FirstSeen,
    LastSeen,
    Other,
}

impl Field for ErrorField {
    fn of(key: &str) -> Self {
        match key {
            "method" => Self::Method,
            "name" => Self::Name,
            "error" => Self::Error,
            "occurrences" => Self::Occurrences,
            "first_seen" => Self::FirstSeen,
            "last_seen" => Self::LastSeen,
            _ => Self::Other,
        }
    }
}

impl ReadRow for ErrorRow {
    type Row = RequestError;

    fn read<'de, A: MapAccess<'de>>(
        &mut self,
        mut map: A,
        context: &mut Context,
    ) -> Result<Option<RequestError>, A::Error> {
        let Context { rejected, methods, .. } = context;
        let (mut method, mut name, mut error, mut occurrences) = (None, None, None, None);
        let (mut first_seen, mut last_seen) = (None, None);
        let mut keys = self.0.row();
        let map = &mut map;
        while let Some(field) = keys.next(map)? {
            match field {
                ErrorField::Method => method = text(map, rejected, |text| methods.intern(text))?,
                ErrorField::Name => name = text(map, rejected, |text| Text::from(text))?,
                ErrorField::Error => error = text(map, rejected, |text| Text::from(text))?,
                ErrorField::Occurrences => occurrences = count(map, rejected)?,
                ErrorField::FirstSeen => first_seen = number(map, rejected)?,
                ErrorField::LastSeen => last_seen = number(map, rejected)?,
                ErrorField::Other => skip(map)?,
            }
        }
        // A row without a valid count tells nothing: the count's own rejection is enough.
        let Some(occurrences) = occurrences else { return Ok(None) };
        let Some(name) = name else {
            rejected.add(Rejected::NO_NAME);
            return Ok(None);
        };
        Ok(Some(RequestError {
            method: method.unwrap_or_else(|| methods.intern("")),
            name,
            error: error.unwrap_or_default(),
            occurrences,
            first_seen: first_seen.and_then(timestamp::from_seconds),
            last_seen: last_seen.and_then(timestamp::from_seconds),
        }))
    }
}
