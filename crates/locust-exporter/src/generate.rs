//! What `--generate` prints: everything that is made from the options and the metrics.

use std::fmt::Write as _;
use std::io::{self, Write};

use anyhow::Context as _;
use clap::{Arg, ArgAction, CommandFactory};
use clap_complete::Shell;
use schema::{Catalog, Schema};

use crate::cli::{Cli, Generate, SECRET_VARIABLES};

/// Prints it.
///
/// # Errors
///
/// If standard output cannot be written.
pub(crate) fn print(what: Generate) -> anyhow::Result<()> {
    let mut out = Vec::new();
    match what {
        Generate::Man => clap_mangen::Man::new(Cli::command()).render(&mut out)?,
        Generate::CompleteBash => complete(Shell::Bash, &mut out),
        Generate::CompleteZsh => complete(Shell::Zsh, &mut out),
        Generate::CompleteFish => complete(Shell::Fish, &mut out),
        Generate::Options => out = options().into_bytes(),
        Generate::Metrics => out = metrics()?.into_bytes(),
    }
    io::stdout().write_all(&out).context("cannot write to standard output")
}

fn complete(shell: Shell, out: &mut Vec<u8>) {
    clap_complete::generate(shell, &mut Cli::command(), "locust_exporter", out);
}

/// The table of flags and variables.
fn options() -> String {
    let mut text = String::from("| Flag | Variable | Default | Meaning |\n|---|---|---|---|\n");
    let command = Cli::command();
    for arg in command.get_arguments() {
        let (Some(flag), Some(variable)) = (arg.get_long(), arg.get_env()) else {
            continue;
        };
        let default = arg
            .get_default_values()
            .iter()
            .map(|value| format!("`{}`", value.to_string_lossy()))
            .collect::<Vec<_>>()
            .join(", ");
        let default = if matches!(arg.get_action(), ArgAction::SetTrue) { "" } else { &*default };
        let variable = variable.to_string_lossy();
        let _ = writeln!(text, "| `--{flag}` | `{variable}` | {default} | {} |", help(arg));
    }
    for (variable, help) in SECRET_VARIABLES {
        let _ = writeln!(text, "| – | `{variable}` | | {help} |");
    }
    text
}

fn help(arg: &Arg) -> String {
    let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string);
    help.unwrap_or_default().replace('|', "\\|").replace('\n', " ")
}

/// The reference of metrics.
fn metrics() -> anyhow::Result<String> {
    let mut text = String::from(
        "# Metrics\n\nMade by `cargo xtask generate` from the schemas' tables. \
         `--metrics.schema` chooses among them; the first table stands under every schema.\n\n\
         Known says who can know a value: the standalone exporter (outside), an exporter inside \
         Locust, or both. The standalone exporter never gives what is known inside alone.\n",
    );
    let exporter = |schemas: &[Schema]| schemas.len() == Schema::ALL.len();
    let config = |schemas: Vec<Schema>| schema::Config { schemas, ..schema::Config::default() };
    let shared = Catalog::new(&config(Schema::ALL.to_vec()))?;
    section(&mut text, "The exporter's own", shared.describe().filter(|d| exporter(d.schemas)));
    for schema in Schema::ALL {
        let catalog = Catalog::new(&config(vec![schema]))?;
        let own: Vec<_> =
            shared.describe().filter(|d| exporter(d.schemas)).map(|d| d.name.to_string()).collect();
        let rows = catalog.describe().filter(|d| !own.contains(&d.name.to_string()));
        section(&mut text, &format!("`{}`", schema.as_str()), rows);
    }
    Ok(text)
}

fn section<'a>(
    text: &mut String,
    title: &str,
    rows: impl Iterator<Item = schema::Description<'a>>,
) {
    let _ = writeln!(
        text,
        "\n## {title}\n\n| Metric | Type | Labels | Known | Meaning |\n|---|---|---|---|---|"
    );
    for row in rows {
        let labels = row.labels.join(", ");
        let kind = format!("{:?}", row.kind).to_lowercase();
        let help = row.help.replace('|', "\\|");
        let (name, known) = (row.name, row.source.as_str());
        let _ = writeln!(text, "| `{name}` | {kind} | {labels} | {known} | {help} |");
    }
}
