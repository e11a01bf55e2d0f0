//! Whoever answers `PromQL`: Prometheus, or what speaks as it does.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::text::{Sample, Scrape};
use crate::{http, net};

/// How long a value may take to be seen: `VictoriaMetrics` shows a new series after ten seconds.
const PATIENCE: Duration = Duration::from_mins(1);

/// The labels of a series, `__name__` among them.
pub type Labels = BTreeMap<String, String>;

/// A series and its samples: milliseconds since 1970, and the value there.
pub type Series = (Labels, Vec<(i64, f64)>);

/// The API for queries.
#[derive(Clone, Copy, Debug)]
pub struct Promql {
    /// Who answers.
    pub address: SocketAddr,
}

impl Promql {
    /// The instant vector that `expression` gives now.
    ///
    /// # Errors
    ///
    /// If the expression is refused.
    pub fn vector(&self, expression: &str) -> Result<Vec<(Labels, f64)>> {
        let data = self.query(expression)?;
        let result = data["result"].as_array().context("no result")?;
        result.iter().map(point).collect::<Result<_>>().with_context(|| expression.to_owned())
    }

    /// The only value that `expression` gives now; `None` while it gives nothing.
    ///
    /// # Errors
    ///
    /// If the expression is refused, or gives more than one value.
    pub fn value(&self, expression: &str) -> Result<Option<f64>> {
        let vector = self.vector(expression)?;
        ensure!(vector.len() <= 1, "{expression}: {} values", vector.len());
        Ok(vector.first().map(|(_, value)| *value))
    }

    /// Waits until `expression` gives exactly `wanted`.
    ///
    /// # Errors
    ///
    /// If it does not in time; with what it gives instead.
    pub fn wait_for_value(&self, expression: &str, wanted: f64) -> Result<()> {
        let mut last = None;
        let seen = net::wait_for(expression, PATIENCE, || {
            last = self.value(expression)?;
            Ok((last == Some(wanted)).then_some(()))
        });
        seen.with_context(|| format!("wanted {wanted}, the last value was {last:?}"))
    }

    /// Waits until `expression` gives nothing any more.
    ///
    /// # Errors
    ///
    /// If it still gives something after `within`; with some of it.
    pub fn wait_until_empty(&self, expression: &str, within: Duration) -> Result<()> {
        let mut last = Vec::new();
        let seen = net::wait_for(&format!("{expression} ends"), within, || {
            last = self.vector(expression)?;
            Ok(last.is_empty().then_some(()))
        });
        last.truncate(5);
        seen.with_context(|| format!("there is still {last:#?}"))
    }

    /// Every sample of `selector` within the last `range`, such as `10m`. Stale markers are none.
    ///
    /// # Errors
    ///
    /// If the selector is refused.
    pub fn samples(&self, selector: &str, range: &str) -> Result<Vec<Series>> {
        let data = self.query(&format!("{selector}[{range}]"))?;
        let result = data["result"].as_array().context("no result")?;
        result.iter().map(series).collect::<Result<_>>().with_context(|| selector.to_owned())
    }

    /// The last samples within the last ten minutes of what `matchers` name (`job="locust"`), as if
    /// they came from one scrape.
    ///
    /// # Errors
    ///
    /// If the matchers are refused.
    pub fn scrape(&self, matchers: &str) -> Result<Scrape> {
        let vector = self.vector(&format!("last_over_time({{{matchers}}}[10m])"))?;
        let samples = vector.into_iter().map(|(mut labels, value)| {
            let name = labels.remove("__name__").context("a series without a name")?;
            Ok(Sample { name, labels, value })
        });
        Scrape::of(samples.collect::<Result<_>>()?)
    }

    fn query(&self, expression: &str) -> Result<Value> {
        // VictoriaMetrics would answer from its cache. Prometheus has none and takes no notice.
        self.api("query", &[("query", expression), ("nocache", "1")])
    }

    /// What a route of the API gives.
    pub(crate) fn api(&self, route: &str, query: &[(&str, &str)]) -> Result<Value> {
        let mut form = String::new();
        for (name, value) in query {
            write!(form, "{name}={}&", http::encode(value))?;
        }
        let answer = http::get(self.address, &format!("/api/v1/{route}?{form}"))?;
        let mut body: Value = serde_json::from_slice(&answer.body)
            .with_context(|| String::from_utf8_lossy(&answer.body).into_owned())?;
        ensure!(body["status"] == "success", "{query:?}: {}", body["error"]);
        Ok(body["data"].take())
    }
}

fn labels(result: &Value) -> Result<Labels> {
    let labels = result["metric"].as_object().context("no labels")?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Ok(labels.iter().map(|(name, value)| (name.clone(), text(value))).collect())
}

fn point(result: &Value) -> Result<(Labels, f64)> {
    // A native histogram is given as its count.
    let value = result["value"][1].as_str().or_else(|| result["histogram"][1]["count"].as_str());
    Ok((labels(result)?, value.context("no value")?.parse()?))
}

fn series(result: &Value) -> Result<Series> {
    let values = result["values"].as_array().map(Vec::as_slice).unwrap_or_default();
    let samples = values.iter().map(|sample| {
        let at = sample[0].as_f64().context("no time")?;
        let value: f64 = sample[1].as_str().context("no value")?.parse()?;
        Ok((milliseconds(at), value))
    });
    let samples = samples.collect::<Result<Vec<_>>>()?;
    let real = samples.into_iter().filter(|(_, value)| !value.is_nan()).collect();
    Ok((labels(result)?, real))
}

#[expect(clippy::cast_possible_truncation, reason = "a time of this century")]
fn milliseconds(seconds: f64) -> i64 {
    (seconds * 1000.0).round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_keep_their_milliseconds_and_leave_out_stale_markers() {
        let result = r#"{"metric":{"__name__":"a","b":"c"},
            "values":[[1795288716.699,"5"],[1795288717.7,"NaN"],[1795288718,"6.5"]]}"#;
        let (labels, samples) = series(&serde_json::from_str(result).unwrap()).unwrap();
        assert_eq!(labels["b"], "c");
        assert_eq!(samples, [(1_795_288_716_699, 5.0), (1_795_288_718_000, 6.5)]);
    }

    #[test]
    fn a_native_histogram_is_its_count() {
        let result = r#"{"metric":{},"histogram":[1.5,{"count":"9","sum":"7.5"}]}"#;
        assert_eq!(
            point(&serde_json::from_str(result).unwrap()).unwrap().1.to_bits(),
            9_f64.to_bits()
        );
    }
}
