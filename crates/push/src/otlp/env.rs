//! The standard variables of OpenTelemetry that are about pushing metrics by OTLP: "OpenTelemetry
//! Protocol Exporter", "Metrics Exporter - OTLP", "Environment Variable Specification" and
//! "Resource SDK" of its specification.
//!
//! A variable that is empty is one that is not set. One that cannot be used is reported and then
//! counts as not set, as the specification asks: it may be meant for somebody else in the process.

mod endpoint;
mod list;
mod read;

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

pub use self::endpoint::OtlpEndpoint;
use self::read::Reader;
use crate::config::{Histograms, LEAST_INTERVAL, Protocol};

/// What stands for no limit: the longest that 32 bits can say.
const NO_LIMIT: Duration = Duration::from_millis(i32::MAX as u64);

const PROTOCOL: &str = "give grpc or http/protobuf (http/json is not supported)";
const TIMEOUT: &str = "give a whole number of milliseconds, 0 for no limit";
const COMPRESSION: &str = "give gzip or none";
const EXPORTER: &str = "give otlp, or none to push no metrics";
const HISTOGRAMS: &str = "give explicit_bucket_histogram or base2_exponential_bucket_histogram";
const TEMPORALITY: &str = "all that is pushed is cumulative";

/// A variable that is not heeded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvError {
    /// Its value is not one of those that are understood.
    #[error("{variable}={value:?} is ignored: {accepted}")]
    Value {
        /// The variable.
        variable: &'static str,
        /// Its value, cut if it is long.
        value: String,
        /// What would be accepted.
        accepted: String,
    },
    /// Its list cannot be read. Nothing of it is shown: it may hold credentials.
    #[error("{variable} is ignored: entry {entry} {cause}")]
    List {
        /// The variable.
        variable: &'static str,
        /// Which entry is wrong, counted from 1.
        entry: usize,
        /// What is wrong with it, and what would be accepted.
        cause: &'static str,
    },
}

/// What a variable says, and which one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said<T> {
    /// The variable.
    pub variable: &'static str,
    /// What it says.
    pub value: T,
}

/// What the standard variables of OpenTelemetry say. What they do not say is absent; the defaults
/// that the specification has for it stand with each field.
#[derive(Clone, Debug, Default)]
pub struct OtlpEnv {
    /// `OTEL_SDK_DISABLED`: nothing is to be pushed (false).
    pub is_disabled: Option<bool>,
    /// `OTEL_METRICS_EXPORTER`: whether `otlp` is among the exporters of metrics (true).
    pub is_exporter: Option<bool>,
    /// `OTEL_EXPORTER_OTLP_METRICS_ENDPOINT` or `OTEL_EXPORTER_OTLP_ENDPOINT`: where to push to
    /// (`http://localhost:4318`, of gRPC `http://localhost:4317`).
    pub endpoint: Option<OtlpEndpoint>,
    /// `OTEL_EXPORTER_OTLP_METRICS_PROTOCOL` or `OTEL_EXPORTER_OTLP_PROTOCOL` (`http/protobuf`).
    pub protocol: Option<Protocol>,
    /// `OTEL_EXPORTER_OTLP_METRICS_HEADERS` or `OTEL_EXPORTER_OTLP_HEADERS`: headers of every
    /// request (none). Their names and values are fit for HTTP.
    pub headers: Option<Said<Vec<(String, SecretString)>>>,
    /// `OTEL_EXPORTER_OTLP_METRICS_TIMEOUT` or `OTEL_EXPORTER_OTLP_TIMEOUT`: how long a request may
    /// take (10 s). No limit is some weeks.
    pub timeout: Option<Duration>,
    /// `OTEL_EXPORTER_OTLP_METRICS_COMPRESSION` or `OTEL_EXPORTER_OTLP_COMPRESSION`: whether
    /// requests are compressed by gzip (left to us).
    pub gzip: Option<bool>,
    /// `OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE` or `OTEL_EXPORTER_OTLP_CERTIFICATE`: the
    /// certificates to trust, in PEM (the system's).
    pub ca_file: Option<Said<PathBuf>>,
    /// `OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE` or `OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE`:
    /// our own certificate and its chain, in PEM (none).
    pub cert_file: Option<Said<PathBuf>>,
    /// `OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY` or `OTEL_EXPORTER_OTLP_CLIENT_KEY`: its private key,
    /// in PEM (none).
    pub key_file: Option<Said<PathBuf>>,
    /// `OTEL_METRIC_EXPORT_INTERVAL`: time between two pushes (60 s). [`LEAST_INTERVAL`]
    /// at least.
    pub interval: Option<Duration>,
    /// `OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION` (explicit).
    pub histograms: Option<Histograms>,
    /// `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_SERVICE_NAME`, which is `service.name` and wins:
    /// attributes of the resource, none twice (none).
    pub resource: Option<Vec<(String, String)>>,
}

