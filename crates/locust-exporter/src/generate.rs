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
        Generate::Metrics => out = metrics()?.into_bytes(),
    }
    io::stdout().write_all(&out).context("cannot write to standard output")
}

fn complete(shell: Shell, out: &mut Vec<u8>) {
    clap_complete::generate(shell, &mut Cli::command(), "locust_exporter", out);
}

/// One option in the reference.
struct Row {
    heading: String,
    flag: String,
    variable: String,
    default: String,
    help: String,
}

/// The reference of options.
fn options() -> String {
    let mut text = String::from(
        "# Options\n\nMade by `cargo xtask generate`. Flags win over variables, variables over \
         defaults. In a variable, an option that may be given several times is a list with \
         commas. An empty variable is one that is not set. A variable that begins with \
         `LOCUST_EXPORTER_` and is none of these does nothing, and the log says so.\n\n\
         - [Beside Locust](#beside-locust): those of `locust_exporter`\n\
         - [Inside Locust](#inside-locust): those that Locust has with it, also as keys of \
         `locust.conf` (`exporter-web-listen-address`)\n",
    );
    text.push_str("\n## Beside Locust\n");
    let command = Cli::command();
    tables(&mut text, command.get_arguments().filter_map(beside));
    secrets(
        &mut text,
        SECRET_VARIABLES.into_iter().chain(push_args::SECRET_VARIABLES),
        str::to_owned,
    );
    text.push_str("\n## Inside Locust\n");
    tables(&mut text, inside::options().into_iter().map(within));
    secrets(&mut text, push_args::SECRET_VARIABLES.into_iter(), inside::in_locusts_words);
    text
}

/// Rows of one heading stand together.
fn tables(text: &mut String, rows: impl Iterator<Item = Row>) {
    let mut headings: Vec<(String, Vec<Row>)> = Vec::new();
    for row in rows {
        match headings.iter_mut().find(|(heading, _)| *heading == row.heading) {
            Some((_, rows)) => rows.push(row),
            None => headings.push((row.heading.clone(), vec![row])),
        }
    }
    for (heading, rows) in headings {
        let _ = write!(text, "\n### {heading}\n\n| Flag | Variable | Default | Meaning |\n");
        text.push_str("|---|---|---|---|\n");
        for Row { flag, variable, default, help, .. } in rows {
            let _ = writeln!(text, "| `{flag}` | `{variable}` | {default} | {} |", cell(&help));
        }
    }
}

/// What has no flag.
fn secrets<'a>(
    text: &mut String,
    variables: impl Iterator<Item = (&'a str, &'a str)>,
    worded: impl Fn(&str) -> String,
) {
    text.push_str(
        "\n### Secrets\n\nThey have no flag, because a command line can be read by others.\n\n\
         | Variable | Meaning |\n|---|---|\n",
    );
    for (variable, help) in variables {
        let _ = writeln!(text, "| `{variable}` | {} |", cell(&worded(help)));
    }
}

/// A text within a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// An option of the program; `None` for what has no variable, such as `--help`.
fn beside(arg: &Arg) -> Option<Row> {
    let defaults: Vec<_> =
        arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    let is_switch = matches!(arg.get_action(), ArgAction::SetTrue);
    let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string);
    Some(Row {
        heading: arg.get_help_heading().unwrap_or_default().to_owned(),
        flag: format!("--{}", arg.get_long()?),
        variable: arg.get_env()?.to_string_lossy().into_owned(),
        default: code(if is_switch { &[] } else { &defaults }),
        help: help.unwrap_or_default(),
    })
}

fn within(option: inside::Described) -> Row {
    Row {
        heading: option.heading,
        flag: inside::flag(&option.name),
        variable: option.variable,
        default: code(option.default.as_slice()),
        help: option.help,
    }
}

fn code(values: &[impl std::fmt::Display]) -> String {
    values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_has_a_heading() {
        let command = Cli::command();
        let beside: Vec<_> = command.get_arguments().filter_map(beside).collect();
        let within: Vec<_> = inside::options().into_iter().map(within).collect();
        assert!(beside.len() > 30 && within.len() > 30);
        for Row { flag, heading, .. } in beside.into_iter().chain(within) {
            assert!(!heading.is_empty(), "{flag}");
        }
    }
}
