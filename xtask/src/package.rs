//! The Python package as Python imports it: its files, and its Rust half beside them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use e2e::place;

use crate::step::{cargo, run as run_command};

/// The Rust half's crate.
const CRATE: &str = "crates/python/Cargo.toml";
/// A Python without the GIL, as `pyo3` is told of one that is not here.
const FREE_THREADED: &str = "implementation=CPython\n\
    version=3.14\n\
    target_abi=CPython-free_threaded-3.14\n\
    build_flags=Py_GIL_DISABLED\n\
    shared=true\n\
    pointer_width=64\n";
/// What is in `python/`, or below, and is not shipped.
const NOT_SHIPPED: [&str; 2] = ["tests", "__pycache__"];

/// How it is built.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Profile {
    /// Soon built: for tests.
    Dev,
    /// As [`Profile::Dev`], in Python's limited interface: one module for all versions.
    DevAbi3,
    /// As it is shipped: for demo and benchmarks.
    Release,
}

impl Profile {
    /// The folder that cargo builds this profile in.
    fn folder(self) -> &'static str {
        match self {
            Self::Dev | Self::DevAbi3 => "debug",
            Self::Release => "release",
        }
    }
}

/// Builds the Rust half, and answers the folder to give to Python as `PYTHONPATH`:
/// `target/python/`, `target/python-abi3/` or `target/python-release/`.
pub(crate) fn stage(profile: Profile) -> Result<PathBuf> {
    let mut build = cargo();
    build.args(["build", "--quiet", "--lib", "--manifest-path"]).arg(place::root().join(CRATE));
    let stage = match profile {
        Profile::Dev => "python",
        Profile::DevAbi3 => {
            build.args(["--features", "abi3"]);
            "python-abi3"
        }
        Profile::Release => {
            build.arg("--release");
            "python-release"
        }
    };
    run_command(&mut build)?;
    let target = place::target()?;
    let library = target.join(profile.folder()).join("lib_core.so");
    ensure!(library.is_file(), "cargo built no {}", library.display());

    let stage = target.join(stage);
    // Whatever was there: a file that is gone from `python/` must not be imported any more.
    if stage.exists() {
        fs::remove_dir_all(&stage).with_context(|| format!("cannot empty {}", stage.display()))?;
    }
    copy(&place::root().join("python"), &stage)?;
    let core = stage.join("locust_exporter/_core.so");
    fs::copy(&library, &core).with_context(|| format!("cannot make {}", core.display()))?;
    Ok(stage)
}

/// Checks that the Rust half compiles for a Python without the GIL. No such Python is needed
/// for that.
pub(crate) fn check_free_threaded() -> Result<()> {
    // A folder of its own: another Python in the common one would build all of it anew each time.
    let target = place::target()?.join("free-threaded");
    fs::create_dir_all(&target).with_context(|| format!("cannot make {}", target.display()))?;
    let python = target.join("python.txt");
    // Written only where it is another: cargo goes by its time.
    if fs::read_to_string(&python).ok().as_deref() != Some(FREE_THREADED) {
        fs::write(&python, FREE_THREADED)
            .with_context(|| format!("cannot write {}", python.display()))?;
    }
    let mut check = cargo();
    check.args(["check", "--quiet", "--lib", "--manifest-path"]).arg(place::root().join(CRATE));
    run_command(check.arg("--target-dir").arg(&target).env("PYO3_CONFIG_FILE", python))
}

/// Copies what is shipped of a folder.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    let entries = fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))?;
    for entry in entries {
        let entry = entry?;
        if NOT_SHIPPED.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy(&from, &to)?;
        } else {
            fs::copy(&from, &to).with_context(|| format!("cannot make {}", to.display()))?;
        }
    }
    Ok(())
}
