//! The tools that tests, demo and lint use, got into `target/tools/` and kept there.
//!
//! Whatever is there without its stamp was interrupted, and is made anew.

mod apt;
mod debian;
mod lock;
pub(crate) mod pins;
pub(crate) mod venv;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use e2e::{place, vars};

use crate::step::{self, step};
use crate::usage;
use lock::Lock;
use pins::Environment;

/// Variables of the end-to-end tests, and what could not be had.
#[derive(Debug, Default)]
pub(crate) struct Tools {
    /// A variable of [`vars`] and the program it names.
    pub(crate) found: Vec<(&'static str, PathBuf)>,
    /// A tool and why it is absent.
    pub(crate) absent: Vec<(String, String)>,
}

impl Tools {
    /// The `locust` of the newest Locust, in an environment with all that tests in Python need.
    pub(crate) fn locust(&self) -> Option<&Path> {
        let newest = |(variable, _): &&(&str, _)| *variable == pins::LOCUST.variable;
        self.found.iter().find(newest).map(|(_, program)| program.as_path())
    }

    fn note(&mut self, tool: &str, programs: Result<Vec<(&'static str, PathBuf)>>) {
        match programs {
            Ok(programs) => self.found.extend(programs),
            Err(error) => self.absent.push((tool.to_owned(), format!("{error:#}"))),
        }
    }
}

/// `cargo xtask tools`
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    usage::none(arguments)?;
    let tools = for_tests();
    for (variable, program) in &tools.found {
        println!("{variable}={}", program.display());
    }
    if tools.absent.is_empty() {
        return Ok(());
    }
    let absent: Vec<_> = tools.absent.iter().map(|(tool, why)| format!("{tool}: {why}")).collect();
    bail!("not all could be had\n{}", absent.join("\n"))
}

/// Gets everything that the end-to-end tests can use.
pub(crate) fn for_tests() -> Tools {
    let mut tools = Tools::default();
    for environment in pins::LOCUSTS {
        let locust = environment_with(environment).map(|folder| folder.join("bin/locust"));
        tools.note(environment.name, locust.map(|locust| vec![(environment.variable, locust)]));
    }
    let python = venv::python().map(|python| vec![(vars::PYTHON, python.program)]);
    tools.note("python3", python);
    let collector = environment_with(&pins::COLLECTOR).and_then(|folder| venv::rotel(&folder));
    let collector = collector.map(|program| vec![(pins::COLLECTOR.variable, program)]);
    tools.note(pins::COLLECTOR.name, collector);
    for (program, found) in debian::programs() {
        tools.note(program.name, found.map(|path| vec![(program.variable, path)]));
    }
    tools
}

/// The folder of a Python environment, made if need be.
pub(crate) fn environment_with(environment: &Environment) -> Result<PathBuf> {
    let folder = folder(environment.name)?;
    let _lock = Lock::take(&folder)?;
    let python = venv::python()?;
    let content = format!("{}\n{}\n", python.version, environment.packages.join("\n"));
    if is_complete(&folder, &content) {
        return Ok(folder);
    }
    step(&format!("Python environment {}", environment.name), || {
        venv::make(environment, &folder)?;
        complete(&folder, &content)
    })?;
    Ok(folder)
}

/// A subcommand of cargo: the one on PATH or, without it, one that is installed in this version.
///
/// # Errors
///
/// If cargo cannot install it.
pub(crate) fn cargo_program(name: &str, version: &str) -> Result<PathBuf> {
    if step::output(Command::new(name).arg("--version")).is_ok() {
        return Ok(name.into());
    }
    let folder = folder(name)?;
    let _lock = Lock::take(&folder)?;
    let program = folder.join("bin").join(name);
    if !is_complete(&folder, version) {
        step(&format!("installing {name} {version} (some minutes)"), || {
            let mut install = step::cargo();
            install.args(["install", "--quiet", "--locked", "--force", "--root"]).arg(&folder);
            step::run(install.args([name, "--version", version])).with_context(|| {
                format!(
                    "{name} is not on PATH and cannot be installed; `cargo install {name}` says why"
                )
            })?;
            complete(&folder, version)
        })?;
    }
    Ok(program)
}

/// The place of a tool.
pub(crate) fn folder(name: &str) -> Result<PathBuf> {
    let tools = place::target()?.join("tools");
    fs::create_dir_all(&tools).with_context(|| format!("cannot make {}", tools.display()))?;
    Ok(tools.join(name))
}

fn stamp(folder: &Path) -> PathBuf {
    folder.join("complete.stamp")
}

/// Whether `folder` was made to its end, of `content`.
pub(crate) fn is_complete(folder: &Path, content: &str) -> bool {
    fs::read_to_string(stamp(folder)).is_ok_and(|found| found == content)
}

/// Marks `folder` as made to its end, of `content`.
pub(crate) fn complete(folder: &Path, content: &str) -> Result<()> {
    fs::write(stamp(folder), content).context("cannot write the stamp")
}

/// An empty `folder`, whatever was there before.
fn empty(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))
}
