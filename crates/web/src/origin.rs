//! Whether a request comes from a page of another site.
//!
//! A browser on this machine is a loopback peer like any other program. A page of another site can
//! make it send a request to this server, by its address or, after DNS rebinding, by the site's own
//! name. Such a request tells: by its `Origin`, `Referer` or `Sec-Fetch-Site`, or by its `Host`.

use std::net::IpAddr;

use axum::http::header::{HOST, HeaderName, ORIGIN, REFERER};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri};

/// Why a request is taken for one of another site's page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Foreign {
    /// It is sent to a name that is not this machine's loopback.
    Host,
    /// The browser says that another site's page sends it.
    Origin,
}

/// Judges a request by its headers. With `loopback`, it must be sent to a loopback name or address.
/// A request that names no host is not a browser's.
pub(crate) fn foreign(uri: &Uri, headers: &HeaderMap, loopback: bool) -> Option<Foreign> {
    let authority = uri.authority().map(|authority| Some(authority.to_string()));
    let hosts: Vec<Option<String>> = authority.into_iter().chain(texts(headers, HOST)).collect();
    let is_local = |host: &Option<String>| host.as_deref().is_some_and(is_loopback);
    if loopback && !hosts.iter().all(is_local) {
        return Some(Foreign::Host);
    }
    let is_ours = |origin: &str| {
        let sender = origin.parse::<Uri>().ok();
        let sender = sender.as_ref().and_then(Uri::authority).map(Authority::as_str);
        let is_sender = |host: &str| sender.is_some_and(|sender| sender.eq_ignore_ascii_case(host));
        hosts.iter().any(|host| host.as_deref().is_some_and(is_sender))
    };
    let site = headers.get("sec-fetch-site");
    let is_cross_site = site.is_some_and(|site| site != "same-origin" && site != "none");
    // Browsers that tell the site need not be judged by what they may leave out.
    let referers = texts(headers, REFERER).filter(|_| site.is_none());
    let mut senders = texts(headers, ORIGIN).chain(referers);
    let is_foreign = senders.any(|sender| !sender.is_some_and(|sender| is_ours(&sender)));
    (is_cross_site || is_foreign).then_some(Foreign::Origin)
}

/// All values of a header; `None` for one that is not text.
fn texts(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = Option<String>> + '_ {
    let values = headers.get_all(name).iter();
    values.map(|value| value.to_str().ok().map(|text| text.trim().to_owned()))
}

/// Whether this is `localhost`, a name below it, or a loopback address, with or without a port.
fn is_loopback(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    if authority.as_str().contains('@') {
        return false;
    }
    let name = authority.host().trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = name.parse::<IpAddr>() {
        return address.to_canonical().is_loopback();
    }
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(uri: &str, lines: &[(&'static str, &str)], loopback: bool) -> Option<Foreign> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        foreign(&uri.parse().unwrap(), &headers, loopback)
    }

    #[test]
    fn only_a_loopback_name_or_address_is_this_machine() {
        for local in [
            "localhost",
            "LOCALHOST:9646",
            "localhost.:1",
            "x.localhost",
            "127.0.0.1:9646",
            "127.9.9.9",
            "[::1]:9646",
            "[::ffff:127.0.0.1]",
        ] {
            assert!(is_loopback(local), "{local}");
        }
        for foreign in [
            "",
            "evil.example",
            "evil.example:9646",
            "localhost.evil.example",
            "notlocalhost",
            "10.0.0.1",
            "0.0.0.0:9646",
            "[::]",
            "127.0.0.1.evil.example",
            "127.0.0.1@evil.example",
            "evil.example@127.0.0.1",
            "localhost/x",
            "a b",
        ] {
            assert!(!is_loopback(foreign), "{foreign}");
        }
    }

    #[test]
    fn every_host_that_the_request_names_must_be_this_machine() {
        let rebound = [("host", "evil.example:9646")];
        assert_eq!(judge("/quitquitquit", &rebound, true), Some(Foreign::Host));
        assert_eq!(judge("/quitquitquit", &rebound, false), None);
        let twice = [("host", "localhost"), ("host", "evil.example")];
        assert_eq!(judge("/", &twice, true), Some(Foreign::Host));
        let absolute = "http://evil.example/quitquitquit";
        assert_eq!(judge(absolute, &[("host", "localhost")], true), Some(Foreign::Host));
        assert_eq!(judge("https://localhost:1/", &[], true), None, "as HTTP/2 has it");
        assert_eq!(judge("/", &[], true), None, "as HTTP/1.0 has it");
    }

    #[test]
    fn the_sender_must_be_the_server_itself() {
        let with = |name, value| judge("/", &[("host", "localhost:9646"), (name, value)], true);
        for (name, ours) in [
            ("origin", "http://localhost:9646"),
            ("origin", "https://LOCALHOST:9646"),
            ("referer", "http://localhost:9646/"),
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-site", "none"),
        ] {
            assert_eq!(with(name, ours), None, "{name}: {ours}");
        }
        for (name, foreign) in [
            ("origin", "http://evil.example"),
            ("origin", "null"),
            ("origin", ""),
            ("origin", "http://localhost:3000"),
            ("origin", "http://localhost"),
            ("origin", "http://localhost:9646.evil.example"),
            ("referer", "http://evil.example/page?http://localhost:9646/"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            assert_eq!(with(name, foreign), Some(Foreign::Origin), "{name}: {foreign}");
        }
    }
}
