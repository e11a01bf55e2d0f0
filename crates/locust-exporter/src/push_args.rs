//! The options of pushing, which both faces have; what they mean is in the files of the folder
//! beside.

mod backend;
mod check;
mod otlp;
mod settings;
mod size;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, ValueEnum};
use secrecy::SecretString;

use crate::duration;
use crate::shared::{boolean, key_value};

pub(crate) use settings::{Given, instance_at, settings, variable};

/// Variables that have no flag, because a command line can be read by others.
pub(crate) const SECRET_VARIABLES: [(&str, &str); 6] = [
    RemoteWriteBackend::PASSWORD,
    RemoteWriteBackend::BEARER_TOKEN,
    OtlpBackend::PASSWORD,
    OtlpBackend::BEARER_TOKEN,
    PushgatewayBackend::PASSWORD,
    PushgatewayBackend::BEARER_TOKEN,
];

/// Everything about pushing.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct PushArgs {
    #[command(flatten)]
    pub(crate) common: CommonArgs,
    #[command(flatten)]
    pub(crate) remote_write: RemoteWriteArgs,
    #[command(flatten)]
    pub(crate) remote_write_backend: RemoteWriteBackend,
    #[command(flatten)]
    pub(crate) otlp: OtlpArgs,
    #[command(flatten)]
    pub(crate) otlp_backend: OtlpBackend,
    #[command(flatten)]
    pub(crate) pushgateway: PushgatewayArgs,
    #[command(flatten)]
    pub(crate) pushgateway_backend: PushgatewayBackend,
}

#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Push")]
pub(crate) struct CommonArgs {
    /// Time between two pushes by remote write and OTLP. Without it 15s, or with OTLP what
    /// `OTEL_METRIC_EXPORT_INTERVAL` says.
    #[arg(id = "push.interval", long = "push.interval", env = "LOCUST_EXPORTER_PUSH_INTERVAL")]
    #[arg(value_name = "DURATION", value_parser = duration::parse_interval)]
    pub(crate) interval: Option<Duration>,

    /// How long a backend may take to answer a push. Without it 10s, or of OTLP what
    /// `OTEL_EXPORTER_OTLP_TIMEOUT` says.
    #[arg(id = "push.timeout", long = "push.timeout", env = "LOCUST_EXPORTER_PUSH_TIMEOUT")]
    #[arg(value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) timeout: Option<Duration>,

    /// How long the last push may take in all, at the end.
    #[arg(long = "push.final-timeout", env = "LOCUST_EXPORTER_PUSH_FINAL_TIMEOUT")]
    #[arg(value_name = "DURATION", default_value = "5s", value_parser = duration::parse)]
    pub(crate) final_timeout: Duration,

    /// How much may wait in memory for each of remote write and OTLP, while it does not answer. The
    /// oldest is dropped for what comes on top.
    #[arg(long = "push.queue.max-bytes", env = "LOCUST_EXPORTER_PUSH_QUEUE_MAX_BYTES")]
    #[arg(value_name = "SIZE", default_value = "64MiB", value_parser = size::room)]
    pub(crate) queue_bytes: u64,

    /// Folder of this exporter alone, in which all that is pushed by remote write and OTLP is kept
    /// until it is delivered, also over a restart or a crash. Without it that is kept in memory.
    #[arg(long = "push.spool.path", env = "LOCUST_EXPORTER_PUSH_SPOOL_PATH")]
    #[arg(value_name = "FOLDER")]
    pub(crate) spool_path: Option<PathBuf>,

    /// How much may lie there, for each of remote write and OTLP. The oldest is dropped for what
    /// comes on top.
    #[arg(long = "push.spool.max-bytes", env = "LOCUST_EXPORTER_PUSH_SPOOL_MAX_BYTES")]
    #[arg(value_name = "SIZE", default_value = "1GiB", value_parser = size::room)]
    pub(crate) spool_bytes: u64,

    /// The label `job` of all that is pushed by remote write; `service.name` in OTLP. Without it
    /// `locust`, or in OTLP what `OTEL_SERVICE_NAME` says.
    #[arg(id = "push.job", long = "push.job", env = "LOCUST_EXPORTER_PUSH_JOB")]
    #[arg(value_name = "NAME")]
    pub(crate) job: Option<String>,

