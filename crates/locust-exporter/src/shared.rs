//! The options that both faces know: the standalone exporter, and the one inside Locust.

use std::path::PathBuf;
use std::time::Duration;

use locust_model::Bounds;
use schema::CatalogError;

use crate::usage::Origin;
use crate::{build, duration};

/// How many characters of an error's text are kept.
const ERROR_CHARS: usize = 200;

/// In place of an address to listen on: none at all.
const NO_ADDRESS: &str = "none";

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Locust")]
pub(crate) struct NameArgs {
    /// Prefix of all metric names.
    #[arg(long = "locust.namespace", env = "LOCUST_METRIC_NAMESPACE", value_name = "NAME")]
    #[arg(default_value = "locust")]
    pub(crate) namespace: String,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Metrics")]
pub(crate) struct MetricsArgs {
    /// Which names to give: `standard` (Prometheus's conventions), `classic` (the Go exporters'),
    /// `boomer` (the web UI collector's).
    #[arg(long = "metrics.schema", env = "LOCUST_EXPORTER_METRICS_SCHEMA", value_name = "SCHEMA")]
    #[arg(value_delimiter = ',', default_value = "standard,classic")]
    pub(crate) schema: Vec<String>,

    /// Endpoints that keep their names; those beyond are folded into `name="other"`.
    #[arg(long = "metrics.max-names", env = "LOCUST_EXPORTER_METRICS_MAX_NAMES")]
    #[arg(value_name = "COUNT", default_value = "20000", value_parser = count)]
    pub(crate) max_names: usize,

    /// Errors, and exceptions, that keep their texts; those beyond are folded into `error="other"`.
    #[arg(long = "metrics.max-errors", env = "LOCUST_EXPORTER_METRICS_MAX_ERRORS")]
    #[arg(value_name = "COUNT", default_value = "1000", value_parser = count)]
    pub(crate) max_errors: usize,

    /// Bytes of the longest label value: longer ones are cut and end in `…`. Receivers may drop
    /// series with longer values; 2048 is the default limit of Grafana Mimir.
    #[arg(long = "metrics.max-label-bytes", env = "LOCUST_EXPORTER_METRICS_MAX_LABEL_BYTES")]
    #[arg(value_name = "BYTES", default_value = "2048", value_parser = label_bytes)]
    pub(crate) max_label_bytes: usize,

    /// A label for every series. May be given several times.
    #[arg(long = "label", env = "LOCUST_EXPORTER_LABEL", value_name = "KEY=VALUE")]
    #[arg(value_delimiter = ',', value_parser = key_value)]
    pub(crate) labels: Vec<(String, String)>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Web")]
pub(crate) struct ListenArgs {
    /// Address to listen on. May be given several times; `none` is no address at all, for who
    /// only pushes.
    #[arg(long = "web.listen-address", env = "LOCUST_EXPORTER_WEB_LISTEN_ADDRESS")]
    #[arg(value_name = "ADDRESS", value_delimiter = ',', default_value = ":9646")]
    pub(crate) listen_address: Vec<String>,
}

/// What is served, and how much of it.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Web")]
pub(crate) struct ServerArgs {
    /// Path of the metrics.
    #[arg(long = "web.telemetry-path", env = "LOCUST_EXPORTER_WEB_TELEMETRY_PATH")]
    #[arg(value_name = "PATH", default_value = "/metrics")]
    pub(crate) telemetry_path: String,

    /// File that turns on TLS, basic authentication, headers or a rate limit: the web
    /// configuration file of Prometheus's exporters.
    #[arg(long = "web.config.file", env = "LOCUST_EXPORTER_WEB_CONFIG_FILE", value_name = "FILE")]
    pub(crate) config_file: Option<PathBuf>,

    /// Scrapes to answer at the same time. Those beyond wait, and are refused with 503 if their time
    /// is over; of those that wait, the client with the fewest is next. Scrapes that wait for the
    /// same answer of Locust count as one. 0 is no limit.
    #[arg(long = "web.max-requests", env = "LOCUST_EXPORTER_WEB_MAX_REQUESTS")]
    #[arg(value_name = "COUNT", default_value = "40", value_parser = count)]
    pub(crate) max_requests: usize,

    /// Connections to hold at the same time. For one beyond, the client address that has the most
    /// loses one.
    #[arg(long = "web.max-connections", env = "LOCUST_EXPORTER_WEB_MAX_CONNECTIONS")]
    #[arg(value_name = "COUNT", default_value = "1024", value_parser = count)]
    pub(crate) max_connections: usize,
}

/// How long clients may take.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Web")]
pub(crate) struct ClientArgs {
    /// How long a client may take to send a request's headers.
    #[arg(long = "web.header-timeout", env = "LOCUST_EXPORTER_WEB_HEADER_TIMEOUT")]
    #[arg(value_name = "DURATION", default_value = "10s", value_parser = duration::parse)]
    pub(crate) header: Duration,