impl OtlpEnv {
    /// Reads the variables that `lookup` knows. A variable for metrics alone
    /// (`OTEL_EXPORTER_OTLP_METRICS_…`) wins over the one for all signals, headers as a whole.
    ///
    /// Also tells which are not heeded, and why: to be logged, in words that show no secret.
    pub fn read(lookup: &dyn Fn(&str) -> Option<String>) -> (Self, Vec<EnvError>) {
        let mut from = Reader::new(lookup);
        let insecure =
            from.boolean(&["OTEL_EXPORTER_OTLP_METRICS_INSECURE", "OTEL_EXPORTER_OTLP_INSECURE"]);
        let endpoint = endpoint::read(&from, insecure.unwrap_or_default());
        let file = |metrics, all| {
            [metrics, all]
                .into_iter()
                .find_map(|variable| Some(Said { variable, value: from.text(variable)?.into() }))
        };
        let [ca_file, cert_file, key_file] = [
            file("OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE"),
            file(
                "OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE",
                "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
            ),
            file("OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY", "OTEL_EXPORTER_OTLP_CLIENT_KEY"),
        ];
        from.value(&["OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"], TEMPORALITY, |text| {
            (text == "cumulative").then_some(())
        });
        let least = LEAST_INTERVAL.as_millis();
        let interval = format!("give a whole number of milliseconds, {least} at least");
        let env = Self {
            is_disabled: from.boolean(&["OTEL_SDK_DISABLED"]),
            is_exporter: from.value(&["OTEL_METRICS_EXPORTER"], EXPORTER, is_exporter),
            endpoint,
            protocol: from.value(
                &["OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"],
                PROTOCOL,
                |text| match text {
                    "grpc" => Some(Protocol::Grpc),
                    "http/protobuf" => Some(Protocol::Http),
                    _ => None,
                },
            ),
            headers: from.list(
                &["OTEL_EXPORTER_OTLP_METRICS_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"],
                list::headers,
            ),
            timeout: from.value(
                &["OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"],
                TIMEOUT,
                |text| millis(text).map(|time| if time.is_zero() { NO_LIMIT } else { time }),
            ),
            gzip: from.value(
                &["OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION"],
                COMPRESSION,
                |text| match text {
                    "gzip" => Some(true),
                    "none" => Some(false),
                    _ => None,
                },
            ),
            ca_file,
            cert_file,
            key_file,
            interval: from.value(&["OTEL_METRIC_EXPORT_INTERVAL"], &interval, |text| {
                millis(text).filter(|time| *time >= LEAST_INTERVAL)
            }),
            histograms: from.value(
                &["OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION"],
                HISTOGRAMS,
                |text| match text {
                    "explicit_bucket_histogram" => Some(Histograms::Explicit),
                    "base2_exponential_bucket_histogram" => Some(Histograms::Exponential),
                    _ => None,
                },
            ),
            resource: resource(&mut from),
        };
        (env, from.ignored)
    }
}

/// A number of milliseconds; one that 32 bits cannot say is as good as no limit.
fn millis(text: &str) -> Option<Duration> {
    text.parse().ok().map(|millis| Duration::from_millis(millis).min(NO_LIMIT))
}

/// Whether a list of exporters has OTLP. A name that is not known may be OTLP's misspelt.
fn is_exporter(text: &str) -> Option<bool> {
    const OTHERS: [&str; 5] = ["none", "prometheus", "console", "logging", "otlp/stdout"];
    let mut names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    let mut is_known = true;
    names
        .any(|name| {
            is_known &= OTHERS.contains(&name);
            name == "otlp"
        })
        .then_some(true)
        .or(is_known.then_some(false))
}

fn resource(from: &mut Reader<'_>) -> Option<Vec<(String, String)>> {
    let resource = from.list(&["OTEL_RESOURCE_ATTRIBUTES"], list::attributes);
    let mut resource = resource.map(|said| said.value);
    if let Some(name) = from.text("OTEL_SERVICE_NAME") {
        list::set(resource.get_or_insert_default(), "service.name".to_owned(), name);
    }
    resource
}

#[cfg(test)]
mod tests;