    /// The label `instance` of all that is pushed by remote write; `service.instance.id` in OTLP.
    /// Two that push to the same place must differ in it. Without it: this machine's name and the
    /// port listened on, or the process's id where none is.
    #[arg(long = "push.instance", env = "LOCUST_EXPORTER_PUSH_INSTANCE", value_name = "NAME")]
    pub(crate) instance: Option<String>,
}

#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Push by remote write")]
pub(crate) struct RemoteWriteArgs {
    /// Address to push to by Prometheus's remote write, such as
    /// `http://prometheus:9090/api/v1/write`. Without it nothing is pushed so.
    #[arg(id = "push.remote-write.url", long = "push.remote-write.url")]
    #[arg(env = "LOCUST_EXPORTER_PUSH_REMOTE_WRITE_URL", value_name = "URL")]
    pub(crate) url: Option<String>,

    /// Version of remote write: `auto` is 2.0, or 1.0 where the receiver does not know that.
    #[arg(long = "push.remote-write.version", env = "LOCUST_EXPORTER_PUSH_REMOTE_WRITE_VERSION")]
    #[arg(id = "push.remote-write.version", value_name = "VERSION", value_enum)]
    #[arg(default_value = "auto")]
    pub(crate) version: VersionArg,

    /// A label for every series that is pushed by remote write and has none of that name. May be
    /// given several times.
    #[arg(long = "push.remote-write.external-label", value_name = "KEY=VALUE")]
    #[arg(env = "LOCUST_EXPORTER_PUSH_REMOTE_WRITE_EXTERNAL_LABEL")]
    #[arg(value_delimiter = ',', value_parser = key_value)]
    pub(crate) external_labels: Vec<(String, String)>,

    /// Whether native histograms are pushed beside the classic ones: `auto` does so by 2.0 alone,
    /// since a receiver of 1.0 may mix up the buckets of both.
    #[arg(long = "push.remote-write.native-histograms", value_name = "WHEN", value_enum)]
    #[arg(env = "LOCUST_EXPORTER_PUSH_REMOTE_WRITE_NATIVE_HISTOGRAMS", default_value = "auto")]
    pub(crate) native_histograms: NativeArg,
}

#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Push by OTLP")]
pub(crate) struct OtlpArgs {
    /// Address to push to by OTLP, such as `http://collector:4318`, or `http://collector:4317` of gRPC.
    /// Of HTTP, `/v1/metrics` is added if it does not end so. Without it, what the variables of
    /// OpenTelemetry (`OTEL_EXPORTER_OTLP_ENDPOINT` and others) say; `none` pushes nothing by OTLP,
    /// whatever they say.
    #[arg(long = "push.otlp.endpoint", env = "LOCUST_EXPORTER_PUSH_OTLP_ENDPOINT")]
    #[arg(value_name = "URL")]
    pub(crate) endpoint: Option<String>,

    /// How OTLP is spoken. Without it, as the variables of OpenTelemetry say, or `http/protobuf`
    /// (beside Locust's own `--otel`, to an endpoint of these variables, `grpc`).
    #[arg(long = "push.otlp.protocol", env = "LOCUST_EXPORTER_PUSH_OTLP_PROTOCOL")]
    #[arg(value_name = "PROTOCOL", value_enum)]
    pub(crate) protocol: Option<ProtocolArg>,

    /// How requests are compressed. Without it, as the variables of OpenTelemetry say, or `gzip`.
    #[arg(long = "push.otlp.compression", env = "LOCUST_EXPORTER_PUSH_OTLP_COMPRESSION")]
    #[arg(value_name = "METHOD", value_enum)]
    pub(crate) compression: Option<CompressionArg>,

    /// An attribute of the resource, beside those of `OTEL_RESOURCE_ATTRIBUTES`. May be given several
    /// times.
    #[arg(long = "push.otlp.resource-attribute", value_name = "KEY=VALUE")]
    #[arg(env = "LOCUST_EXPORTER_PUSH_OTLP_RESOURCE_ATTRIBUTE")]
    #[arg(value_delimiter = ',', value_parser = key_value)]
    pub(crate) resource: Vec<(String, String)>,

