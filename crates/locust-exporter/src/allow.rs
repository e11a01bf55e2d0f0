//! Which targets `/probe` may ask.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use url::{Host, Url};

/// One entry of an allow-list: `[scheme://]host[:port][/path]`.
///
/// The host is a name, a name with `*.` before it (any name below it), an IP address, or a network
/// (`10.1.0.0/16`). A scheme or port that is left out may be any. Without a path, the root alone is
/// allowed; a path allows itself and those below it, and `/*` allows all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Allowed {
    scheme: Option<String>,
    host: HostPattern,
    port: Option<u16>,
    path: PathPattern,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum PathPattern {
    Root,
    /// Begins with a slash and does not end with one, or is empty, which allows all.
    Below(String),
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
    "{0:?} is not a target pattern: expected [http:// or https://]host[:port][/path], where host is \
     a name, *.name, an IP address or a network like 10.1.0.0/16"
)]
pub(crate) struct BadPattern(String);

impl Allowed {
    /// Whether `url` may be probed.
    pub(crate) fn admits(&self, url: &Url) -> bool {
        self.scheme.as_deref().is_none_or(|scheme| scheme == url.scheme())
            && self.port.is_none_or(|port| url.port_or_known_default() == Some(port))
            && url.host().is_some_and(|host| self.host.admits(&host))
            && self.path.admits(url.path())
    }

    /// Whether the prober may choose the port.
    pub(crate) fn is_any_port(&self) -> bool {
        self.port.is_none()
    }
}

impl PathPattern {
    /// `path` is a URL's, in which `.` and `..` have been resolved.
    fn admits(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        match self {
            Self::Root => path.is_empty(),
            Self::Below(prefix) => path
                .strip_prefix(prefix.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') && is_plain(rest)),
        }
    }
}

/// Whether every server reads this path alike. What is encoded, and what some servers leave out
/// (`//`, `..;`), may lead out of the prefix.
fn is_plain(path: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let mut segments = path.split('/').skip(1);
    segments.all(|segment| {
        !segment.is_empty() && !segment.starts_with("..") && segment.bytes().all(is_letter)
    })
}

impl FromStr for PathPattern {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text.trim_end_matches('/').is_empty() {
            return Ok(Self::Root);
        }
        let path = text.strip_suffix("/*").unwrap_or(text);
        if path.contains(['*', '?', '#', '\\']) {
            return Err(());
        }
        let url: Url = format!("http://host{path}").parse().map_err(drop)?;
        Ok(Self::Below(url.path().trim_end_matches('/').to_owned()))
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
        let (rest, path) = split_path(rest);
        let path = path.parse().map_err(|()| bad())?;
        if let Ok(net) = rest.parse::<IpNet>() {
            return Ok(Self { scheme, host: HostPattern::Net(net), port: None, path });
        }
        if let Ok(ip) = rest.parse::<IpAddr>() {
            return Ok(Self { scheme, host: HostPattern::Net(ip.into()), port: None, path });
        }
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().map_err(|_| bad())?)),
            None => (rest, None),
        };
        Ok(Self { scheme, host: host_pattern(host).ok_or_else(bad)?, port, path })
    }
}

/// Host and port, and the path from its slash on. The slash of a network is none of a path.
fn split_path(text: &str) -> (&str, &str) {
    // An IPv6 network may stand in brackets with its slash.
    let from = if text.starts_with('[') { text.find(']').unwrap_or(0) } else { 0 };
    let Some(slash) = text[from..].find('/').map(|at| from + at) else { return (text, "") };
    let first = text[slash + 1..].split('/').next().unwrap_or_default();
    let prefix = first.split(':').next().unwrap_or_default();
    let is_number = !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_digit());
    let is_net = is_number && text[..slash].parse::<IpAddr>().is_ok();
    text.split_at(if is_net { slash + 1 + first.len() } else { slash })
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
        assert!(admits("locust.load.svc", "http://LOCUST.load.svc:8089"));
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
    fn without_a_path_the_root_alone_is_allowed() {
        for pattern in ["a:8089", "a:8089/", "http://a:8089//"] {
            assert!(admits(pattern, "http://a:8089") && admits(pattern, "http://a:8089/"));
            for path in ["/other-tenant", "/x/", "/%2e%2e/x", "/.", "/..;/x"] {
                let is_root = path == "/.";
                assert_eq!(admits(pattern, &format!("http://a:8089{path}")), is_root, "{path}");
            }
        }
    }

    #[test]
    fn a_path_allows_itself_and_those_below_it_alone() {
        for pattern in ["a/base", "a/base/", "a/base/*", "http://a/./base"] {
            for inside in ["/base", "/base/", "/base/x", "/base/x-1.2_~/y/", "/x/../base"] {
                assert!(admits(pattern, &format!("http://a{inside}")), "{pattern} {inside}");
            }
            for outside in [
                "",
                "/",
                "/bas",
                "/base2",
                "/BASE",
                "/other",
                "/base/../other",
                "/base/%2e%2e/other",
                "/base/%2E%2e/other",
                "/base%2f..%2fother",
                "/base/..%2fother",
                "/base/..;/other",
                "/base//other",
                "/base/x;y",
                "/base\\..\\other",
                "/base/%5c..%5cother",
            ] {
                assert!(!admits(pattern, &format!("http://a{outside}")), "{pattern} {outside}");
            }
        }
        for path in ["", "/", "/base", "/base/x"] {
            assert!(admits("a/*", &format!("http://a{path}")), "{path}");
        }
    }

    #[test]
    fn a_network_may_have_a_path_too() {
        for pattern in
            ["10.1.0.0/16/base", "10.1.0.0/16:8089/base", "[fd00::/8]:8089/base", "fd00::/8/base"]
        {
            let host = if pattern.contains("fd00") { "[fd00::1]" } else { "10.1.2.3" };
            assert!(admits(pattern, &format!("http://{host}:8089/base/x")), "{pattern}");
            assert!(!admits(pattern, &format!("http://{host}:8089/other")), "{pattern}");
        }
        assert!(admits("10.1.2.3/base", "http://10.1.2.3/base"));
        assert!(!admits("10.1.0.0/16", "http://10.1.2.3/16"));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "*",
            "*.",
            "ftp://a",
            "a:port",
            "a b",
            "a.*.b",
            "http://",
            "/base",
            "a/b?c",
            "a/b#c",
            "a/*/b",
            "a/**",
            "10.1.0.0/33",
        ] {
            assert!(text.parse::<Allowed>().is_err(), "{text:?}");
        }
    }
}
