//! `cargo xtask bench`: what the exporter costs, into `docs/benchmarks.md`.

use std::ffi::OsString;

use anyhow::Result;
use e2e::place;

use crate::package::{self, Profile};
use crate::step::{cargo, run as run_command, step};
use crate::tools::{self, pins};
use crate::usage::Usage;

/// The sections of the report.
const SECTIONS: [&str; 6] = ["outside", "events", "scrapes", "reports", "load", "push"];

/// `cargo xtask bench`
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let chosen = chosen(arguments)?;
    let locust = tools::environment_with(&pins::LOCUST)?.join("bin/locust");
    step("building the exporter and the bench (release)", || {
        run_command(cargo().args(["build", "--quiet", "--release"]).args([
            "--package",
            "locust-exporter",
            "--package",
            "bench",
        ]))
    })?;
    let package =
        step("building the Python package (release)", || package::stage(Profile::Release))?;
    step("measuring", || {
        let mut bench = cargo();
        bench.args(["run", "--quiet", "--release", "--package", "bench", "--"]);
        bench.arg("--exporter").arg(place::target()?.join("release/locust_exporter"));
        bench.arg("--locust").arg(locust).arg("--package").arg(package);
        bench.arg("--report").arg(place::root().join("docs/benchmarks.md"));
        run_command(bench.args(chosen))
    })
}

/// The arguments as the bench takes them.
fn chosen(arguments: &[String]) -> Result<Vec<OsString>> {
    let mut chosen = Vec::new();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match (word.as_str(), words.as_slice()) {
            ("--json", [path, ..]) => {
                chosen.push("--json".into());
                chosen.push(std::path::absolute(path)?.into_os_string());
                words.next();
            }
            (section, _) if SECTIONS.contains(&section) => chosen.push(section.into()),
            (other, _) => {
                let sections = SECTIONS.join(", ");
                let what = format!("unknown argument {other:?}; known are {sections}, --json PATH");
                return Err(Usage::new(what).into());
            }
        }
    }
    Ok(chosen)
}
