//! Ports and patience.

use std::net::{Ipv4Addr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// A port of 127.0.0.1 that nobody listens on now, for a program that cannot choose one itself.
///
/// # Errors
///
/// If there is none.
pub fn free_port() -> Result<u16> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}

/// Asks `look` five times a second until it gives something.
///
/// # Errors
///
/// The error of `look`, at once; or, when `within` is over, one that names `what`.
pub fn wait_for<T>(
    what: &str,
    within: Duration,
    look: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    wait(what, within, Duration::from_millis(200), look)
}

/// As [`wait_for`], a hundred times a second: for what comes soon and costs little to look at.
///
/// # Errors
///
/// As of [`wait_for`].
pub fn wait_closely<T>(
    what: &str,
    within: Duration,
    look: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    wait(what, within, Duration::from_millis(10), look)
}

fn wait<T>(
    what: &str,
    within: Duration,
    pause: Duration,
    mut look: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let deadline = Instant::now() + within;
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        if Instant::now() >= deadline {
            bail!("{what}: not within {} s", within.as_secs());
        }
        thread::sleep(pause);
    }
}