    /// How long a client may pause while it takes an answer.
    #[arg(long = "web.write-timeout", env = "LOCUST_EXPORTER_WEB_WRITE_TIMEOUT")]
    #[arg(value_name = "DURATION", default_value = "30s", value_parser = duration::parse)]
    pub(crate) write: Duration,

    /// How long a connection may stay open between two requests.
    #[arg(long = "web.idle-timeout", env = "LOCUST_EXPORTER_WEB_IDLE_TIMEOUT")]
    #[arg(value_name = "DURATION", default_value = "5m", value_parser = duration::parse)]
    pub(crate) idle: Duration,
}

impl MetricsArgs {
    /// How much is kept apart.
    pub(crate) fn bounds(&self) -> Bounds {
        Bounds {
            names: self.max_names,
            errors: self.max_errors,
            text_chars: ERROR_CHARS,
            label_bytes: self.max_label_bytes,
        }
    }
}

impl ListenArgs {
    /// The addresses; none where that was asked for.
    ///
    /// # Errors
    ///
    /// One line that names the flag, the value and what is accepted.
    pub(crate) fn addresses(&self, origin: &Origin) -> Result<Vec<web::Listen>, String> {
        let flag = || origin.name("--web.listen-address");
        let is_none = |address: &String| address.trim() == NO_ADDRESS;
        if self.listen_address.iter().any(is_none) {
            return if self.listen_address.iter().all(is_none) {
                Ok(Vec::new())
            } else {
                Err(format!("{}: {NO_ADDRESS} and an address were given: use one", flag()))
            };
        }
        let addresses = self.listen_address.iter().map(|address| address.trim().parse());
        addresses
            .collect::<Result<_, web::ListenError>>()
            .map_err(|cause| format!("{}: {cause}, or {NO_ADDRESS} to listen nowhere", flag()))
    }
}

/// How metrics are named, seen from outside.
///
/// # Errors
///
/// One line that names the flag, the value and what is accepted.
pub(crate) fn schema(
    names: &NameArgs,
    metrics: &MetricsArgs,
    origin: &Origin,
) -> Result<schema::Config, String> {
    let schemas = metrics.schema.iter().map(|name| name.trim().parse());
    let schemas = schemas
        .collect::<Result<_, schema::UnknownSchema>>()
        .map_err(|cause| format!("{}: {cause}", origin.name("--metrics.schema")))?;
    let most = metrics.max_label_bytes;
    if let Some((key, value)) = metrics.labels.iter().find(|(_, value)| value.len() > most) {
        let (flag, bytes) = (origin.name("--label"), value.len());
        return Err(format!(
            "{flag}: the value of {key} has {bytes} bytes: give at most {most}, or raise \
             --metrics.max-label-bytes"
        ));
    }
    Ok(schema::Config {
        schemas,
        namespace: names.namespace.clone(),
        labels: metrics.labels.clone(),
        ..schema::Config::default()
    })
}

/// What the flag is called that this catalog is refused for.
pub(crate) fn flag_at_fault(error: &CatalogError) -> &'static str {
    match error {
        CatalogError::Namespace { .. } => "--locust.namespace",
        CatalogError::Label(_)
        | CatalogError::LabelTwice { .. }
        | CatalogError::LabelTaken { .. } => "--label",
        CatalogError::NoSchema | CatalogError::Clash(_) => "--metrics.schema",
    }
}

/// A server without an address yet.
pub(crate) fn web(server: &ServerArgs, client: &ClientArgs) -> web::Config {
    web::Config {
        config_file: server.config_file.clone(),
        telemetry_path: server.telemetry_path.clone(),
        max_requests: server.max_requests,
        timeouts: web::Timeouts {
            header: client.header,
            write: client.write,
            idle: client.idle,
            ..web::Timeouts::default()
        },
        max_connections: server.max_connections,
        landing: web::Landing {
            name: "locust_exporter".to_owned(),
            description: "Prometheus exporter for Locust".to_owned(),
            version: build::VERSION.to_owned(),
            links: Vec::new(),
        },
        ..web::Config::default()
    }
}

pub(crate) fn boolean(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err("expected 1, true, yes or on; 0, false, no or off".to_owned()),
    }
}

fn count(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| "expected a whole number, 0 or more".to_owned())
}

fn label_bytes(text: &str) -> Result<usize, String> {
    let bytes = text.parse().ok().filter(|bytes| (16..=4096).contains(bytes));
    bytes.ok_or_else(|| "expected a whole number of bytes, 16 to 4096".to_owned())
}

pub(crate) fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) => Ok((key.to_owned(), value.to_owned())),
        None => Err("expected KEY=VALUE".to_owned()),
    }
}
