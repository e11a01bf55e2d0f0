//! A small shell that ends our processes if we end without having done so: after a panic, a
//! SIGKILL, or because a test kept them in a static, which is never dropped.
//!
//! It reads from a pipe which process groups there are. The pipe ends when we end.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result};

const SCRIPT: &str = r#"
groups=
while read -r verb group; do
    case $verb in
        add) groups="$groups $group" ;;
        drop)
            rest=
            for other in $groups; do
                [ "$other" = "$group" ] || rest="$rest $other"
            done
            groups=$rest ;;
    esac
done
for group in $groups; do
    kill -s KILL -- "-$group"
done
"#;

static GUARD: Mutex<Option<Child>> = Mutex::new(None);

/// From now on the process group `group` ends with us.
///
/// # Errors
///
/// If the guard cannot be started or told.
pub fn watch(group: u32) -> Result<()> {
    tell(&format!("add {group}\n"))
}

/// The process group `group` has ended.
///
/// # Errors
///
/// If the guard cannot be told.
pub fn forget(group: u32) -> Result<()> {
    tell(&format!("drop {group}\n"))
}

fn tell(line: &str) -> Result<()> {
    let mut guard = GUARD.lock().unwrap_or_else(PoisonError::into_inner);
    let child = match &mut *guard {
        Some(child) => child,
        none => none.insert(start()?),
    };
    let pipe = child.stdin.as_mut().context("the guard has no pipe")?;
    pipe.write_all(line.as_bytes()).context("cannot reach the guard of our processes")
}

fn start() -> Result<Child> {
    Command::new("sh")
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Ctrl-C in the terminal is for us, not for the guard.
        .process_group(0)
        .spawn()
        .context("cannot start `sh`, which guards our processes")
}
