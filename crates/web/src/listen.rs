//! Addresses to listen on, in Go's spelling.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, lookup_host};

use crate::Error;

/// Connections that the system holds ready until they are accepted.
const BACKLOG: i32 = 1024;

/// An address to listen on: `:9646` (every interface), `127.0.0.1:0` (any free port),
/// `[::1]:9646`, `localhost:9646`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    host: Host,
    port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Every,
    Ip(IpAddr),
    Name(String),
}

/// A text that is no address to listen on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not an address to listen on: {why}; write :9646, 127.0.0.1:9646 or [::1]:9646"
)]
pub struct ListenError {
    text: String,
    why: &'static str,
}

impl FromStr for Listen {
    type Err = ListenError;

    fn from_str(text: &str) -> Result<Self, ListenError> {
        let fail = |why| Err(ListenError { text: text.to_owned(), why });
        if text.contains("://") {
            return fail("it is a URL, and only TCP is served");
        }
        let Some((host, port)) = text.rsplit_once(':') else {
            return fail("the port is missing");
        };
        let Some(port) = parse_port(port) else {
            return fail("the port is not a number from 0 to 65535");
        };
        let host = if let Some(inner) = host.strip_prefix('[') {
            match inner.strip_suffix(']').map(str::parse::<Ipv6Addr>) {
                Some(Ok(ip)) => Host::Ip(ip.into()),
                _ => return fail("what stands in brackets is not an IPv6 address"),
            }
        } else if host.contains(':') {
            return fail("an IPv6 address needs brackets");
        } else if host.is_empty() {
            Host::Every
        } else if let Ok(ip) = host.parse::<Ipv4Addr>() {
            Host::Ip(ip.into())
        } else if host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) {
            Host::Name(host.to_owned())
        } else {
            return fail("the host has characters that no host name has");
        };
        Ok(Self { host, port })
    }
}

impl Listen {
    /// The port; 0 is any that is free.
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// A port in digits alone (`u16::from_str` would take a sign).
fn parse_port(text: &str) -> Option<u16> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Every => write!(f, ":{}", self.port),
            Host::Ip(ip) => write!(f, "{}", SocketAddr::new(*ip, self.port)),
            Host::Name(name) => write!(f, "{name}:{}", self.port),
        }
    }
}

impl Listen {
    /// Binds the address.
    pub(crate) async fn bind(&self) -> Result<TcpListener, Error> {
        let bound = match &self.host {
            Host::Every => bind_every(self.port),
            Host::Ip(ip) => bind_one(SocketAddr::new(*ip, self.port)),
            Host::Name(name) => match resolve(name, self.port).await {
                Ok(address) => bind_one(address),
                Err(error) => Err(error),
            },
        };
        bound.map_err(|cause| Error::Listen { address: self.to_string(), cause })
    }
}

/// The address of a name; of several, an IPv4 one, as Go does.
async fn resolve(name: &str, port: u16) -> io::Result<SocketAddr> {
    let found: Vec<SocketAddr> = lookup_host((name, port)).await?.collect();
    let v4 = found.iter().find(|address| address.is_ipv4());
    v4.or(found.first())
        .copied()
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the host name has no address"))
}

/// Listens on IPv6 and IPv4 at once, or on IPv4 alone where the machine has no IPv6.
fn bind_every(port: u16) -> io::Result<TcpListener> {
    match bind_one(SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port)) {
        Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
            bind_one(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port))
        }
        bound => bound,
    }
}

fn bind_one(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        // `[::]` takes IPv4 too, whatever the system's default is. Others are not affected.
        socket.set_only_v6(false)?;
    }
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_go_spells_them() {
        for text in [":9646", "127.0.0.1:0", "[::1]:9646", "[::]:1", "localhost:9646", "0.0.0.0:1"]
        {
            let listen: Listen = text.parse().expect(text);
            assert_eq!(listen.to_string(), text);
        }
    }

    #[test]
    fn a_wrong_address_is_refused_with_a_reason() {
        for (text, why) in [
            ("9646", "the port is missing"),
            ("", "the port is missing"),
            (":", "not a number"),
            (":+80", "not a number"),
            (":65536", "not a number"),
            ("::1:9646", "needs brackets"),
            ("[::1:9646", "in brackets"),
            ("[nope]:9646", "in brackets"),
            ("http://localhost:9646", "is a URL"),
            ("vsock://:9646", "only TCP"),
            ("a b:9646", "characters"),
        ] {
            let error = text.parse::<Listen>().expect_err(text).to_string();
            assert!(error.contains(why), "{text}: {error}");
            assert!(error.contains(&format!("{text:?}")), "{error}");
        }
    }
}
