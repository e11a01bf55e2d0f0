//! Endpoints, as the JSON lists them.

use locust_model::{Endpoint, Millis, Percentile, Text};
use serde::de::MapAccess;

use super::kept::Kept;
use super::keys::{Field, Keys};
use super::row::{Context, ReadRow, endpoint, in_order};
use super::value::{count, number, skip, text};
use crate::Rejected;

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
        rows: &mut Kept<Endpoint>,
    ) -> Result<(), A::Error> {
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
            return Ok(());
        };
        row.name = name;
        row.method = method.unwrap_or_else(|| methods.intern(""));
        in_order(&mut row.percentiles);
        rows.push(row, rejected);
        Ok(())
    }
}

/// The share that a key names, if it names a percentile.
pub(super) fn share(key: &str) -> Option<f64> {
    let share = key.strip_prefix("response_time_percentile_")?.parse().ok()?;
    (0.0..=1.0).contains(&share).then_some(share)
}
