//! The options of the exporter inside Locust. There they are arguments of Locust's:
//! `--web.telemetry-path` is `--exporter-web-telemetry-path`; the variables are the same.
//!
//! Flags, variables and their order of precedence are read by Locust's own parser; here is what an
//! option means, and whether its value can be one.

use std::ffi::OsString;
use std::time::Duration;

use clap::{Arg, ArgAction, Args as _, Command, FromArgMatches as _};
use schema::{Catalog, View};

use crate::push_args::{self, PushArgs};
use crate::pushing::Plan;
use crate::shared::{self, ClientArgs, ListenArgs, MetricsArgs, NameArgs, ServerArgs, boolean};
use crate::usage::{self, Origin};
use crate::{duration, secret};

/// The binary also gives the schema `classic`, since it replaces the Go exporters. Inside Locust
/// there is nothing to replace, and a second schema doubles sums over metric names.
const DEFAULT_SCHEMA: &str = "standard";

/// Fewer than in the binary: inside Locust every name has a histogram.
const DEFAULT_MAX_NAMES: &str = "5000";

/// Everything that can be set inside Locust.
#[derive(Debug, clap::Args)]
struct Inside {
    #[command(flatten)]
    names: NameArgs,
    #[command(flatten)]
    metrics: MetricsArgs,

    /// Upper bounds of the classic buckets of response times, in seconds. Workers take their
    /// master's.
    #[arg(help_heading = "Metrics")]
    #[arg(long = "metrics.buckets", env = "LOCUST_EXPORTER_METRICS_BUCKETS")]
    #[arg(value_name = "SECONDS", value_delimiter = ',', value_parser = bucket)]
    #[arg(default_value = "0.004,0.0065,0.025,0.075,0.15,0.3,0.5,1,2.5,5,20,120")]
    buckets: Vec<f64>,

    /// Keep response times apart by status. Workers do as their master.
    #[arg(help_heading = "Metrics")]
    #[arg(long = "metrics.duration-by-status", env = "LOCUST_EXPORTER_METRICS_DURATION_BY_STATUS")]
    #[arg(action = ArgAction::SetTrue, value_parser = boolean)]
    duration_by_status: bool,

    /// Give a sample `_created` for every counter and histogram in OpenMetrics: one more series
    /// each.
    #[arg(help_heading = "Metrics")]
    #[arg(long = "metrics.created", env = "LOCUST_EXPORTER_METRICS_CREATED")]
    #[arg(action = ArgAction::SetTrue, value_parser = boolean)]
    created: bool,

    #[command(flatten)]
    listen: ListenArgs,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    client: ClientArgs,

    #[command(flatten)]
    push: PushArgs,

    /// Let a worker, too, push what it records itself, under an instance of its own. Without it the
    /// master alone pushes, what all workers have recorded.
    #[arg(help_heading = "Push")]
    #[arg(long = "push.workers", env = "LOCUST_EXPORTER_PUSH_WORKERS")]
    #[arg(action = ArgAction::SetTrue, value_parser = boolean)]
    push_workers: bool,

    /// Name of the plan that the test belongs to: a label of `locust_info`. The first locustfile's
    /// name where it is not given.
    #[arg(help_heading = "Process")]
    #[arg(long = "testplan", env = "LOCUST_EXPORTER_TESTPLAN", value_name = "NAME")]
    testplan: Option<String>,

    /// How long Locust waits at its end for a scrape of the last numbers; 0s is not at all.
    #[arg(help_heading = "Process")]
    #[arg(long = "last-scrape-timeout", env = "LOCUST_EXPORTER_LAST_SCRAPE_TIMEOUT")]
    #[arg(value_name = "DURATION", default_value = "0s", value_parser = duration::parse_or_zero)]
    last_scrape_timeout: Duration,
}

/// An option, as whoever reads command lines needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// Its name: `web.telemetry-path`.
    pub name: String,
    /// Its variable: `LOCUST_EXPORTER_WEB_TELEMETRY_PATH`.
    pub variable: String,
    /// What it means.
    pub help: String,
    /// What it is about: those of one heading belong together.
    pub heading: String,
    /// What its value is called; a switch has none.
    pub metavar: Option<String>,
    /// Its default as it would be written.
    pub default: Option<String>,
    /// Whether it may be given several times: a list with commas in the variable.
    pub repeated: bool,
}

