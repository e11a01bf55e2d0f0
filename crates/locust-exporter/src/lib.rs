//! The standalone exporter: asks a running Locust's web API, and shows what it knows as metrics.
//!
//! A library so that the Python wheel has the same command line ([`main`]), and the exporter inside
//! Locust the same options ([`inside`]).

#![forbid(unsafe_code)]

mod allow;
mod at_fault;
mod build;
mod cli;
mod duration;
mod files;
mod gather;
mod generate;
mod health;
pub mod inside;
mod kept;
mod log;
mod probe_config;
mod process;
mod progress;
mod push_args;
pub mod pushing;
mod quota;
mod run;
mod secret;
mod settings;
mod shared;
mod usage;
mod variables;
mod watch;

use std::ffi::OsString;
use std::io::Write as _;
use std::time::Duration;

use anyhow::Context as _;
use schema::Catalog;
use tracing::{error, warn};

pub use build::INFO as BUILD;
pub use variables::misspelt as misspelt_variables;

use crate::cli::Cli;
use crate::run::Failure;
use crate::usage::Stop;

/// How long work that cannot be interrupted may go on after the end.
const LAST_WORK: Duration = Duration::from_millis(500);

const SUCCESS: u8 = 0;
const FAILURE: u8 = 1;
/// The exit status of a usage error: a mistake in the options, or in a file that they name.
const USAGE: u8 = 2;

/// Runs the command line until it is told to end; `args` begin with the program's name. Answers the
/// exit status: 0, 1 for what failed, 2 for wrong usage, of which one line stands on standard error.
pub fn main(args: &[OsString]) -> u8 {
    let cli = match usage::parse(args) {
        Ok(cli) => cli,
        Err(Stop::Told) => return SUCCESS,
        Err(Stop::Wrong(line)) => return complain(&line, USAGE),
    };
    // Before any secret is read.
    process::forbid_core_dumps();
    let (settings, catalog) = match prepare(&cli) {
        Ok(prepared) => prepared,
        Err(line) => return complain(&cli.origin.in_given_words(&line), USAGE),
    };
    if let Some(what) = cli.process.generate {
        return match generate::print(what) {
            Ok(()) => SUCCESS,
            Err(cause) => complain(&format!("{cause:#}"), FAILURE),
        };
    }
    log::init(cli.process.log_level, cli.process.log_format);
    for line in misspelt_variables() {
        warn!("{line}");
    }
    match serve(settings, catalog) {
        Ok(()) => SUCCESS,
        Err(failure) => {
            let (cause, code) = match failure {
                Failure::Options(cause) => (cause, USAGE),
                Failure::System(cause) => (cause, FAILURE),
            };
            error!("{}", cli.origin.in_given_words(&format!("{cause:#}")));
            code
        }
    }
}

/// Says what keeps the program from its work, before there is a log.
fn complain(line: &str, code: u8) -> u8 {
    // Nothing can be done about a standard error that is closed.
    let _ = writeln!(std::io::stderr(), "locust_exporter: {line}");
    code
}

/// Finds everything wrong with the options before anything is begun.
fn prepare(cli: &Cli) -> Result<(settings::Settings, Catalog), String> {
    let settings = settings::settings(cli)?;
    let catalog = Catalog::new(&settings.schema)
        .map_err(|cause| format!("{}: {cause}", cli.origin.name(shared::flag_at_fault(&cause))))?;
    Ok((settings, catalog))
}

fn serve(settings: settings::Settings, catalog: Catalog) -> Result<(), Failure> {
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        return Err(anyhow::anyhow!("another TLS library has been installed").into());
    }
    process::raise_file_limit();
    process::keep_freed_memory();
    // One thread: a scrape is short, and one thread costs less CPU and memory than several.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot begin to work")?;
    let result = runtime.block_on(run::run(settings, catalog));
    // A password that is being hashed cannot be interrupted, and nobody waits for it any more.
    runtime.shutdown_timeout(LAST_WORK);
    result
}
