//! What `--generate` prints: everything that is made from the options and the metrics.

use std::fmt::Write as _;
use std::io::{self, Write};

use anyhow::Context as _;
use clap::{Arg, ArgAction, CommandFactory};
use clap_complete::Shell;
use schema::{Catalog, CatalogError, Description, Schema, View};

use crate::cli::{Cli, Generate, SECRET_VARIABLES};
use crate::{inside, push_args};

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
        Generate::InsideOptions => out = inside_options().into_bytes(),
        Generate::Metrics => out = metrics()?.into_bytes(),
    }
    io::stdout().write_all(&out).context("cannot write to standard output")
}

fn complete(shell: Shell, out: &mut Vec<u8>) {
    clap_complete::generate(shell, &mut Cli::command(), "locust_exporter", out);
}

const TABLE_HEAD: &str = "| Flag | Variable | Default | Meaning |\n|---|---|---|---|\n";

/// The table of flags and variables inside Locust.
fn inside_options() -> String {
    let mut text = String::from(TABLE_HEAD);
    for option in inside::options() {
        let default = option.default.map(|default| format!("`{default}`")).unwrap_or_default();
        let (flag, variable) = (inside::flag(&option.name), option.variable);
        let help = option.help.replace('|', "\\|");
        let _ = writeln!(text, "| `{flag}` | `{variable}` | {default} | {help} |");
    }
    for (variable, help) in push_args::SECRET_VARIABLES {
        let help = inside::in_locusts_words(help);
        let _ = writeln!(text, "| – | `{variable}` | | {help} |");
    }
    text
}

/// The table of flags and variables.
fn options() -> String {
    let mut text = String::from(TABLE_HEAD);
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
    for (variable, help) in SECRET_VARIABLES.into_iter().chain(push_args::SECRET_VARIABLES) {
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
         Locust, or both. The standalone exporter never gives what is known inside alone. A metric \
         of which more is known inside stands twice, and once more where \
         `--metrics.duration-by-status` adds a label. Inside Locust the test's own metrics follow \
         these, by the names that the test gave them.\n",
    );
    let exporter = |schemas: &[Schema]| schemas.len() == Schema::ALL.len();
    let shared = catalogs(&Schema::ALL)?;
    let own: Vec<_> = rows(&shared).into_iter().filter(|row| exporter(row.schemas)).collect();
    section(&mut text, "The exporter's own", &own);
    for schema in Schema::ALL {
        let catalogs = catalogs(&[schema])?;
        let is_own = |name: &str| own.iter().any(|row| row.name == name);
        let rows: Vec<_> = rows(&catalogs).into_iter().filter(|row| !is_own(row.name)).collect();
        section(&mut text, &format!("`{}`", schema.as_str()), &rows);
    }
    Ok(text)
}

/// The metrics of these schemas from everywhere.
fn catalogs(schemas: &[Schema]) -> Result<Vec<Catalog>, CatalogError> {
    let inside = |duration_by_status| View::Inside { duration_by_status };
    let catalog = |view| {
        Catalog::new(&schema::Config { schemas: schemas.to_vec(), view, ..Default::default() })
    };
    [View::Outside, inside(false), inside(true)].into_iter().map(catalog).collect()
}

/// What the catalogs describe, each description once, behind what stands before it in its catalog.
fn rows(catalogs: &[Catalog]) -> Vec<Description<'_>> {
    let mut rows: Vec<Description<'_>> = Vec::new();
    for catalog in catalogs {
        let mut next = 0;
        for row in catalog.describe() {
            // The type in OpenMetrics depends on the other rows; it is not shown.
            let same = |it: &Description<'_>| {
                (it.name, it.kind, &it.labels) == (row.name, row.kind, &row.labels)
            };
            if let Some(at) = rows.iter().position(same) {
                next = at + 1;
            } else {
                let alike = rows.iter().rposition(|it| it.name == row.name);
                next = alike.map_or(next, |at| at + 1);
                rows.insert(next, row);
                next += 1;
            }
        }
    }
    rows
}

fn section(text: &mut String, title: &str, rows: &[Description<'_>]) {
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
