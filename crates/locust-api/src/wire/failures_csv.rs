//! `/stats/failures/csv`.

use locust_model::RequestError;

use super::Malformed;
use super::csv_table::Table;
use super::kept::{FAILURES_CSV_ROOM, Kept, cut};
use super::row::Methods;
use super::text::unquoted;
use super::timestamp;
use crate::Rejected;

/// What `/stats/failures/csv` says: every error.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Failures {
    /// The errors.
    pub errors: Vec<RequestError>,
    /// What was left out.
    pub rejected: Rejected,
}

impl Failures {
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Malformed> {
        let mut table = Table::new(body, &["Name", "Error", "Occurrences"])?;
        let method = table.column("Method");
        let name = table.column("Name");
        let error = table.column("Error");
        let occurrences = table.column("Occurrences");
        let (first, last) = (table.column("First Seen"), table.column("Last Seen"));
        let mut methods = Methods::default();
        let mut page = Self::default();
        let mut errors = Kept::new(FAILURES_CSV_ROOM);
        let rejected = &mut page.rejected;
        while let Some(row) = table.next_row(rejected)? {
            let method = methods.intern(row.text(method, rejected).unwrap_or_default());
            let texts = (row.text(name, rejected), row.text(error, rejected));
            let occurrences = row.count(occurrences, rejected);
            let ((Some(name), Some(error)), Some(occurrences)) = (texts, occurrences) else {
                continue;
            };
            let error = RequestError {
                method,
                name: cut(name).into(),
                error: cut(error).into(),
                occurrences,
                first_seen: row.text(first, rejected).and_then(timestamp::from_iso),
                last_seen: row.text(last, rejected).and_then(timestamp::from_iso),
            };
            errors.push(error, rejected);
        }
        page.errors = errors.into_rows();
        Ok(page)
    }

    /// Takes away the quotes that Locust up to 2.27 adds. (In the CSV it escapes nothing.)
    pub(crate) fn unquote(&mut self) {
        for error in &mut self.errors {
            error.error = unquoted(&error.error).into();
        }
    }
}
