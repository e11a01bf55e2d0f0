//! `cargo xtask bench`: what a scrape costs, into `docs/benchmarks.md`.

use std::path::PathBuf;

use anyhow::Result;
use e2e::place;

use crate::step::{cargo, run as run_command, step};
use crate::usage::Usage;

/// `cargo xtask bench`
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let json = match arguments {
        [] => None,
        [flag, path] if flag == "--json" => Some(PathBuf::from(path)),
        _ => return Err(Usage::new("known is --json PATH").into()),
    };
    step("building the exporter and the bench (release)", || {
        run_command(cargo().args(["build", "--quiet", "--release"]).args([
            "--package",
            "locust-exporter",
            "--package",
            "bench",
        ]))
    })?;
    step("measuring", || {
        let mut bench = cargo();
        bench.args(["run", "--quiet", "--release", "--package", "bench", "--"]);
        bench.arg("--exporter").arg(place::target()?.join("release/locust_exporter"));
        bench.arg("--report").arg(place::root().join("docs/benchmarks.md"));
        if let Some(path) = json {
            bench.arg("--json").arg(std::path::absolute(path)?);
        }
        run_command(&mut bench)
    })
}
