//! Who a connection comes from.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// Leaves the network part of an IPv6 address: one host may use every address of its /64.
const IPV6_NETWORK: u128 = !0 << 64;

/// A peer for the purpose of sharing: its IPv4 address, or the /64 network of its IPv6 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PeerId(IpAddr);

impl From<IpAddr> for PeerId {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(v6) => Self(Ipv6Addr::from_bits(v6.to_bits() & IPV6_NETWORK).into()),
            v4 @ IpAddr::V4(_) => Self(v4),
        }
    }
}

impl From<SocketAddr> for PeerId {
    fn from(address: SocketAddr) -> Self {
        Self::from(address.ip())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(address: &str) -> PeerId {
        PeerId::from(address.parse::<IpAddr>().unwrap())
    }

    #[test]
    fn a_peer_is_an_ipv4_address_or_an_ipv6_network() {
        assert_eq!(id("10.0.0.1"), id("::ffff:10.0.0.1"));
        assert_ne!(id("10.0.0.1"), id("10.0.0.2"));
        assert_eq!(id("2001:db8::1"), id("2001:db8::ffff:2"));
        assert_ne!(id("2001:db8::1"), id("2001:db8:0:1::1"));
    }
}
