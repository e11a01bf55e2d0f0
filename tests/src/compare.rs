//! The exporter's numbers beside Locust's, both standing still.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::locust::Stats;
use crate::text::Scrape;

/// One number, as each of both tells it.
#[derive(Clone, Debug)]
pub struct Pair {
    /// Which.
    pub what: String,
    /// What the exporter says; `None` if it has no such series.
    pub exported: Option<f64>,
    /// What Locust says; `None` if it says `null`.
    pub wanted: Option<f64>,
}

impl Pair {
    /// Whether both say the same, to the last digit.
    pub fn is_equal(&self) -> bool {
        match (self.exported, self.wanted) {
            (Some(exported), Some(wanted)) => exported.total_cmp(&wanted).is_eq(),
            (None, None) => true,
            _ => false,
        }
    }
}

impl Pair {
    /// Whether both say something, no further apart than this.
    pub fn is_within(&self, apart: f64) -> bool {
        let distance = self.exported.zip(self.wanted).map(|(one, other)| (one - other).abs());
        distance.is_some_and(|distance| distance <= apart)
    }

    /// Whether both say the same, but for what sums of fractions in another order differ by.
    pub fn is_near(&self) -> bool {
        match (self.exported, self.wanted) {
            (Some(exported), Some(wanted)) => {
                (exported - wanted).abs() <= 1e-9 * exported.abs().max(wanted.abs())
            }
            _ => self.is_equal(),
        }
    }
}

impl std::fmt::Display for Pair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let say = |number: Option<f64>| number.map_or("nothing".to_owned(), |it| it.to_string());
        let (exported, wanted) = (say(self.exported), say(self.wanted));
        write!(f, "{}: {exported} on /metrics, {wanted} in Locust", self.what)
    }
}

/// The classic metrics of a row, and the row's keys.
pub const CLASSIC_ROW: &[(&str, &str)] = &[
    ("locust_requests_num_requests", "num_requests"),
    ("locust_requests_num_failures", "num_failures"),
    ("locust_requests_avg_response_time", "avg_response_time"),
    ("locust_requests_min_response_time", "min_response_time"),
    ("locust_requests_max_response_time", "max_response_time"),
    ("locust_requests_median_response_time", "median_response_time"),
    ("locust_requests_current_rps", "current_rps"),
    ("locust_requests_current_fail_per_sec", "current_fail_per_sec"),
    ("locust_requests_avg_content_length", "avg_content_length"),
];

/// The classic metrics of a row whose keys came with Locust 2.21, or had other names before.
const CLASSIC_PERCENTILES: &[(&str, &[&str])] = &[
    ("locust_requests_response_time_percentile_95", &["response_time_percentile_0.95"]),
    (
        "locust_requests_response_time_percentile_99",
        &["response_time_percentile_0.99", "ninety_ninth_response_time"],
    ),
];

/// The sums over all endpoints, the Aggregated row, and every endpoint's numbers in the schemas
/// `standard` and `classic`. The number of all requests comes first.
///
/// # Errors
///
/// If Locust's answer lacks what every version has.
pub fn requests(scrape: &Scrape, stats: &Stats) -> Result<Vec<Pair>> {
    let mut pairs = Vec::new();
    let aggregated = [("method", ""), ("name", "Aggregated")];
    for (total, classic, key) in [
        ("locust_requests_total", "locust_requests_num_requests", "num_requests"),
        ("locust_request_failures_total", "locust_requests_num_failures", "num_failures"),
    ] {
        let wanted = Some(stats.aggregated(key)?);
        let what = format!("sum({total})");
        pairs.push(Pair { what, exported: Some(scrape.sum(total)), wanted });
        pairs.push(pair(scrape, classic, &aggregated, wanted)?);
    }
    for row in stats.endpoints() {
        let method = row["method"].as_str().unwrap_or_default();
        let name = row["name"].as_str().context("a row without a name")?;
        let labels = [("method", method), ("name", name)];
        for (metric, key) in [
            ("locust_requests_total", "num_requests"),
            ("locust_request_failures_total", "num_failures"),
        ]
        .iter()
        .chain(CLASSIC_ROW)
        {
            pairs.push(pair(scrape, metric, &labels, row[key].as_f64())?);
        }
        for (metric, keys) in CLASSIC_PERCENTILES {
            let wanted = keys.iter().find_map(|key| row[key].as_f64());
            pairs.push(pair(scrape, metric, &labels, wanted)?);
        }
    }
    let endpoints = stats.endpoints().count();
    let exported = scrape.series("locust_requests_total", &[]).count();
    ensure!(exported == endpoints, "{exported} endpoints on /metrics, {endpoints} in Locust");
    Ok(pairs)
}

/// How far the current rates of one endpoint, requests per second over ten seconds, may lie apart:
/// Locust and the exporter look at the clock one after the other, and at clocks of other precision,
/// so that a request at the border of two seconds may count in either.
const RATES_APART: f64 = 0.5;