    /// How histograms are pushed by OTLP: `explicit` with the classic buckets, `exponential` with
    /// the native ones where there are any. Without it, as the variables of OpenTelemetry say, or
    /// `explicit`.
    #[arg(long = "push.otlp.histogram", env = "LOCUST_EXPORTER_PUSH_OTLP_HISTOGRAM")]
    #[arg(value_name = "KIND", value_enum)]
    pub(crate) histogram: Option<HistogramArg>,
}

#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Push to a Pushgateway")]
pub(crate) struct PushgatewayArgs {
    /// Address of a Pushgateway, without `/metrics/job/…`; `http://` may be left out. Without it
    /// nothing is pushed there.
    #[arg(id = "pushgateway.url", long = "pushgateway.url", value_name = "URL")]
    #[arg(env = "LOCUST_EXPORTER_PUSHGATEWAY_URL")]
    pub(crate) url: Option<String>,

    /// The grouping key's `job`.
    #[arg(id = "pushgateway.job", long = "pushgateway.job", value_name = "NAME")]
    #[arg(env = "LOCUST_EXPORTER_PUSHGATEWAY_JOB", default_value = "locust")]
    pub(crate) job: String,

    /// Time between two pushes to the Pushgateway.
    #[arg(id = "pushgateway.interval", long = "pushgateway.interval", value_name = "DURATION")]
    #[arg(env = "LOCUST_EXPORTER_PUSHGATEWAY_INTERVAL", default_value = "10s")]
    #[arg(value_parser = duration::parse_interval)]
    pub(crate) interval: Duration,

    /// A label of the grouping key, such as `instance=ci-1`. May be given several times.
    #[arg(long = "pushgateway.grouping", env = "LOCUST_EXPORTER_PUSHGATEWAY_GROUPING")]
    #[arg(value_name = "KEY=VALUE", value_delimiter = ',', value_parser = key_value)]
    pub(crate) grouping: Vec<(String, String)>,

    /// Whether a push replaces the whole group, or metrics of the same names alone.
    #[arg(long = "pushgateway.method", env = "LOCUST_EXPORTER_PUSHGATEWAY_METHOD")]
    #[arg(id = "pushgateway.method", value_name = "METHOD", value_enum, default_value = "put")]
    pub(crate) method: MethodArg,

    /// Delete the group at the end, after a last push.
    #[arg(long = "pushgateway.delete-on-exit", env = "LOCUST_EXPORTER_PUSHGATEWAY_DELETE_ON_EXIT")]
    #[arg(action = ArgAction::SetTrue, value_parser = boolean)]
    pub(crate) delete_on_exit: bool,
}

