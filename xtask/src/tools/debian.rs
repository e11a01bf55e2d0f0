//! Servers from Debian's packages; without those, the ones on PATH.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, ensure};

use super::lock::Lock;
use super::pins::{DEBIAN, DEBIAN_SUITE, Program};
use super::{apt, complete, folder, is_complete};
use crate::step::step;

/// Every pinned program, and where it lies.
pub(crate) fn programs() -> Vec<(&'static Program, Result<PathBuf>)> {
    let unpacked = unpacked().map_err(|error| format!("{error:#}"));
    let find = |program: &'static Program| match &unpacked {
        Ok(folder) => Ok(folder.join(program.name)),
        Err(why) => on_path(program).with_context(|| why.clone()),
    };
    DEBIAN.iter().map(|program| (program, find(program))).collect()
}

/// The folder that has all of them, from the packages.
fn unpacked() -> Result<PathBuf> {
    let folder = folder("debian")?;
    let _lock = Lock::take(&folder)?;
    let programs = folder.join("usr/bin");
    let packages: Vec<_> = DEBIAN.iter().map(|program| program.package).collect();
    let pin = format!("{DEBIAN_SUITE} {}", packages.join(" "));
    if is_complete(&folder, &pin) {
        return Ok(programs);
    }
    ensure!(apt::is_there(), "no apt-get or dpkg-deb, and so none of Debian's packages");
    step(&format!("servers from Debian {DEBIAN_SUITE}"), || {
        apt::unpack(&packages, DEBIAN_SUITE, &folder)?;
        keep_only_pinned(&programs)?;
        complete(&folder, &pin)
    })?;
    Ok(programs)
}

/// Removes what the packages have beside our programs: 200 MB of them.
fn keep_only_pinned(folder: &Path) -> Result<()> {
    for program in DEBIAN {
        let Program { name, package, .. } = program;
        ensure!(folder.join(name).is_file(), "Debian's package {package} lacks {name}");
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let is_ours = DEBIAN.iter().any(|program| entry.file_name() == OsStr::new(program.name));
        if !is_ours {
            let path = entry.path();
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    Ok(())
}

fn on_path(program: &Program) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places = std::env::split_paths(&path).map(|folder| folder.join(program.name));
    places.find(|place| place.is_file()).ok_or_else(|| {
        let Program { name, elsewhere, .. } = program;
        anyhow!("no {name} on PATH; {elsewhere} and put it on PATH under that name")
    })
}
