//! `cargo xtask test`: everything that tests, with the real servers it needs.

use std::fs;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use e2e::{place, vars};

use crate::step::{cargo, run as run_command, step};
use crate::tools::{self, Tools};
use crate::usage;

/// `cargo xtask test`
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let end = arguments.iter().position(|word| word == "--").unwrap_or(arguments.len());
    let require_all = usage::only_flag(&arguments[..end], "--require-all")?;
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
    let left_out = left_out_file()?;
    let tested = step("cargo test --workspace", || {
        let mut cargo = cargo();
        cargo.args(["test", "--workspace"]).args(for_cargo);
        cargo.env(vars::EXPORTER, place::target()?.join("debug/locust_exporter"));
        cargo
            .env(vars::LEFT_OUT, &left_out)
            .env(vars::REQUIRE_ALL, u8::from(require_all).to_string());
        cargo.envs(tools.found.iter().map(|(variable, program)| (variable, program)));
        run_command(&mut cargo)
    });
    let verdict = if tested.is_ok() { "passed" } else { "FAILED" };
    println!("\n{verdict}: cargo test --workspace, after {} s", start.elapsed().as_secs());
    summary(&tools, &fs::read_to_string(&left_out).unwrap_or_default());
    tested
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
