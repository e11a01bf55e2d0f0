//! Python environments.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::pins::Environment;
use crate::step;

/// The oldest Python on which all of our pins install.
const OLDEST: (u32, u32) = (3, 10);

/// The user's Python.
#[derive(Debug)]
pub(crate) struct Python {
    /// Its version and where it lies: what an environment is bound to.
    pub(crate) version: String,
    /// Its program.
    pub(crate) program: PathBuf,
}

/// Finds `python3` on PATH, with what environments need.
pub(crate) fn python() -> Result<Python> {
    let ask = "import sys; print(*sys.version_info[:2], sys.version.split()[0], sys.executable)";
    let answer = step::output(Command::new("python3").args(["-c", ask])).context(
        "Python is needed; install python3 and its venv module (Debian, Ubuntu: python3-venv)",
    )?;
    let mut words = answer.split_whitespace();
    let mut number = || words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
    let found = (number(), number());
    ensure!(
        found >= OLDEST,
        "python3 is {}.{}; {}.{} or newer is needed",
        found.0,
        found.1,
        OLDEST.0,
        OLDEST.1
    );
    step::output(Command::new("python3").args(["-c", "import venv, ensurepip"])).context(
        "python3 cannot make environments: it lacks venv or ensurepip; \
         install them (Debian, Ubuntu: python3-venv)",
    )?;
    let version = answer.trim().to_owned();
    let program = version.splitn(4, ' ').nth(3).context("python3 does not say where it lies")?;
    Ok(Python { program: program.into(), version })
}

/// Where the library of `python3` lies, if it has one (Debian, Ubuntu: python3-dev): what a program
/// links with that brings its Python along.
pub(crate) fn library() -> Result<PathBuf> {
    let ask = "import sysconfig; print(*sysconfig.get_config_vars('LIBDIR', 'LDLIBRARY'), sep='/')";
    let answer = step::output(Command::new("python3").args(["-c", ask]))?;
    Ok(answer.trim().into())
}

/// Makes an environment with what its pins say, in an emptied `folder`.
pub(crate) fn make(environment: &Environment, folder: &Path) -> Result<()> {
    super::empty(folder)?;
    step::output(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
    // Which index, proxy or certificates: pip's own configuration says.
    step::output(
        Command::new(folder.join("bin/python"))
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .args(environment.packages),
    )
    .context("pip cannot install what is pinned; is its index reachable?")?;
    Ok(())
}

/// The collector's binary in its environment: its package has it among its own files.
pub(crate) fn rotel(folder: &Path) -> Result<PathBuf> {
    let versions = fs::read_dir(folder.join("lib")).context("the environment has no lib")?;
    let mut programs =
        versions.flatten().map(|version| version.path().join("site-packages/rotel/rotel-agent"));
    programs.find(|program| program.is_file()).context("the package rotel has no rotel-agent")
}
