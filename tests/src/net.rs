//! Ports and patience.

use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

/// A port of 127.0.0.1 that nobody listens on now, for a program that cannot choose one itself.
///
/// For a minute the kernel gives it to nobody who does not ask for it by number: it was an end of a
/// connection, the one that closed first, and such an end waits (`TIME_WAIT`). Otherwise any
/// connection of another test could have it, as its own end, before the program listens.
///
/// # Errors
///
/// If there is none.
pub fn free_port() -> Result<u16> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on 127.0.0.1")?;
    let address = listener.local_addr()?;
    let mut far = TcpStream::connect(address)?;
    drop(listener.accept()?);
    // When its end is here, the other end waits.
    ensure!(far.read(&mut [0])? == 0, "{address}: somebody else's connection");
    Ok(address.port())
}

/// Whether somebody listens there.
pub fn is_listening(address: SocketAddr) -> bool {
    TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok()
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_free_port_is_given_to_nobody_else_but_can_be_listened_on() {
        // Chosen as the kernel likes, some of so many would be the same.
        let ports = (0..800).map(|_| free_port().unwrap()).collect::<BTreeSet<_>>();
        assert_eq!(ports.len(), 800);
        for port in ports {
            TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        }
    }
}
