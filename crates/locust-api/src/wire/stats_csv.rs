//! `/stats/requests/csv`.

use locust_model::{Endpoint, Millis, Percentile};

use super::Malformed;
use super::csv_table::{Row, Table};
use super::kept::{Kept, STATS_CSV_ROOM, cut};
use super::row::{Methods, endpoint, in_order, take_total};
use crate::{Quantiles, Rejected};

/// What `/stats/requests/csv` says: every row, without current rates.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct StatsCsv {
    /// The Aggregated row.
    pub total: Option<Endpoint>,
    /// The other rows.
    pub endpoints: Vec<Endpoint>,
    /// The shares of the percentiles that its columns have, of those that are wanted.
    pub(crate) shares: Vec<f64>,
    /// What was left out.
    pub rejected: Rejected,
}

impl StatsCsv {
    /// How many rows there were, those that are put together included.
    pub(crate) fn rows(&self) -> usize {
        let folded = usize::try_from(self.rejected.folded().names).unwrap_or(usize::MAX);
        self.endpoints.len().saturating_add(folded)
    }

    /// Reads the columns of the percentiles that are wanted. By default they are those `known`
    /// from the JSON, so that no series vanishes when the rows come from here.
    pub(crate) fn parse(
        body: &[u8],
        quantiles: Quantiles,
        known: &[f64],
    ) -> Result<Self, Malformed> {
        let mut table = Table::new(body, &["Name", "Request Count"])?;
        let columns = Columns::find(&table, quantiles, known);
        let mut methods = Methods::default();
        let shares = columns.percentiles.iter().map(|(share, _)| *share).collect();
        let mut page = Self { shares, ..Self::default() };
        let mut endpoints = Kept::new(STATS_CSV_ROOM);
        while let Some(row) = table.next_row(&mut page.rejected)? {
            if let Some(endpoint) = columns.endpoint(&row, &mut methods, &mut page.rejected) {
                endpoints.push(endpoint, &mut page.rejected);
            }
        }
        page.endpoints = endpoints.into_rows();
        page.total = take_total(&mut page.endpoints);
        if page.total.is_none() {
            // It is the last row: without it, others may be missing too.
            return Err(Malformed::Cut { what: "CSV", bytes: body.len() });
        }
        Ok(page)
    }
}

struct Columns {
    method: Option<usize>,
    name: Option<usize>,
    requests: Option<usize>,
    failures: Option<usize>,
    median: Option<usize>,
    avg: Option<usize>,
    min: Option<usize>,
    max: Option<usize>,
    size: Option<usize>,
    percentiles: Vec<(f64, usize)>,
}

impl Columns {
    fn find(table: &Table<'_>, quantiles: Quantiles, known: &[f64]) -> Self {
        let mut percentiles: Vec<_> =
            table.columns().filter_map(|(at, name)| Some((share(name)?, at))).collect();
        if quantiles == Quantiles::Default {
            let here: Vec<f64> = percentiles.iter().map(|(q, _)| *q).collect();
            let wanted =
                if known.iter().any(|q| here.contains(q)) { known } else { &[0.5, 0.95, 0.99] };
            percentiles.retain(|(q, _)| wanted.contains(q));
        }
        Self {
            method: table.column("Type").or_else(|| table.column("Method")),
            name: table.column("Name"),
            requests: table.column("Request Count"),
            failures: table.column("Failure Count"),
            median: table.column("Median Response Time"),
            avg: table.column("Average Response Time"),
            min: table.column("Min Response Time"),
            max: table.column("Max Response Time"),
            size: table.column("Average Content Size"),
            percentiles,
        }
    }

    fn endpoint(
        &self,
        row: &Row<'_>,
        methods: &mut Methods,
        rejected: &mut Rejected,
    ) -> Option<Endpoint> {
        let method = methods.intern(row.text(self.method, rejected).unwrap_or_default());
        let name = cut(row.text(self.name, rejected)?).into();
        let mut percentiles = Vec::with_capacity(self.percentiles.len());
        for &(q, at) in &self.percentiles {
            let value = row.number(Some(at), rejected).map(Millis);
            percentiles.extend(value.map(|value| Percentile { q, value }));
        }
        in_order(&mut percentiles);
        Some(Endpoint {
            requests: row.count(self.requests, rejected),
            failures: row.count(self.failures, rejected),
            avg: row.number(self.avg, rejected).map(Millis),
            min: row.number(self.min, rejected).map(Millis),
            max: row.number(self.max, rejected).map(Millis),
            median: row.number(self.median, rejected).map(Millis),
            avg_content_length: row.number(self.size, rejected),
            percentiles,
            ..endpoint(method, name)
        })
    }
}

/// The share that a column names: `99.9%` is exactly 0.999, which dividing would miss.
fn share(column: &str) -> Option<f64> {
    let percent = column.strip_suffix('%')?;
    let (whole, fraction) = percent.split_once('.').unwrap_or((percent, ""));
    let is_number = |text: &str| text.len() <= 9 && text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let share: f64 = format!("{whole}{fraction}e-{}", fraction.len() + 2).parse().ok()?;
    (0.0..=1.0).contains(&share).then_some(share)
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn shares_are_exact() {
        assert_eq!(share("99.9%"), Some(0.999));
        assert_eq!(share("99.99%"), Some(0.9999));
        assert_eq!(share("100%"), Some(1.0));
        assert_eq!(share("66%"), Some(0.66));
        assert_eq!(share("0%"), Some(0.0));
    }

    #[test]
    fn what_is_no_share_is_none() {
        for column in ["%", "101%", "-1%", "Failures/s", "1e2%", ".5%", "5", "NaN%"] {
            assert_eq!(share(column), None, "{column}");
        }
    }
}
