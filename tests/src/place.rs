//! Where things lie.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// The root of the checkout.
pub fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// A locustfile of the end-to-end tests.
pub fn locustfile(name: &str) -> PathBuf {
    root().join("tests/locustfiles").join(name)
}

/// Cargo's target directory, wherever the user has put it: the folder above this program that
/// cargo has marked.
///
/// # Errors
///
/// If this program was not built by cargo into a target directory.
pub fn target() -> Result<PathBuf> {
    let program = env::current_exe().context("cannot tell where this program lies")?;
    let marked = program.ancestors().find(|folder| folder.join("CACHEDIR.TAG").exists());
    marked.map(Path::to_path_buf).with_context(|| {
        format!("{} does not lie in a target directory of cargo", program.display())
    })
}

/// An empty folder for what a scenario's processes write. It stays, to be looked at, until the
/// scenario is run again.
///
/// # Errors
///
/// If the folder cannot be made.
pub fn logs(scenario: &str) -> Result<PathBuf> {
    let folder = target()?.join("e2e").join(scenario);
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}
