//! The tools of a test, or why it is left out.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::{env, thread};

use anyhow::{Context as _, Result, bail, ensure};

use crate::vars;

/// The program that `variable` (of [`vars`]) names; `None` if it is not set, which is said.
///
/// # Errors
///
/// If the program does not exist, or is absent though [`vars::REQUIRE_ALL`] is set.
pub fn find(variable: &str) -> Result<Option<PathBuf>> {
    if let Some(program) = env::var_os(variable).filter(|value| !value.is_empty()) {
        let program = PathBuf::from(program);
        ensure!(program.exists(), "{variable}: there is no {}", program.display());
        return Ok(Some(program));
    }
    if env::var_os(vars::REQUIRE_ALL).is_some_and(|value| value == "1") {
        bail!("{variable} is not set, and nothing may be left out ({}=1)", vars::REQUIRE_ALL);
    }
    left_out(&format!("{variable} is not set; `cargo xtask test` gets the tools and sets it"))?;
    Ok(None)
}

/// Says that the running test is left out. Not through `eprintln!`: of a test that passes, nobody
/// would see it.
fn left_out(why: &str) -> Result<()> {
    let current = thread::current();
    let line = format!("{}: left out: {why}\n", current.name().unwrap_or("a test"));
    io::stderr().write_all(line.as_bytes())?;
    if let Some(list) = env::var_os(vars::LEFT_OUT) {
        let mut file = OpenOptions::new().create(true).append(true).open(&list);
        let file = file.as_mut().map_err(|error| anyhow::anyhow!("{}: {error}", vars::LEFT_OUT))?;
        file.write_all(line.as_bytes()).context(vars::LEFT_OUT)?;
    }
    Ok(())
}
