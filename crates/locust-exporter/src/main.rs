//! The standalone exporter: asks a running Locust's web API, and shows what it knows as metrics.

#![forbid(unsafe_code)]

mod allow;
mod build;
mod cli;
mod duration;
mod gather;
mod generate;
mod health;
mod kept;
mod log;
mod probe_config;
mod process;
mod progress;
mod run;
mod secret;
mod settings;
mod usage;
mod watch;

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use schema::{Catalog, CatalogError};
use tracing::error;

use crate::cli::Cli;

/// How long work that cannot be interrupted may go on after the end.
const LAST_WORK: Duration = Duration::from_millis(500);

/// The exit status of a usage error.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    match usage::parse(&args).and_then(|cli| prepare(&cli).map(|prepared| (cli, prepared))) {
        Ok((cli, (settings, catalog))) => {
            if let Some(what) = cli.process.generate {
                return match generate::print(what) {
                    Ok(()) => ExitCode::SUCCESS,
                    Err(cause) => complain(&format!("{cause:#}"), ExitCode::FAILURE),
                };
            }
            log::init(cli.process.log_level, cli.process.log_format);
            match serve(settings, catalog) {
                Ok(()) => ExitCode::SUCCESS,
                Err(cause) => {
                    error!("{cause:#}");
                    ExitCode::FAILURE
                }
            }
        }
        Err(line) => complain(&line, ExitCode::from(USAGE)),
    }
}

/// Says what keeps the program from its work, before there is a log.
fn complain(line: &str, code: ExitCode) -> ExitCode {
    // Nothing can be done about a standard error that is closed.
    let _ = writeln!(std::io::stderr(), "locust_exporter: {line}");
    code
}

/// Finds everything wrong with the options before anything is begun.
fn prepare(cli: &Cli) -> Result<(settings::Settings, Catalog), String> {
    let settings = settings::settings(cli)?;
    let catalog = Catalog::new(&settings.schema)
        .map_err(|cause| format!("{}: {cause}", cli.origin.name(flag_at_fault(&cause))))?;
    Ok((settings, catalog))
}

fn flag_at_fault(error: &CatalogError) -> &'static str {
    match error {
        CatalogError::Namespace { .. } => "--locust.namespace",
        CatalogError::Label(_)
        | CatalogError::LabelTwice { .. }
        | CatalogError::LabelTaken { .. } => "--label",
        CatalogError::NoSchema | CatalogError::Clash(_) => "--metrics.schema",
    }
}

fn serve(settings: settings::Settings, catalog: Catalog) -> anyhow::Result<()> {
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        anyhow::bail!("another TLS library has been installed");
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
