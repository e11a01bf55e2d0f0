//! A package of another Debian suite, without touching the system: apt works in folders of ours,
//! and the package is unpacked rather than installed. No root is needed.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use crate::step;

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Whether there is an apt.
pub(crate) fn is_there() -> bool {
    let works = |program: &str| step::output(Command::new(program).arg("--version")).is_ok();
    works("apt-get") && works("dpkg-deb")
}

/// Unpacks `packages` of `suite` into an emptied `folder`.
pub(crate) fn unpack(packages: &[&str], suite: &str, folder: &Path) -> Result<()> {
    ensure!(
        Path::new(KEYRING).exists(),
        "{KEYRING} is absent; install the package debian-archive-keyring"
    );
    super::empty(folder)?;
    let area = folder.join("apt");
    for part in ["state/lists/partial", "cache/archives/partial", "download"] {
        fs::create_dir_all(area.join(part)).context("apt's folders")?;
    }
    let list = area.join("sources.list");
    fs::write(&list, format!("deb [signed-by={KEYRING}] {} {suite} main\n", mirror()?))?;
    let apt_get = || {
        let mut command = Command::new("apt-get");
        for (option, setting) in [
            ("Dir::State=", area.join("state").into_os_string()),
            ("Dir::Cache=", area.join("cache").into_os_string()),
            ("Dir::Etc::SourceList=", list.clone().into_os_string()),
            ("Dir::Etc::SourceParts=", "-".into()),
            // A pin of the system for its own suites would hide the package.
            ("Dir::Etc::Preferences=", "-".into()),
            ("Dir::Etc::PreferencesParts=", "-".into()),
            ("APT::Sandbox::User=", "root".into()),
            ("Acquire::Languages=", "none".into()),
            ("Acquire::Retries=", "3".into()),
        ] {
            let mut word = OsString::from(option);
            word.push(setting);
            command.arg("-o").arg(word);
        }
        command
    };
    step::output(apt_get().args(["--quiet", "update"]))?;
    let downloads = area.join("download");
    let mut download = apt_get();
    download.args(["--quiet", "download"]).args(packages).current_dir(&downloads);
    step::output(&mut download)?;
    for entry in fs::read_dir(&downloads)? {
        let file = entry?.path();
        eprintln!("    {}", file.file_name().unwrap_or_default().to_string_lossy());
        step::output(Command::new("dpkg-deb").arg("-x").arg(&file).arg(folder))?;
    }
    fs::remove_dir_all(&area).context("cannot clear apt's folders")
}

/// The Debian mirror that the system's apt uses.
fn mirror() -> Result<String> {
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    if let Ok(entries) = fs::read_dir("/etc/apt/sources.list.d") {
        let mut more: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        more.sort();
        files.extend(more);
    }
    let texts = files.iter().filter_map(|file| fs::read_to_string(file).ok());
    let mirror = texts.flat_map(|text| addresses(&text)).find(|address| is_debian(address));
    match mirror {
        Some(mirror) => Ok(mirror),
        None => bail!("apt's sources name no Debian mirror"),
    }
}

/// The addresses in a file of apt's sources, in either of its two forms.
fn addresses(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    lines
        .filter(|line| line.starts_with("deb ") || line.starts_with("URIs:"))
        .flat_map(str::split_whitespace)
        .filter(|word| word.starts_with("http://") || word.starts_with("https://"))
        .map(str::to_owned)
        .collect()
}

/// Whether an address is one of the main archive, not of security updates or of somebody else.
fn is_debian(address: &str) -> bool {
    address.trim_end_matches('/').ends_with("/debian")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_is_found_in_both_forms_of_sources() {
        let deb822 = "Types: deb\n# http://old.example/debian\nURIs: http://a.example/debian\n\
                      Suites: bookworm\n\nURIs: http://a.example/debian-security\n";
        let one_line = "deb [signed-by=/k.gpg arch=amd64] https://b.example/debian/ sid main\n\
                        deb-src https://c.example/debian sid main\n";
        let found =
            |text| addresses(text).into_iter().filter(|it| is_debian(it)).collect::<Vec<_>>();
        assert_eq!(found(deb822), ["http://a.example/debian"]);
        assert_eq!(found(one_line), ["https://b.example/debian/"]);
        assert!(found("deb https://packages.example/apt cloud main\n").is_empty());
    }
}
