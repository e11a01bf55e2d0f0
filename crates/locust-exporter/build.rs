//! Tells the program which revision and compiler it was built with.

use std::path::Path;
use std::process::Command;

fn main() {
    // HEAD names the branch; the log grows with every commit and checkout. Where they lie, git
    // knows: in a linked worktree `.git` is a file. A file that is named here but absent would make
    // every build a new one.
    for file in ["HEAD", "logs/HEAD"] {
        let path = output("git", &["rev-parse", "--git-path", file]);
        if let Some(path) = path.filter(|path| Path::new(path).exists()) {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    println!("cargo::rerun-if-changed=build.rs");
    let revision = output("git", &["rev-parse", "--short=12", "HEAD"]);
    println!("cargo::rustc-env=BUILD_REVISION={}", revision.as_deref().unwrap_or("unknown"));
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let version = output(&rustc, &["--version"]);
    let version = version.as_deref().and_then(|text| text.split_whitespace().nth(1));
    println!("cargo::rustc-env=BUILD_RUSTC={}", version.unwrap_or("unknown"));
}

fn output(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !text.trim().is_empty()).then(|| text.trim().to_owned())
}
