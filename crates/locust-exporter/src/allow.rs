//! Which targets `/probe` may ask.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use url::{Host, Url};

/// One entry of an allow-list: `[scheme://]host[:port]`.
///
/// The host is a name, a name with `*.` before it (any name below it), an IP address, or a network
/// (`10.1.0.0/16`). A scheme or port that is left out may be any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Allowed {
    scheme: Option<String>,
    host: HostPattern,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum HostPattern {
    Name(String),
    Below(String),
    Net(IpNet),
}

/// Why an entry of an allow-list cannot be used.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0:?} is not a target pattern: expected [http:// or https://]host[:port], where host is a \
     name, *.name, an IP address or a network like 10.1.0.0/16"
)]
pub(crate) struct BadPattern(String);

impl Allowed {
    /// Whether `url` may be probed.
    pub(crate) fn admits(&self, url: &Url) -> bool {
        self.scheme.as_deref().is_none_or(|scheme| scheme == url.scheme())
            && self.port.is_none_or(|port| url.port_or_known_default() == Some(port))
            && url.host().is_some_and(|host| self.host.admits(&host))
    }
}

impl HostPattern {
    fn admits(&self, host: &Host<&str>) -> bool {
        match (self, host) {
            (Self::Name(name), Host::Domain(domain)) => domain.eq_ignore_ascii_case(name),
            (Self::Below(name), Host::Domain(domain)) => domain
                .to_ascii_lowercase()
                .strip_suffix(name)
                .and_then(|rest| rest.strip_suffix('.'))
                .is_some_and(|rest| !rest.is_empty()),
            (Self::Net(net), Host::Ipv4(ip)) => net.contains(&IpAddr::V4(*ip)),
            (Self::Net(net), Host::Ipv6(ip)) => net.contains(&IpAddr::V6(*ip).to_canonical()),
            _ => false,
        }
    }
}

impl FromStr for Allowed {
    type Err = BadPattern;

    fn from_str(text: &str) -> Result<Self, BadPattern> {
        let bad = || BadPattern(text.to_owned());
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme @ ("http" | "https"), rest)) => (Some(scheme.to_owned()), rest),
            Some(_) => return Err(bad()),
            None => (None, text),
        };
        if let Ok(net) = rest.parse::<IpNet>() {
            return Ok(Self { scheme, host: HostPattern::Net(net), port: None });
        }
        if let Ok(ip) = rest.parse::<IpAddr>() {
            return Ok(Self { scheme, host: HostPattern::Net(ip.into()), port: None });
        }
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().map_err(|_| bad())?)),
            None => (rest, None),
        };
        Ok(Self { scheme, host: host_pattern(host).ok_or_else(bad)?, port })
    }
}

fn host_pattern(text: &str) -> Option<HostPattern> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return Some(HostPattern::Net(ip.into()));
    }
    if let Ok(net) = bare.parse::<IpNet>() {
        return Some(HostPattern::Net(net));
    }
    let (name, below) = text.strip_prefix("*.").map_or((text, false), |name| (name, true));
    match Host::parse(name).ok()? {
        Host::Domain(name) if !name.is_empty() && !name.contains('*') => {
            Some(if below { HostPattern::Below(name) } else { HostPattern::Name(name) })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(pattern: &str, url: &str) -> bool {
        let pattern: Allowed = pattern.parse().expect("a pattern");
        pattern.admits(&url.parse().expect("a URL"))
    }

    #[test]
    fn a_name_admits_that_name_alone() {
        assert!(admits("locust.load.svc", "http://LOCUST.load.svc:8089/base"));
        assert!(!admits("locust.load.svc", "http://evil-locust.load.svc:8089"));
        assert!(!admits("locust.load.svc", "http://locust.load.svc.evil.org"));
    }

    #[test]
    fn a_star_admits_names_below_but_not_the_name_itself() {
        assert!(admits("*.load.svc", "http://a.load.svc:8089"));
        assert!(!admits("*.load.svc", "http://load.svc:8089"));
        assert!(!admits("*.load.svc", "http://upload.svc:8089"));
    }

    #[test]
    fn scheme_and_port_bind_where_they_are_given() {
        assert!(admits("https://a:8089", "https://a:8089"));
        assert!(!admits("https://a:8089", "http://a:8089"));
        assert!(!admits("a:8089", "http://a:8090"));
        assert!(admits("a:80", "http://a"));
    }

    #[test]
    fn networks_and_addresses_are_compared_as_numbers() {
        assert!(admits("10.1.0.0/16", "http://10.1.2.3:8089"));
        assert!(!admits("10.1.0.0/16", "http://10.2.0.1:8089"));
        assert!(admits("127.0.0.1:8089", "http://127.1:8089"), "URLs normalise addresses");
        assert!(admits("[::1]:8089", "http://[::1]:8089"));
        assert!(admits("10.1.0.0/16:8089", "http://10.1.2.3:8089"));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "*", "*.", "ftp://a", "a:port", "a b", "a.*.b", "http://"] {
            assert!(text.parse::<Allowed>().is_err(), "{text:?}");
        }
    }
}
