//! What a test starts does not survive it.

use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, fs, thread};

use anyhow::{Context as _, Result};
use e2e::{Process, net, place};

/// Set for the process that is to be killed: where to write the id of what it has started.
const TELL: &str = "E2E_GUARD_TELL";

#[test]
fn what_a_killed_process_has_started_ends_with_it() -> Result<()> {
    if let Some(tell) = env::var_os(TELL) {
        return start_and_tell(Path::new(&tell));
    }
    let tell = place::logs("guard")?.join("id");
    let mut victim = Command::new(env::current_exe()?)
        .args(["--exact", "what_a_killed_process_has_started_ends_with_it"])
        .env(TELL, &tell)
        .stdout(Stdio::null())
        .spawn()?;
    let id = net::wait_for("the process has started another", Duration::from_secs(10), || {
        Ok(fs::read_to_string(&tell).ok().filter(|id| !id.is_empty()))
    });
    victim.kill()?;
    victim.wait()?;
    let id = id?;
    net::wait_for(
        "the other one ends",
        Duration::from_secs(10),
        || Ok((!lives(&id)?).then_some(())),
    )
}

fn start_and_tell(tell: &Path) -> Result<()> {
    let folder = tell.parent().context("no folder")?;
    let process = Process::start("sleep", Command::new("sleep").arg("120"), folder)?;
    fs::write(tell, process.id().to_string())?;
    thread::sleep(Duration::from_mins(1));
    Ok(())
}

fn lives(id: &str) -> Result<bool> {
    let mut status = Command::new("kill").args(["-0", id]).stderr(Stdio::null()).spawn()?;
    // One that has ended, but that nobody has asked for, still has an id.
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    Ok(status.wait()?.success() && !stat.contains(") Z "))
}

#[test]
fn what_a_process_wrote_is_kept_and_its_end_is_told() -> Result<()> {
    let logs = place::logs("process")?;
    let mut command = Command::new("sh");
    command.args(["-c", "echo out; echo err >&2; exit 3"]);
    let mut process = Process::start("talker", &mut command, &logs)?;
    let status = process.wait(Duration::from_secs(5))?;
    assert_eq!(status.code(), Some(3));
    let mut log = String::new();
    fs::File::open(logs.join("talker.log"))?.read_to_string(&mut log)?;
    assert_eq!(log, "out\nerr\n");
    assert_eq!(process.log(), log);
    assert!(process.stop(Duration::ZERO)?.code() == Some(3), "it is not ended twice");
    Ok(())
}
