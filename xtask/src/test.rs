//! `cargo xtask test`: everything that tests, with the real servers it needs.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use e2e::{place, vars};

use crate::package::{self, Profile};
use crate::step::{cargo, run as run_command, step};
use crate::tools::{self, Tools, venv};
use crate::usage::Usage;

/// The package's own tests.
const PYTHON_TESTS: &str = "python/tests";

/// Real Locusts in every mode.
const MODES_TESTS: &str = "tests/modes";

/// What the command line says.
#[derive(Default)]
struct Flags {
    /// Whether an absent tool is a failure.
    require_all: bool,
    /// Whether what takes long is tested in full.
    full: bool,
}

impl Flags {
    fn parse(words: &[String]) -> Result<Self> {
        let mut flags = Self::default();
        for word in words {
            match word.as_str() {
                "--require-all" => flags.require_all = true,
                "--full" => flags.full = true,
                _ => {
                    let text =
                        format!("unknown argument {word:?}; known are --require-all, --full");
                    return Err(Usage::new(text).into());
                }
            }
        }
        Ok(flags)
    }
}

/// `cargo xtask test`
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let end = arguments.iter().position(|word| word == "--").unwrap_or(arguments.len());
    let Flags { require_all, full } = Flags::parse(&arguments[..end])?;
    let for_cargo = arguments.get(end + 1..).unwrap_or_default();

    let start = Instant::now();
    let tools = tools::for_tests();
    for (tool, why) in &tools.absent {
        eprintln!("!!! {tool} cannot be had: {why}");
    }
    if require_all && !tools.absent.is_empty() {
        bail!("--require-all: {} tools cannot be had", tools.absent.len());
    }
    step("building the exporter", build_exporter)?;
    let package = step("building the Python package", || package::stage(Profile::Dev))?;
    let pytest = "pytest python/tests";
    let in_python = with_locust(&tools, pytest, |locust| {
        test_python(locust, &package, &[PYTHON_TESTS.to_owned()])
    });
    let python_took = start.elapsed();
    let modes = "pytest tests/modes";
    let in_modes = with_locust(&tools, modes, |locust| test_modes(locust, &package, &tools, full));
    let modes_took = start.elapsed();
    let abi3 = "pytest python/tests/test_core_* (abi3)";
    let in_abi3 = with_locust(&tools, abi3, |locust| {
        test_python(locust, &package::stage(Profile::DevAbi3)?, &tests_of_core()?)
    });
    let abi3_took = start.elapsed();
    let left_out = left_out_file()?;
    let embed = "cargo test --package python --features embed";
    let in_embed = step(embed, || test_embedded(&left_out, require_all));
    let embed_took = start.elapsed();
    let cargo_test = "cargo test --workspace";
    let in_rust = step(cargo_test, || {
        let mut cargo = cargo();
        cargo.args(["test", "--workspace"]).args(for_cargo);
        cargo.env(vars::EXPORTER, place::target()?.join("debug/locust_exporter"));
        cargo
            .env(vars::PACKAGE, &package)
            .env(vars::LEFT_OUT, &left_out)
            .env(vars::REQUIRE_ALL, u8::from(require_all).to_string());
        cargo.envs(tools.found.iter().map(|(variable, program)| (variable, program)));
        run_command(&mut cargo)
    });
    println!();
    say_verdict(&in_python, pytest, python_took);
    say_verdict(&in_modes, modes, modes_took);
    say_verdict(&in_abi3, abi3, abi3_took);
    say_verdict(&in_embed, embed, embed_took);
    say_verdict(&in_rust, cargo_test, start.elapsed());
    summary(&tools, &fs::read_to_string(&left_out).unwrap_or_default());
    in_rust.and(in_python).and(in_modes).and(in_abi3).and(in_embed)
}

fn with_locust(tools: &Tools, what: &str, test: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let locust = tools.locust().ok_or_else(|| anyhow!("Locust cannot be had"))?;
    step(what, || test(locust))
}

fn say_verdict(tested: &Result<()>, what: &str, after: Duration) {
    let verdict = if tested.is_ok() { "passed" } else { "FAILED" };
    println!("{verdict}: {what}, after {} s", after.as_secs());
}

/// These of the package's own tests, with the Python of this `locust`.
fn test_python(locust: &Path, package: &Path, tests: &[String]) -> Result<()> {
    let mut pytest = Command::new(locust.with_file_name("python"));
    // The package is imported from where it is staged, not from the sources.
    pytest.args(["-m", "pytest", "-p", "no:cacheprovider", "-o", "pythonpath="]).args(tests);
    pytest.current_dir(place::root()).env("PYTHONPATH", package);
    run_command(pytest.env("PYTHONDONTWRITEBYTECODE", "1"))
}

/// Every mode that Locust is run in, or with `full` each of them in every situation.
fn test_modes(locust: &Path, package: &Path, tools: &Tools, full: bool) -> Result<()> {
    let mut pytest = Command::new(locust.with_file_name("python"));
    pytest.args(["-m", "pytest", "-p", "no:cacheprovider", MODES_TESTS]);
    pytest.current_dir(place::root()).env("PYTHONDONTWRITEBYTECODE", "1");
    pytest.envs(tools.found.iter().map(|(variable, program)| (variable, program)));
    pytest.env(vars::PACKAGE, package).env("MODES_FULL", u8::from(full).to_string());
    run_command(&mut pytest)
}

/// Those of the tests that are of the Rust half.
fn tests_of_core() -> Result<Vec<String>> {
    let folder = place::root().join(PYTHON_TESTS);
    let entries = fs::read_dir(&folder).with_context(|| format!("no {}", folder.display()))?;
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let of_core = names.filter(|name| name.starts_with("test_core_"));
    let mut tests: Vec<_> = of_core.map(|name| format!("{PYTHON_TESTS}/{name}")).collect();
    tests.sort();
    ensure!(!tests.is_empty(), "{PYTHON_TESTS} has no test_core_*");
    Ok(tests)
}

/// The Rust half's own tests: a program, which needs Python's library beside Python.
fn test_embedded(left_out: &Path, require_all: bool) -> Result<()> {
    let library = venv::library()?;
    if !library.is_file() {
        let why = format!("the Rust half's own tests: there is no {}", library.display());
        ensure!(!require_all, "--require-all: {why}");
        return fs::write(left_out, why + "\n").context("cannot write what is left out");
    }
    let what = ["test", "--package", "python", "--lib", "--features", "embed"];
    run_command(cargo().args(what))
}

fn build_exporter() -> Result<()> {
    let package = ["--package", "locust-exporter", "--bin", "locust_exporter"];
    run_command(cargo().args(["build", "--quiet"]).args(package))
}

/// An empty file for the tests that leave themselves out.
fn left_out_file() -> Result<std::path::PathBuf> {
    let folder = place::target()?.join("e2e");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let file = folder.join("left-out.txt");
    fs::write(&file, "").with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file)
}

fn summary(tools: &Tools, left_out: &str) {
    for (variable, program) in &tools.found {
        println!("with {variable}={}", program.display());
    }
    if left_out.is_empty() {
        println!("left out: nothing");
    }
    for line in left_out.lines() {
        println!("left out: {line}");
    }
    for (tool, why) in &tools.absent {
        println!("absent: {tool}: {}", why.lines().next().unwrap_or_default());
    }
}
