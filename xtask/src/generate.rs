//! `cargo xtask generate`: what is written by the code itself, so that it cannot go stale.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use e2e::place;

use crate::step::{cargo, output};
use crate::usage;

/// `cargo xtask generate`
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let check = usage::only_flag(arguments, "--check")?;
    let root = place::root();
    let fresh = [
        (root.join("docs/metrics.md"), of_exporter("metrics")?),
        (root.join("docs/options.md"), of_exporter("options")?),
    ];
    let mut stale = Vec::new();
    for (path, fresh) in fresh {
        if path.exists() && read(&path)? == fresh {
            continue;
        }
        stale.push(path.display().to_string());
        if !check {
            fs::write(&path, fresh).with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    match (stale.is_empty(), check) {
        (true, _) => println!("generate: all is fresh"),
        (false, false) => println!("generate: wrote {}", stale.join(", ")),
        (false, true) => bail!("stale: {}; run `cargo xtask generate`", stale.join(", ")),
    }
    Ok(())
}

fn of_exporter(what: &str) -> Result<String> {
    let exporter = ["run", "--quiet", "--package", "locust-exporter", "--"];
    output(cargo().args(exporter).args(["--generate", what]))
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
