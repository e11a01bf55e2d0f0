//! Every option of the standalone exporter, defined once: help, man page, completions, reference and
//! variables come from here, and from `shared.rs`, which has those that both faces know.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Parser, ValueEnum};

use crate::duration;
use crate::push_args::PushArgs;
use crate::shared::{ClientArgs, ListenArgs, MetricsArgs, NameArgs, ServerArgs, boolean};
use crate::usage::Origin;

/// Prometheus exporter for Locust.
///
/// Asks the web API of a running Locust on every scrape and shows what it knows as metrics.
/// Every option is also a variable; flags win over variables, variables over defaults. In a
/// variable, an option that may be given several times is a list with commas.
#[derive(Debug, Parser)]
#[command(name = "locust_exporter", version = crate::build::VERSION, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) locust: LocustArgs,
    #[command(flatten)]
    pub(crate) metrics: MetricsArgs,
    #[command(flatten)]
    pub(crate) web: WebArgs,
    #[command(flatten)]
    pub(crate) push: PushArgs,
    #[command(flatten)]
    pub(crate) process: ProcessArgs,
    #[arg(skip)]
    pub(crate) origin: Origin,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Locust")]
pub(crate) struct LocustArgs {
    /// Address of Locust's web UI, with its base path if it has one. Repeat it to watch several
    /// Locusts: every series then has the label `target`. A user and a password in it are sent as
    /// basic authentication, but others on the machine can read them.
    #[arg(long = "locust.uri", env = "LOCUST_EXPORTER_URI", value_name = "URL")]
    #[arg(value_delimiter = ',', default_value = "http://localhost:8089")]
    pub(crate) uri: Vec<String>,

    /// How long Locust may take to answer a scrape.
    #[arg(long = "locust.timeout", env = "LOCUST_EXPORTER_TIMEOUT", value_name = "DURATION")]
    #[arg(default_value = "5s", value_parser = duration::parse)]
    pub(crate) timeout: Duration,

    #[command(flatten)]
    pub(crate) names: NameArgs,

    /// How to log in when Locust asks for it: `login` by the form of `--web-login`, `basic` by
    /// HTTP basic authentication (Locust up to 2.20, or a proxy before it).
    #[arg(long = "locust.auth", env = "LOCUST_EXPORTER_LOCUST_AUTH", value_name = "METHOD")]
    #[arg(value_enum, default_value = "login")]
    pub(crate) auth: AuthMethod,

    /// User name to log in with. The password comes from --locust.password-file or the variable
    /// `LOCUST_EXPORTER_LOCUST_PASSWORD`.
    #[arg(long = "locust.username", env = "LOCUST_EXPORTER_LOCUST_USERNAME", value_name = "NAME")]
    pub(crate) username: Option<String>,

    /// File that holds the password.
    #[arg(long = "locust.password-file", env = "LOCUST_EXPORTER_LOCUST_PASSWORD_FILE")]
    #[arg(value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,

    /// File that holds a bearer token; or set the variable `LOCUST_EXPORTER_LOCUST_BEARER_TOKEN`.
    #[arg(long = "locust.bearer-token-file", env = "LOCUST_EXPORTER_LOCUST_BEARER_TOKEN_FILE")]
    #[arg(value_name = "FILE")]
    pub(crate) bearer_token_file: Option<PathBuf>,

    /// Response time quantiles: `default` gives 0.5, 0.95 and 0.99, or those that Locust is set
    /// to; `all` gives every one, at the price of one more request to Locust.
    #[arg(long = "locust.quantiles", env = "LOCUST_EXPORTER_LOCUST_QUANTILES")]
    #[arg(value_name = "WHICH", value_enum, default_value = "default")]
    pub(crate) quantiles: QuantilesArg,

    /// File of certificates (PEM) to verify Locust's with, in place of the system's.
    #[arg(long = "locust.tls.ca-file", env = "LOCUST_EXPORTER_LOCUST_TLS_CA_FILE")]
    #[arg(value_name = "FILE")]
    pub(crate) tls_ca_file: Option<PathBuf>,

    /// File of the certificate (PEM) to show to Locust.
    #[arg(long = "locust.tls.cert-file", env = "LOCUST_EXPORTER_LOCUST_TLS_CERT_FILE")]
    #[arg(value_name = "FILE")]
    pub(crate) tls_cert_file: Option<PathBuf>,

    /// File of the private key (PEM) of that certificate.
    #[arg(long = "locust.tls.key-file", env = "LOCUST_EXPORTER_LOCUST_TLS_KEY_FILE")]
    #[arg(value_name = "FILE")]
    pub(crate) tls_key_file: Option<PathBuf>,

    /// Name that Locust's certificate must bear, if it is not that of the address.
    #[arg(long = "locust.tls.server-name", env = "LOCUST_EXPORTER_LOCUST_TLS_SERVER_NAME")]
    #[arg(value_name = "NAME")]
    pub(crate) tls_server_name: Option<String>,

    /// Do not verify Locust's certificate.
    #[arg(long = "locust.tls.insecure-skip-verify", action = ArgAction::SetTrue)]
    #[arg(env = "LOCUST_EXPORTER_LOCUST_TLS_INSECURE_SKIP_VERIFY")]
    #[arg(value_parser = boolean)]
    pub(crate) tls_insecure_skip_verify: bool,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Web")]
pub(crate) struct WebArgs {
    #[command(flatten)]
    pub(crate) listen: ListenArgs,