/// What [`requests`] compares, of the exporter inside Locust: its totals are by status and exception
/// too, and its histograms have as many observations as there were requests with a time.
///
/// # Errors
///
/// If Locust's answer lacks what every version has.
pub fn inside(scrape: &Scrape, stats: &Stats) -> Result<Vec<Pair>> {
    let totals = [
        ("locust_requests_total", "num_requests"),
        ("locust_request_failures_total", "num_failures"),
        ("locust_request_duration_seconds_count", "num_requests"),
    ];
    let mut pairs = Vec::new();
    for (total, key) in totals {
        let wanted = Some(stats.aggregated(key)?);
        pairs.push(Pair {
            what: format!("sum({total})"),
            exported: sum(scrape, total, &[]),
            wanted,
        });
    }
    for row in stats.endpoints() {
        let method = row["method"].as_str().unwrap_or_default();
        let name = row["name"].as_str().context("a row without a name")?;
        let labels = [("method", method), ("name", name)];
        for (total, key) in totals {
            let (what, exported) = (format!("sum({total}{labels:?})"), sum(scrape, total, &labels));
            pairs.push(Pair { what, exported, wanted: row[key].as_f64() });
        }
        for (metric, key) in CLASSIC_ROW {
            let mut pair = pair(scrape, metric, &labels, row[key].as_f64())?;
            if matches!(*key, "min_response_time" | "max_response_time") {
                // Locust's JSON rounds these two; inside, they are as they were measured.
                pair.exported = pair.exported.map(f64::round);
            }
            if key.starts_with("current_") && pair.is_within(RATES_APART) {
                pair.exported = pair.wanted;
            }
            pairs.push(pair);
        }
        for (metric, keys) in CLASSIC_PERCENTILES {
            let wanted = keys.iter().find_map(|key| row[key].as_f64());
            pairs.push(pair(scrape, metric, &labels, wanted)?);
        }
    }
    Ok(pairs)
}

/// The sum over the series that have at least these labels; nothing where there are none.
fn sum(scrape: &Scrape, metric: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let mut values = scrape.series(metric, labels).map(|sample| sample.value).peekable();
    values.peek().is_some().then(|| values.sum())
}

/// Every error's count in both schemas, by its text.
///
/// Only for a Locust that gives errors' texts as they are: before 2.28 they are HTML-escaped.
///
/// # Errors
///
/// If Locust's answer lacks what every version has.
pub fn errors(scrape: &Scrape, stats: &Stats) -> Result<Vec<Pair>> {
    let mut pairs = Vec::new();
    for row in stats.errors() {
        let text = |key: &str| row[key].as_str().unwrap_or_default();
        let labels = [("method", text("method")), ("name", text("name")), ("error", text("error"))];
        for metric in ["locust_request_errors_total", "locust_errors"] {
            pairs.push(pair(scrape, metric, &labels, row["occurrences"].as_f64())?);
        }
    }
    pairs.push(sum_of_errors(scrape, stats));
    Ok(pairs)
}

/// The count of all errors.
pub fn sum_of_errors(scrape: &Scrape, stats: &Stats) -> Pair {
    let occurrences = stats.errors().filter_map(|row| Value::as_f64(&row["occurrences"]));
    Pair {
        what: "sum(locust_request_errors_total)".to_owned(),
        exported: Some(scrape.sum("locust_request_errors_total")),
        wanted: Some(occurrences.sum()),
    }
}

fn pair(
    scrape: &Scrape,
    metric: &str,
    labels: &[(&str, &str)],
    wanted: Option<f64>,
) -> Result<Pair> {
    let exported = if scrape.series(metric, labels).next().is_some() {
        Some(scrape.value(metric, labels)?)
    } else {
        None
    };
    Ok(Pair { what: format!("{metric}{labels:?}"), exported, wanted })
}

/// Those of `pairs` that differ.
///
/// # Errors
///
/// If there are any: one line for each.
pub fn all_equal(pairs: &[Pair]) -> Result<()> {
    all(pairs, Pair::is_equal)
}

/// As [`all_equal`], by [`Pair::is_near`].
///
/// # Errors
///
/// As of [`all_equal`].
pub fn all_near(pairs: &[Pair]) -> Result<()> {
    all(pairs, Pair::is_near)
}

fn all(pairs: &[Pair], agree: fn(&Pair) -> bool) -> Result<()> {
    let different: Vec<_> = pairs.iter().filter(|pair| !agree(pair)).map(Pair::to_string).collect();
    ensure!(
        different.is_empty(),
        "{} of {} numbers differ:\n{}",
        different.len(),
        pairs.len(),
        different.join("\n")
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_false_zero_is_a_difference() {
        let pair = |exported, wanted| Pair { what: "it".to_owned(), exported, wanted };
        assert!(pair(Some(1.5), Some(1.5)).is_equal());
        assert!(pair(None, None).is_equal());
        for (exported, wanted) in [(Some(0.0), None), (None, Some(0.0)), (Some(1.0), Some(1.1))] {
            let it = pair(exported, wanted);
            assert!(!it.is_equal() && all_equal(&[it]).is_err());
        }
    }

    #[test]
    fn every_number_of_a_row_is_compared() {
        let row = r#"{"method":"GET","name":"/","num_requests":2,"num_failures":1,
            "avg_response_time":1.5,"min_response_time":1,"max_response_time":2,
            "median_response_time":1,"current_rps":0.5,"current_fail_per_sec":0.1,
            "avg_content_length":10,"response_time_percentile_0.95":null}"#;
        let all = row.replace("GET", "").replace("\"/\"", "\"Aggregated\"");
        let json = format!("{{\"stats\":[{row},{all}],\"errors\":[]}}");
        let stats = Stats(serde_json::from_str(&json).unwrap());
        let scrape = Scrape::parse(
            "locust_requests_total{method=\"GET\",name=\"/\"} 2\n\
             locust_requests_num_requests{method=\"\",name=\"Aggregated\"} 2\n",
        );
        let pairs = requests(&scrape.unwrap(), &stats).unwrap();
        let equal = pairs.iter().filter(|pair| pair.is_equal()).count();
        // The sum, the Aggregated row, the endpoint's total, and two percentiles nobody has.
        assert_eq!((pairs.len(), equal), (17, 5), "{pairs:#?}");
    }
}
