//! Errors, as the JSON lists them.

use locust_model::{RequestError, Text};
use serde::de::MapAccess;

use super::kept::Kept;
use super::keys::{Field, Keys};
use super::row::{Context, ReadRow};
use super::timestamp;
use super::value::{count, number, skip, text};
use crate::Rejected;

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
        rows: &mut Kept<RequestError>,
    ) -> Result<(), A::Error> {
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
        let Some(occurrences) = occurrences else { return Ok(()) };
        let Some(name) = name else {
            rejected.add(Rejected::NO_NAME);
            return Ok(());
        };
        let row = RequestError {
            method: method.unwrap_or_else(|| methods.intern("")),
            name,
            error: error.unwrap_or_default(),
            occurrences,
            first_seen: first_seen.and_then(timestamp::from_seconds),
            last_seen: last_seen.and_then(timestamp::from_seconds),
        };
        rows.push(row, rejected);
        Ok(())
    }
}