    /// Listen on the sockets that systemd hands over, in place of --web.listen-address.
    #[arg(long = "web.systemd-socket", env = "LOCUST_EXPORTER_WEB_SYSTEMD_SOCKET")]
    #[arg(action = ArgAction::SetTrue, value_parser = boolean)]
    pub(crate) systemd_socket: bool,

    #[command(flatten)]
    pub(crate) server: ServerArgs,

    /// Let anybody, not only this machine, call `/quitquitquit` and `/-/reload`.
    #[arg(long = "web.enable-lifecycle", env = "LOCUST_EXPORTER_WEB_ENABLE_LIFECYCLE")]
    #[arg(action = ArgAction::SetTrue, value_parser = boolean)]
    pub(crate) enable_lifecycle: bool,

    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Process")]
pub(crate) struct ProcessArgs {
    /// Configuration file for `/probe`: modules and the targets that may be probed. Without it
    /// there is no `/probe`.
    #[arg(long = "config.file", env = "LOCUST_EXPORTER_CONFIG_FILE", value_name = "FILE")]
    pub(crate) probe_file: Option<PathBuf>,

    /// End with 0 once the test has ended and a scrape has shown it, so that a Kubernetes Job can
    /// finish.
    #[arg(long = "exit-after-test", env = "LOCUST_EXPORTER_EXIT_AFTER_TEST")]
    #[arg(action = ArgAction::SetTrue, value_parser = boolean)]
    pub(crate) exit_after_test: bool,

    /// How long --exit-after-test waits for that scrape, or for a Locust that has gone.
    #[arg(long = "exit-after-test.timeout", env = "LOCUST_EXPORTER_EXIT_AFTER_TEST_TIMEOUT")]
    #[arg(value_name = "DURATION", default_value = "1m", value_parser = duration::parse)]
    pub(crate) exit_after_test_timeout: Duration,

    /// Least severe messages to log.
    #[arg(long = "log.level", env = "LOCUST_EXPORTER_LOG_LEVEL", value_name = "LEVEL")]
    #[arg(value_enum, ignore_case = true, default_value = "info")]
    pub(crate) log_level: LogLevel,

    /// How to write them.
    #[arg(long = "log.format", env = "LOCUST_EXPORTER_LOG_FORMAT", value_name = "FORMAT")]
    #[arg(value_enum, ignore_case = true, default_value = "logfmt")]
    pub(crate) log_format: LogFormat,

    /// Print something made from the options and metrics, and end.
    #[arg(long = "generate", value_name = "WHAT", value_enum)]
    pub(crate) generate: Option<Generate>,
}

/// Variables that have no flag, because a command line can be read by others.
pub(crate) const SECRET_VARIABLES: [(&str, &str); 2] = [
    (PASSWORD_VARIABLE, "Password to log in with; --locust.password-file wins."),
    (BEARER_TOKEN_VARIABLE, "Bearer token; --locust.bearer-token-file wins."),
];
pub(crate) const PASSWORD_VARIABLE: &str = "LOCUST_EXPORTER_LOCUST_PASSWORD";
pub(crate) const BEARER_TOKEN_VARIABLE: &str = "LOCUST_EXPORTER_LOCUST_BEARER_TOKEN";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AuthMethod {
    Login,
    Basic,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum QuantilesArg {
    #[default]
    Default,
    All,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevel {
    Debug,
    Info,
    #[value(alias = "warning")]
    Warn,
    // Older Go exporters had a level above it.
    #[value(alias = "fatal")]
    Error,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    // As older Go exporters spelled it, with the target; here it is standard error.
    #[value(aliases = ["logger:stderr", "logger:stdout"])]
    Logfmt,
    #[value(aliases = ["logger:stderr?json=true", "logger:stdout?json=true"])]
    Json,
}

/// What `--generate` can print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Generate {
    /// The manual page.
    Man,
    /// Completions for bash.
    CompleteBash,
    /// Completions for zsh.
    CompleteZsh,
    /// Completions for fish.
    CompleteFish,
    /// The reference of flags and variables of both forms, in Markdown.
    Options,
    /// The reference of metrics, in Markdown.
    Metrics,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn log_flags_of_older_go_exporters_are_understood() {
        let of = |level: &str, format: &str| {
            let cli = Cli::try_parse_from(["x", "--log.level", level, "--log.format", format]);
            cli.map(|cli| (cli.process.log_level, cli.process.log_format)).ok()
        };
        assert_eq!(of("fatal", "logger:stderr"), Some((LogLevel::Error, LogFormat::Logfmt)));
        assert_eq!(of("INFO", "logger:stdout?json=true"), Some((LogLevel::Info, LogFormat::Json)));
        assert_eq!(of("loud", "logfmt"), None);
    }

    #[test]
    fn every_option_is_a_flag_and_a_variable_named_after_it() {
        // The Go exporters named these otherwise.
        let inherited = [
            ("locust.uri", "LOCUST_EXPORTER_URI"),
            ("locust.timeout", "LOCUST_EXPORTER_TIMEOUT"),
            ("locust.namespace", "LOCUST_METRIC_NAMESPACE"),
        ];
        for arg in Cli::command().get_arguments() {
            let flag = arg.get_long().expect("every option has a long flag");
            if ["generate", "help", "version"].contains(&flag) {
                continue;
            }
            let derived =
                format!("LOCUST_EXPORTER_{}", flag.replace(['.', '-'], "_").to_uppercase());
            let expected = inherited.iter().find(|(f, _)| *f == flag).map_or(&*derived, |(_, v)| v);
            assert_eq!(arg.get_env().and_then(|v| v.to_str()), Some(expected), "--{flag}");
        }
    }
}
