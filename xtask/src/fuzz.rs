//! `cargo xtask fuzz`: every fuzz target of every crate, for a while.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use e2e::place;

use crate::step::{cargo, run as run_command, step};
use crate::tools::{self, pins};
use crate::usage::Usage;

/// How long each target runs where nothing else is said.
const SECONDS: u64 = 60;

/// A file in a crate's `fuzz/fuzz_targets`.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    /// The crate's folder.
    of: String,
    name: String,
}

/// `cargo xtask fuzz`
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let (seconds, chosen) = chosen(arguments)?;
    let all = targets(&place::root().join("crates"))?;
    for name in &chosen {
        if all.iter().all(|target| target.name != *name) {
            let known: Vec<_> = all.iter().map(|target| &*target.name).collect();
            let known = known.join(", ");
            return Err(Usage::new(format!("no fuzz target {name:?}; known are {known}")).into());
        }
    }
    let is_chosen = |target: &&Target| chosen.is_empty() || chosen.contains(&target.name);
    let cargo_fuzz = tools::cargo_program("cargo-fuzz", pins::CARGO_FUZZ)?;
    let mut failed = Vec::new();
    for target in all.iter().filter(is_chosen) {
        let Target { of, name } = target;
        let what = format!("{of}: {name}, {seconds} s");
        if let Err(error) = step(&what, || fuzz(&cargo_fuzz, target, seconds)) {
            eprintln!("!!! {of}: {name}: {error:#}");
            failed.push(format!("{of}: {name}"));
        }
    }
    ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    println!("fuzz: no target found anything");
    Ok(())
}

/// How many seconds, and which targets; none is all.
fn chosen(arguments: &[String]) -> Result<(u64, Vec<String>)> {
    let (mut seconds, mut names) = (SECONDS, Vec::new());
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let given = word.strip_prefix("--seconds");
        match given.map(|rest| rest.strip_prefix('=').or(words.as_slice().first().map(|it| &**it)))
        {
            Some(number) => {
                if word == "--seconds" {
                    words.next();
                }
                let number = number.and_then(|number| number.parse().ok());
                let wrong = || Usage::new("--seconds: give a whole number, 1 or more");
                seconds = number.filter(|number| *number > 0).ok_or_else(wrong)?;
            }
            None if word.starts_with('-') => {
                let what = format!("unknown argument {word:?}; known are --seconds N, TARGET");
                return Err(Usage::new(what).into());
            }
            None => names.push(word.clone()),
        }
    }
    Ok((seconds, names))
}

/// The targets of all crates in this folder, in the order of their names.
fn targets(crates: &Path) -> Result<Vec<Target>> {
    let mut targets = Vec::new();
    for of in names(crates)? {
        let folder = crates.join(&of).join("fuzz/fuzz_targets");
        if !folder.is_dir() {
            continue;
        }
        let files = names(&folder)?;
        let sources = files.iter().filter_map(|file| file.strip_suffix(".rs"));
        targets.extend(sources.map(|name| Target { of: of.clone(), name: name.to_owned() }));
    }
    if targets.is_empty() {
        bail!("no fuzz targets in {}", crates.display());
    }
    Ok(targets)
}

/// The names of what is in a folder, sorted.
fn names(folder: &Path) -> Result<Vec<String>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names: Vec<_> = names.collect::<Result<_>>()?;
    names.sort();
    Ok(names)
}

/// Runs one target.
fn fuzz(cargo_fuzz: &Path, target: &Target, seconds: u64) -> Result<()> {
    let Target { of, name } = target;
    let folder = place::root().join("crates").join(of).join("fuzz");
    let found = found(target, "corpus")?;
    let artifacts = self::found(target, "artifacts")?;
    let kept = folder.join("corpus").join(name);
    // It is called as cargo calls a subcommand, also where it is not on PATH.
    let mut fuzz = Command::new(cargo_fuzz);
    fuzz.current_dir(place::root()).env("CARGO", cargo().get_program());
    // The compiler is a stable one, and sanitizers are not stable.
    fuzz.env("RUSTC_BOOTSTRAP", "1").args(["fuzz", "run", "--fuzz-dir"]).arg(&folder);
    fuzz.arg("--target-dir").arg(place::target()?.join("fuzz/build")).arg(name).arg(&found);
    if kept.is_dir() {
        fuzz.arg(&kept);
    }
    fuzz.arg("--").arg(format!("-max_total_time={seconds}"));
    fuzz.arg(format!("-artifact_prefix={}/", artifacts.display())).arg("-print_final_stats=1");
    run_command(&mut fuzz)
        .with_context(|| format!("what it found, if anything, is in {}", artifacts.display()))
}

/// A folder for what a target finds: beside the tree, so that it stays clean.
fn found(target: &Target, kind: &str) -> Result<PathBuf> {
    let folder = place::target()?.join("fuzz").join(kind).join(&target.of).join(&target.name);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &[&str]) -> Result<(u64, Vec<String>)> {
        chosen(&words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn seconds_and_targets_are_read() {
        assert_eq!(of(&[]).unwrap(), (SECONDS, Vec::new()));
        assert_eq!(of(&["--seconds", "5"]).unwrap(), (5, Vec::new()));
        assert_eq!(of(&["--seconds=7", "json", "csv"]).unwrap().1, ["json", "csv"]);
        for wrong in [&["--seconds"][..], &["--seconds", "0"], &["--seconds=x"], &["--second=1"]] {
            assert!(of(wrong).is_err_and(|error| error.is::<Usage>()), "{wrong:?}");
        }
    }

    #[test]
    fn every_target_is_found_and_has_inputs_to_begin_with() {
        let crates = place::root().join("crates");
        let all = targets(&crates).unwrap();
        assert!(all.len() >= 7, "{all:?}");
        for Target { of, name } in all {
            let fuzz = crates.join(&of).join("fuzz");
            let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
            assert!(manifest.contains(&format!("fuzz_targets/{name}.rs")), "{of}: {name}");
            let kept = names(&fuzz.join("corpus").join(&name)).unwrap_or_default();
            assert!(!kept.is_empty(), "{of}: {name} has no corpus");
        }
    }
}
