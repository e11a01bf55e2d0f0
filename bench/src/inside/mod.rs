//! The exporter inside Locust, beside the goals it was built to.

pub(crate) mod events;
pub(crate) mod load;
pub(crate) mod reports;
pub(crate) mod scrapes;

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde::de::DeserializeOwned;

use crate::section::Means;

/// A script of `bench/python`, to be run by Locust's Python.
fn script(means: &Means, name: &str) -> Result<Command> {
    let mut command = Command::new(means.locust()?.with_file_name("python"));
    let script = e2e::place::root().join("bench/python").join(name);
    command.arg(script).env("PYTHONPATH", means.package()?);
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONHASHSEED", "0");
    Ok(command)
}

/// Runs a script to its end, and reads its last line.
fn result<T: DeserializeOwned>(command: &mut Command) -> Result<T> {
    let script = command.get_args().next().map(Path::new).and_then(Path::file_name);
    let script = script.unwrap_or_default().to_string_lossy().into_owned();
    let output = command.stderr(Stdio::inherit()).output().context("cannot start Python")?;
    ensure!(output.status.success(), "{script}: {}", output.status);
    let text = String::from_utf8(output.stdout)?;
    let line = text.lines().last().with_context(|| format!("{script} says nothing"))?;
    serde_json::from_str(line).with_context(|| format!("{script}: {line}"))
}

/// How a figure stands to its goal.
fn holds(does: bool) -> &'static str {
    if does { "yes" } else { "**no**" }
}