/// Headers, credentials and TLS of a backend: the same options under each backend's name.
macro_rules! backend {
    ($name:ident, $heading:literal, $flags:literal, $variables:literal) => {
        #[derive(Clone, Debug, clap::Args)]
        #[command(next_help_heading = $heading)]
        pub(crate) struct $name {
            #[arg(id = concat!($flags, ".header"), long = concat!($flags, ".header"))]
            #[arg(env = concat!($variables, "_HEADER"), value_name = "NAME=VALUE")]
            #[arg(value_delimiter = ',', value_parser = backend::secret)]
            #[arg(help = "A header of every request, such as X-Scope-OrgID=load. May be given \
                          several times. Others on the machine can read flags")]
            headers: Vec<SecretString>,

            #[arg(id = concat!($flags, ".username"), long = concat!($flags, ".username"))]
            #[arg(env = concat!($variables, "_USERNAME"), value_name = "NAME")]
            #[arg(help = concat!(
                "User name to log in with by basic authentication. The password comes from --",
                $flags, ".password-file or the variable `", $variables, "_PASSWORD`"
            ))]
            username: Option<String>,

            #[arg(id = concat!($flags, ".password-file"), value_name = "FILE")]
            #[arg(long = concat!($flags, ".password-file"))]
            #[arg(env = concat!($variables, "_PASSWORD_FILE"))]
            #[arg(help = "File that holds the password")]
            password_file: Option<PathBuf>,

            #[arg(id = concat!($flags, ".bearer-token-file"), value_name = "FILE")]
            #[arg(long = concat!($flags, ".bearer-token-file"))]
            #[arg(env = concat!($variables, "_BEARER_TOKEN_FILE"))]
            #[arg(help = concat!(
                "File that holds a bearer token; or set the variable `", $variables,
                "_BEARER_TOKEN`"
            ))]
            bearer_token_file: Option<PathBuf>,

            #[arg(id = concat!($flags, ".tls.ca-file"), long = concat!($flags, ".tls.ca-file"))]
            #[arg(env = concat!($variables, "_TLS_CA_FILE"), value_name = "FILE")]
            #[arg(help = "File of certificates (PEM) to verify the backend's with, in place of the \
                          system's")]
            tls_ca_file: Option<PathBuf>,

            #[arg(id = concat!($flags, ".tls.cert-file"))]
            #[arg(long = concat!($flags, ".tls.cert-file"))]
            #[arg(env = concat!($variables, "_TLS_CERT_FILE"), value_name = "FILE")]
            #[arg(help = "File of the certificate (PEM) to show to the backend")]
            tls_cert_file: Option<PathBuf>,

            #[arg(id = concat!($flags, ".tls.key-file"), long = concat!($flags, ".tls.key-file"))]
            #[arg(env = concat!($variables, "_TLS_KEY_FILE"), value_name = "FILE")]
            #[arg(help = "File of the private key (PEM) of that certificate")]
            tls_key_file: Option<PathBuf>,

            #[arg(id = concat!($flags, ".tls.server-name"), value_name = "NAME")]
            #[arg(long = concat!($flags, ".tls.server-name"))]
            #[arg(env = concat!($variables, "_TLS_SERVER_NAME"))]
            #[arg(help = "Name that the backend's certificate must bear, if it is not that of the \
                          address")]
            tls_server_name: Option<String>,

            #[arg(id = concat!($flags, ".tls.insecure-skip-verify"), action = ArgAction::SetTrue)]
            #[arg(long = concat!($flags, ".tls.insecure-skip-verify"))]
            #[arg(env = concat!($variables, "_TLS_INSECURE_SKIP_VERIFY"))]
            #[arg(help = "Do not verify the backend's certificate", value_parser = boolean)]
            tls_insecure_skip_verify: bool,
        }

        impl $name {
            const PASSWORD: (&'static str, &'static str) = (
                concat!($variables, "_PASSWORD"),
                concat!("Password to log in with; --", $flags, ".password-file wins."),
            );
            const BEARER_TOKEN: (&'static str, &'static str) = (
                concat!($variables, "_BEARER_TOKEN"),
                concat!("Bearer token; --", $flags, ".bearer-token-file wins."),
            );

            /// The same as of any backend.
            pub(crate) fn given(&self) -> backend::Backend<'_> {
                backend::Backend {
                    flags: concat!("--", $flags),
                    tls_flags: concat!("--", $flags, ".tls"),
                    password_variable: Self::PASSWORD.0,
                    bearer_token_variable: Self::BEARER_TOKEN.0,
                    headers: &self.headers,
                    username: self.username.as_deref(),
                    password_file: self.password_file.as_deref(),
                    bearer_token_file: self.bearer_token_file.as_deref(),
                    tls: outgoing::Tls {
                        ca_file: self.tls_ca_file.clone(),
                        cert_file: self.tls_cert_file.clone(),
                        key_file: self.tls_key_file.clone(),
                        server_name: self.tls_server_name.clone(),
                        insecure_skip_verify: self.tls_insecure_skip_verify,
                    },
                }
            }
        }
    };
}

backend!(
    RemoteWriteBackend,
    "Push by remote write",
    "push.remote-write",
    "LOCUST_EXPORTER_PUSH_REMOTE_WRITE"
);
backend!(OtlpBackend, "Push by OTLP", "push.otlp", "LOCUST_EXPORTER_PUSH_OTLP");
backend!(PushgatewayBackend, "Push to a Pushgateway", "pushgateway", "LOCUST_EXPORTER_PUSHGATEWAY");

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum VersionArg {
    Auto,
    #[value(name = "1.0")]
    V1,
    #[value(name = "2.0")]
    V2,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum NativeArg {
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProtocolArg {
    Grpc,
    #[value(name = "http/protobuf")]
    Http,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CompressionArg {
    Gzip,
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum HistogramArg {
    Explicit,
    Exponential,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MethodArg {
    Put,
    Post,
}
