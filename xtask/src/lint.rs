//! `cargo xtask lint`: form, lints, dependencies, Python files.

use std::process::Command;

use anyhow::{Result, ensure};
use e2e::place;

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
    let checks: [(&str, Check); 5] = [
        ("form (cargo fmt)", |_| run_command(cargo().args(["fmt", "--all", "--check"]))),
        ("lints (cargo clippy)", |_| {
            let what =
                ["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"];
            run_command(cargo().args(what))
        }),
        ("dependencies (cargo deny)", |_| {
            run_command(cargo_deny()?.args(["bans", "licenses", "sources"]))
        }),
        ("advisories (cargo deny)", advisories),
        ("Python (ruff, mypy)", |_| python()),
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
    let program = match step::output(Command::new("cargo-deny").arg("--version")) {
        Ok(_) => "cargo-deny".into(),
        Err(_) => own_cargo_deny()?,
    };
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

fn own_cargo_deny() -> Result<std::path::PathBuf> {
    let folder = tools::folder("cargo-deny")?;
    let program = folder.join("bin/cargo-deny");
    if !tools::is_complete(&folder, pins::CARGO_DENY) {
        step("installing cargo-deny (some minutes)", || {
            let mut install = cargo();
            install.args(["install", "--quiet", "--locked", "--force", "--root"]).arg(&folder);
            run_command(install.args(["cargo-deny", "--version", pins::CARGO_DENY]))?;
            tools::complete(&folder, pins::CARGO_DENY)
        })?;
    }
    Ok(program)
}

/// Every Python file that git knows, or would know.
fn python() -> Result<()> {
    let list = ["ls-files", "--cached", "--others", "--exclude-standard", "*.py", "*.pyi"];
    let files = step::output(Command::new("git").args(list).current_dir(place::root()))?;
    let files: Vec<_> = files.lines().collect();
    let checkers = tools::environment_with(&pins::PYTHON_LINT)?;
    let locust = tools::environment_with(&pins::LOCUST)?;
    let command = |name: &str| {
        let mut command = Command::new(checkers.join("bin").join(name));
        command.current_dir(place::root());
        command
    };
    run_command(command("ruff").args(["check", "--quiet"]).args(&files))?;
    run_command(command("ruff").args(["format", "--quiet", "--check"]).args(&files))?;
    let mut mypy = command("mypy");
    mypy.arg("--python-executable").arg(locust.join("bin/python"));
    run_command(mypy.args(&files))
}
