//! `cargo xtask lint`: form, lints, dependencies, Python files.

use std::process::Command;

use anyhow::{Result, ensure};
use e2e::place;

use crate::package::{self, Profile};
use crate::step::{self, cargo, run as run_command, step};
use crate::tools::{self, pins};
use crate::usage;

/// What cargo-deny says where it cannot get the advisories.
const UNREACHED: &str = "failed to fetch advisory database";

/// A check, told whether it must be made.
type Check = fn(bool) -> Result<()>;

/// `cargo xtask lint`
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let require_all = usage::only_flag(arguments, "--require-all")?;
    let checks: [(&str, Check); 6] = [
        ("form (cargo fmt)", |_| run_command(cargo().args(["fmt", "--all", "--check"]))),
        ("lints (cargo clippy)", |_| {
            let what =
                ["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"];
            run_command(cargo().args(what))
        }),
        ("Python without the GIL (cargo check)", |_| package::check_free_threaded()),
        ("dependencies (cargo deny)", |_| {
            run_command(cargo_deny()?.args(["bans", "licenses", "sources"]))
        }),
        ("advisories (cargo deny)", advisories),
        ("Python (ruff, mypy, stubtest)", |_| python()),
    ];
    // All of them, so that one look shows all there is to do.
    let mut failed = Vec::new();
    for (name, check) in checks {
        if let Err(error) = step(name, || check(require_all)) {
            eprintln!("!!! {name}: {error:#}");
            failed.push(name);
        }
    }
    ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    println!("lint: all is well");
    Ok(())
}

/// `cargo deny check`, whose rules are in `deny.toml`; what to check is to be added.
fn cargo_deny() -> Result<Command> {
    let program = tools::cargo_program("cargo-deny", pins::CARGO_DENY)?;
    let mut command = Command::new(program);
    command.current_dir(place::root()).args(["--log-level=error", "--all-features", "check"]);
    Ok(command)
}

/// The advisories are fetched, so they can be checked only where their database is reached.
fn advisories(require_all: bool) -> Result<()> {
    match step::output(cargo_deny()?.arg("advisories")) {
        Err(error) if !require_all && error.to_string().contains(UNREACHED) => {
            eprintln!("!!! left out: the advisories' database on GitHub is not reached");
            Ok(())
        }
        checked => checked.map(drop),
    }
}

/// Every Python file that git knows, or would know; and the Rust half against its stub.
fn python() -> Result<()> {
    let list = ["ls-files", "--cached", "--others", "--exclude-standard", "*.py", "*.pyi"];
    let mut git = Command::new("git");
    // The snippets stand as others have published them.
    git.args(list).arg(":!tests/snippets").current_dir(place::root());
    let files = step::output(&mut git)?;
    let files: Vec<_> = files.lines().collect();
    let checkers = tools::environment_with(&pins::PYTHON_LINT)?;
    let command = |name: &str| {
        let mut command = Command::new(checkers.join("bin").join(name));
        command.current_dir(place::root());
        command
    };
    run_command(command("ruff").args(["check", "--quiet"]).args(&files))?;
    run_command(command("ruff").args(["format", "--quiet", "--check"]).args(&files))?;
    run_command(command("mypy").args(&files))?;
    // It imports the package, and compares what it finds with what the stub says.
    let package = package::stage(Profile::Dev)?;
    let mut stubtest = command("python");
    stubtest.args(["-m", "mypy.stubtest", "--mypy-config-file", "mypy.ini"]);
    run_command(stubtest.arg("locust_exporter._core").env("PYTHONPATH", package))
}