/// Every option, in the order of the help.
pub fn options() -> Vec<Described> {
    command_with_variables().get_arguments().filter_map(describe).collect()
}

/// The options as clap reads them, with the defaults that differ inside Locust.
fn command_with_variables() -> Command {
    Inside::augment_args(Command::new("locust"))
        .mut_arg("schema", |arg| arg.default_value(DEFAULT_SCHEMA))
        .mut_arg("max_names", |arg| arg.default_value(DEFAULT_MAX_NAMES))
}

fn describe(arg: &Arg) -> Option<Described> {
    let is_switch = matches!(arg.get_action(), ArgAction::SetTrue);
    let defaults: Vec<_> =
        arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
    // clap takes a full stop away where it is the only one.
    let help = if help.ends_with(['.', ')']) { help } else { format!("{help}.") };
    let metavar = arg.get_value_names().and_then(|names| names.first()).map(ToString::to_string);
    Some(Described {
        name: arg.get_long()?.to_owned(),
        variable: arg.get_env()?.to_string_lossy().into_owned(),
        help: in_locusts_words(&help.replace('\n', " ")),
        heading: arg.get_help_heading().unwrap_or_default().to_owned(),
        metavar: metavar.filter(|_| !is_switch),
        default: (!is_switch && !defaults.is_empty()).then(|| defaults.join(",")),
        repeated: matches!(arg.get_action(), ArgAction::Append),
    })
}

/// The flag that an option has among Locust's arguments.
pub fn flag(name: &str) -> String {
    format!("--exporter-{}", name.replace('.', "-"))
}

/// A text in which flags are named as they are inside Locust.
pub fn in_locusts_words(text: &str) -> String {
    let mut text = text.to_owned();
    if !text.contains("--") {
        return text;
    }
    let command = command_with_variables();
    let mut names: Vec<_> = command.get_arguments().filter_map(Arg::get_long).collect();
    // The longer first: one may begin with another.
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    for name in names {
        text = text.replace(&format!("--{name}"), &flag(name));
        // Several of them as one: `--push.otlp.*`.
        let mut group = name;
        while let Some((shorter, _)) = group.rsplit_once('.') {
            text = text.replace(&format!("--{shorter}.*"), &format!("{}-*", flag(shorter)));
            group = shorter;
        }
    }
    text
}

/// What was given for an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// A switch.
    Switch(bool),
    /// Its values, one for each time it was given.
    Texts(Vec<String>),
}

/// Everything that the options say, checked.
#[derive(Debug)]
pub struct Settings {
    /// How metrics are named.
    pub schema: schema::Config,
    /// The metrics, so named.
    pub catalog: Catalog,
    /// How they are served; without an address to listen on, which depends on Locust's role.
    pub web: web::Config,
    /// What is recorded. Which percentiles there are is Locust's to say.
    pub recorder: recorder::Config,
    /// The plan that the test belongs to.
    pub testplan: Option<String>,
    /// How long Locust waits at its end for a last scrape.
    pub last_scrape_timeout: Duration,
}

/// Checks the options, each by its name.
///
/// # Errors
///
/// One line that names the flag, the value, and what is accepted.
pub fn settings(given: &[(String, Given)]) -> Result<Settings, String> {
    check(given).map_err(|line| in_locusts_words(&line))
}

fn check(given: &[(String, Given)]) -> Result<Settings, String> {
    let origin = origin(given);
    let inside = parse(given, &origin)?;
    // Which addresses there are is decided elsewhere, but they are refused here.
    inside.listen.addresses(&origin)?;
    let schema = schema::Config {
        view: View::Inside { duration_by_status: inside.duration_by_status },
        ..shared::schema(&inside.names, &inside.metrics, &origin)?
    };
    let catalog = Catalog::new(&schema)
        .map_err(|cause| format!("{}: {cause}", origin.name(shared::flag_at_fault(&cause))))?;
    let recorder = recorder::Config {
        bounds: inside.metrics.bounds(),
        buckets: inside.buckets,
        by_status: inside.duration_by_status,
        ..recorder::Config::default()
    };
    recorder.check().map_err(|cause| format!("{}: {cause}", origin.name("--metrics.buckets")))?;
    Ok(Settings {
        schema,
        catalog,
        web: web::Config {
            lifecycle: web::Lifecycle::Nobody,
            created: inside.created,
            ..shared::web(&inside.server, &inside.client)
        },
        recorder,
        testplan: inside.testplan.filter(|name| !name.is_empty()),
        last_scrape_timeout: inside.last_scrape_timeout,
    })
}

