//! Where an exporter is told to push, in the words of either face.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::collector::Collector;
use crate::locust::Stats;
use crate::prometheus::Prometheus;
use crate::pushgateway::Pushgateway;
use crate::text::Scrape;
use crate::tool;
use crate::vars;
use crate::victoria::Victoria;

/// Matches everything of ours in a backend that has nothing else.
pub const OURS: &str = r#"__name__=~"locust_.+""#;

/// Options of pushing, by the binary's names without the dashes: `push.interval`.
#[derive(Clone, Debug, Default)]
pub struct Options(Vec<(&'static str, Option<String>)>);

impl Options {
    /// With one more.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.0.push((name, Some(value.into())));
        self
    }

    /// With one more, which has no value.
    #[must_use]
    pub fn with_switch(mut self, name: &'static str) -> Self {
        self.0.push((name, None));
        self
    }

    /// As the binary reads them.
    pub fn for_binary(&self) -> Vec<String> {
        self.spelled(|name| format!("--{name}"))
    }

    /// As Locust with the exporter inside reads them.
    pub fn for_inside(&self) -> Vec<String> {
        self.spelled(|name| format!("--exporter-{}", name.replace('.', "-")))
    }

    fn spelled(&self, flag: impl Fn(&str) -> String) -> Vec<String> {
        let spelled = self.0.iter().map(|(name, value)| match value {
            Some(value) => format!("{}={value}", flag(name)),
            None => flag(name),
        });
        spelled.collect()
    }
}

/// What can be pushed to.
#[derive(Clone, Debug)]
pub struct Backends {
    prometheus: PathBuf,
    pushgateway: PathBuf,
    victoria: PathBuf,
    collector: PathBuf,
}

impl Backends {
    /// The servers that the variables name; `None` if one is absent, which is said.
    ///
    /// # Errors
    ///
    /// As of [`tool::find`].
    pub fn find() -> Result<Option<Self>> {
        let Some(prometheus) = tool::find(vars::PROMETHEUS)? else { return Ok(None) };
        let Some(pushgateway) = tool::find(vars::PUSHGATEWAY)? else { return Ok(None) };
        let Some(victoria) = tool::find(vars::VICTORIA_METRICS)? else { return Ok(None) };
        let Some(collector) = tool::find(vars::COLLECTOR)? else { return Ok(None) };
        Ok(Some(Self { prometheus, pushgateway, victoria, collector }))
    }

    /// A Prometheus that receives remote write.
    ///
    /// # Errors
    ///
    /// As of [`Prometheus::start`].
    pub fn prometheus(&self, folder: &Path) -> Result<Prometheus> {
        Prometheus::start(&self.prometheus, &[], folder)
    }

    /// The same, but it takes no native histograms.
    ///
    /// # Errors
    ///
    /// As of [`Prometheus::start`].
    pub fn prometheus_without_native(&self, folder: &Path) -> Result<Prometheus> {
        Prometheus::start_without_native(&self.prometheus, folder)
    }

    /// A Pushgateway, and a Prometheus that scrapes it.
    ///
    /// # Errors
    ///
    /// If one of them does not come up.
    pub fn pushgateway(&self, folder: &Path) -> Result<(Pushgateway, Prometheus)> {
        let pushgateway = Pushgateway::start(&self.pushgateway, folder)?;
        let beside = folder.join("beside-pushgateway");
        fs::create_dir_all(&beside)?;
        let prometheus = Prometheus::start(&self.prometheus, &[pushgateway.job()], &beside)?;
        Ok((pushgateway, prometheus))
    }

    /// A `VictoriaMetrics`.
    ///
    /// # Errors
    ///
    /// As of [`Victoria::start`].
    pub fn victoria(&self, folder: &Path) -> Result<Victoria> {
        Victoria::start(&self.victoria, folder)
    }

    /// A collector.
    ///
    /// # Errors
    ///
    /// As of [`Collector::start`].
    pub fn collector(&self, folder: &Path) -> Result<Collector> {
        Collector::start(&self.collector, folder)
    }
}

/// What Locust writes with `--json-file`: its numbers at its end, in the form of its web API.
///
/// # Errors
///
/// If there is no such file, or it is another.
pub fn final_stats(file: &Path) -> Result<Stats> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let rows: Vec<Value> = serde_json::from_str(&text)?;
    ensure!(!rows.is_empty(), "{}: no rows", file.display());
    Ok(Stats(serde_json::json!({ "stats": rows })))
}

/// The totals by endpoint: requests and failures. Of both faces, and of Locust's own rows.
pub type Totals = BTreeMap<(String, String), (f64, f64)>;

/// The totals that a scrape has.
pub fn totals(scrape: &Scrape) -> Totals {
    let mut totals = Totals::new();
    let requests = scrape.series("locust_requests_total", &[]).map(|it| (it, false));
    let failures = scrape.series("locust_request_failures_total", &[]).map(|it| (it, true));
    for (sample, is_failures) in requests.chain(failures) {
        let key = (sample.label("method").to_owned(), sample.label("name").to_owned());
        let (requests, failures) = totals.entry(key).or_default();
        if is_failures {
            *failures += sample.value;
        } else {
            *requests += sample.value;
        }
    }
    totals
}

/// The totals that Locust has.
///
/// # Errors
///
/// If it has none.
pub fn wanted(stats: &Stats) -> Result<Totals> {
    let totals = stats.endpoints().map(|row| {
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        let number = |key: &str| row[key].as_f64().with_context(|| format!("no {key}"));
        Ok(((text("method"), text("name")), (number("num_requests")?, number("num_failures")?)))
    });
    let totals = totals.collect::<Result<Totals>>()?;
    ensure!(totals.values().any(|(requests, _)| *requests > 0.0), "Locust has no requests");
    Ok(totals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_face_has_its_own_names_of_the_same_options() {
        let options = Options::default().with("push.remote-write.url", "http://a/b");
        let options = options.with_switch("pushgateway.delete-on-exit");
        let for_binary = ["--push.remote-write.url=http://a/b", "--pushgateway.delete-on-exit"];
        assert_eq!(options.for_binary(), for_binary);
        let for_inside = [
            "--exporter-push-remote-write-url=http://a/b",
            "--exporter-pushgateway-delete-on-exit",
        ];
        assert_eq!(options.for_inside(), for_inside);
    }

    #[test]
    fn totals_are_summed_over_status_and_exception() {
        let scrape = Scrape::parse(
            "locust_requests_total{method=\"GET\",name=\"/\",status=\"200\"} 2\n\
             locust_requests_total{method=\"GET\",name=\"/\",status=\"500\"} 1\n\
             locust_request_failures_total{method=\"GET\",name=\"/\"} 1\n",
        );
        let json = r#"{"stats":[{"method":"GET","name":"/","num_requests":3,"num_failures":1},
            {"method":"","name":"Aggregated","num_requests":3,"num_failures":1}]}"#;
        let stats = Stats(serde_json::from_str(json).unwrap());
        assert_eq!(totals(&scrape.unwrap()), wanted(&stats).unwrap());
    }
}
