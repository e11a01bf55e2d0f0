//! A real OpenTelemetry collector, rotel, which prints what it receives.

mod printed;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::net;
use crate::server::{Plan, Server, free_address};
use crate::text::{Sample, Scrape};

pub use printed::{Bucket, Point, Value};

/// A running collector.
#[derive(Debug)]
pub struct Collector {
    /// Its process; its address is that for HTTP.
    pub server: Server,
    grpc: SocketAddr,
}

impl Collector {
    /// Starts `binary` and waits until it listens, for gRPC and for HTTP.
    ///
    /// # Errors
    ///
    /// If it ends, or does not listen in time; with the end of its log.
    pub fn start(binary: &Path, logs: &Path) -> Result<Self> {
        let (grpc, http) = (free_address()?, free_address()?);
        let args = [
            "start".to_owned(),
            format!("--otlp-grpc-endpoint={grpc}"),
            format!("--otlp-http-endpoint={http}"),
            "--exporter=blackhole".to_owned(),
            "--debug-log=metrics".to_owned(),
            "--debug-log-verbosity=detailed".to_owned(),
        ];
        let plan = Plan {
            name: "collector",
            program: binary.to_owned(),
            args: args.map(OsString::from).to_vec(),
            ready: None,
            logs: logs.to_owned(),
        };
        let server = Server::start(plan, http)?;
        net::wait_for("the collector listens for gRPC", Duration::from_secs(30), || {
            Ok(net::is_listening(grpc).then_some(()))
        })?;
        Ok(Self { server, grpc })
    }

    /// Where OTLP is received over HTTP; without `/v1/metrics`.
    pub fn http_url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// Where OTLP is received over gRPC.
    pub fn grpc_url(&self) -> String {
        format!("http://{}", self.grpc)
    }

    /// Every point it has received since it was started.
    ///
    /// # Errors
    ///
    /// If it prints what cannot be read.
    pub fn points(&self) -> Result<Vec<Point>> {
        printed::points(&self.server.process.log())
    }

    /// The points of the last pass that has values: all that bear the same time. Behind it there may
    /// be one without values, which says that the series have ended.
    ///
    /// # Errors
    ///
    /// If there is no such pass, or what is printed cannot be read.
    pub fn last_pass(&self) -> Result<Vec<Point>> {
        let points = self.points()?;
        let with_values = points.iter().filter(|point| !point.value.is_nothing());
        let last = with_values.map(|point| point.time).max().context("nothing has come")?;
        Ok(points.into_iter().filter(|point| point.time == last).collect())
    }

    /// The last pass as a scrape would show it, under the names that Prometheus would give; a histogram by its `_count` and `_sum`.
    ///
    /// # Errors
    ///
    /// As of [`Collector::last_pass`], or if a series stands twice.
    pub fn scrape(&self) -> Result<Scrape> {
        let mut samples = Vec::new();
        for point in self.last_pass()? {
            let name = point.prometheus_name();
            let Point { labels, value, .. } = point;
            let mut add = |suffix: &str, value| {
                let name = format!("{name}{suffix}");
                samples.push(Sample { name, labels: labels.clone(), value });
            };
            match value {
                Value::Number(number) => add("", number),
                Value::Histogram { count, sum, buckets } => {
                    let in_buckets: u64 = buckets.iter().map(|bucket| bucket.count).sum();
                    ensure!(in_buckets == count, "{name}: {in_buckets} in buckets, {count} in all");
                    add("_count", count as f64);
                    add("_sum", sum);
                }
            }
        }
        Scrape::of(samples)
    }
}