/// What this process pushes where. Secrets are read here, from files and
/// variables.
///
/// `listen` are the addresses that are listened on, and `worker` is the id of a worker, which pushes
/// only where it is told to. `with_otel` says whether Locust runs with its own `--otel`.
///
/// # Errors
///
/// One line that names the flag, the value, and what is accepted.
pub fn push(
    given: &[(String, Given)],
    listen: &[String],
    worker: Option<&str>,
    with_otel: bool,
) -> Result<Plan, String> {
    let origin = origin(given);
    let inside = parse(given, &origin).map_err(|line| in_locusts_words(&line))?;
    if worker.is_some() && !inside.push_workers {
        return Ok(Plan::default());
    }
    let first = listen.first().and_then(|address| address.trim().parse::<web::Listen>().ok());
    let plan = push_args::settings(&push_args::Given {
        args: &inside.push,
        origin: &origin,
        port: first.map(|address| address.port()).filter(|port| *port != 0),
        one_of_many: worker,
        with_otel,
        variables: &push_args::variable,
    });
    plan.map_err(|line| in_locusts_words(&line))
}

/// Which options were given by their variables: Locust's parser does not say, but an option whose
/// value is that of its variable was given by it, whatever else said the same.
fn origin(given: &[(String, Given)]) -> Origin {
    let options = options();
    let by_variable = given.iter().filter_map(|(name, value)| {
        let Described { variable, .. } = options.iter().find(|option| option.name == *name)?;
        let set = std::env::var(variable).ok().filter(|set| value.is(set))?;
        (!set.is_empty()).then(|| (format!("--{name}"), format!("variable {variable}")))
    });
    Origin::new(by_variable.collect())
}

impl Given {
    /// Whether it is what a variable of this value gives.
    fn is(&self, variable: &str) -> bool {
        match self {
            Self::Switch(on) => boolean(variable).is_ok_and(|set| set == *on),
            Self::Texts(texts) => {
                let parts = variable.split(',').map(str::trim).filter(|part| !part.is_empty());
                texts.iter().map(String::as_str).eq(parts) || *texts == [variable]
            }
        }
    }
}

fn parse(given: &[(String, Given)], origin: &Origin) -> Result<Inside, String> {
    let mut args = vec![OsString::from("locust")];
    for (name, value) in given {
        match value {
            Given::Switch(on) => args.push(format!("--{name}={on}").into()),
            Given::Texts(texts) => {
                args.extend(texts.iter().map(|text| format!("--{name}={text}").into()));
            }
        }
    }
    let matches = command().try_get_matches_from(&args);
    matches
        .and_then(|matches| Inside::from_arg_matches(&matches))
        .map_err(|error| secret::without_credentials(&line(&error, origin)))
}

/// What is wrong with a value, named as it was given.
fn line(error: &clap::Error, origin: &Origin) -> String {
    let flag = usage::invalid_arg(error).and_then(|shown| shown.split_whitespace().next());
    let written = flag.map(|flag| origin.name(flag));
    match written.as_deref().and_then(|written| written.strip_prefix("variable ")) {
        Some(variable) => usage::line_of_variable(error, variable),
        None => usage::line(error),
    }
}

/// The options as flags that all take a value: a switch too, since its variable may have held one
/// that is none. Variables have been read already.
fn command() -> Command {
    command_with_variables().disable_help_flag(true).mut_args(|arg| {
        let is_switch = matches!(arg.get_action(), ArgAction::SetTrue);
        let arg = arg.env(None::<&str>);
        if is_switch { arg.action(ArgAction::Set).num_args(1).default_value("false") } else { arg }
    })
}

fn bucket(text: &str) -> Result<f64, String> {
    let number = text.trim().parse().ok().filter(|bound: &f64| bound.is_finite() && *bound > 0.0);
    number.ok_or_else(|| "expected numbers of seconds above 0, such as 0.1,0.5,1".to_owned())
}

#[cfg(test)]
mod tests;
