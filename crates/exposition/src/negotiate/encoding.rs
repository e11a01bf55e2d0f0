//! `Accept-Encoding`.

use super::list::elements;

/// How an answer is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Compression {
    /// Not at all.
    Identity,
    /// gzip (RFC 1952).
    Gzip,
    /// Zstandard (RFC 8878).
    Zstd,
}

impl Compression {
    /// The word for the header `Content-Encoding`; an answer that is not compressed has none.
    pub fn content_encoding(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
        }
    }
}

/// The compression for an answer to a request with this `Accept-Encoding` (lines joined by `,`).
///
/// The highest quality wins; of equal ones zstd before gzip before none, and what is named before
/// what only `*` asks for, which is gzip where it can be: everybody understands it.
pub fn compression(accept_encoding: Option<&str>) -> Compression {
    let header = accept_encoding.unwrap_or_default();
    let named = |names: &[&str]| {
        let is_named = |value: &str| names.iter().any(|name| value.eq_ignore_ascii_case(name));
        let qualities = elements(header).filter(|element| is_named(element.value));
        qualities.map(|element| element.quality).max()
    };
    let any = named(&["*"]);
    // (quality, preference among equals)
    let rank = |names: &[&str], if_named: u8, if_any: u8| match (named(names), any) {
        (Some(quality), _) => (quality, if_named),
        (None, Some(quality)) => (quality, if_any),
        (None, None) => (0, 0),
    };
    let ranks = [
        (rank(&["identity"], 4, 1), Compression::Identity),
        (rank(&["gzip", "x-gzip"], 5, 3), Compression::Gzip),
        (rank(&["zstd"], 6, 2), Compression::Zstd),
    ];
    // With a quality of 0 it is refused, or never mentioned; then only identity is safe.
    let acceptable = ranks.into_iter().filter(|((quality, _), _)| *quality > 0);
    acceptable.max_by_key(|(rank, _)| *rank).map_or(Compression::Identity, |(_, choice)| choice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_quality_wins() {
        use Compression::{Gzip, Identity, Zstd};
        for (header, wanted) in [
            ("gzip", Gzip),
            ("x-gzip", Gzip),
            ("GZIP", Gzip),
            ("gzip;q=0.1", Gzip),
            ("gzip, deflate, br, zstd", Zstd),
            ("gzip;q=1.0, zstd;q=0.5", Gzip),
            ("identity;q=1, gzip;q=0.5", Identity),
            ("identity;q=0.5, gzip;q=0.5", Gzip),
            ("identity, *;q=0.1", Identity),
            ("*", Gzip),
            ("*;q=0.5, gzip;q=0", Zstd),
            ("identity;q=0, *", Gzip),
            ("gzip;q=0", Identity),
            ("*;q=0", Identity),
            ("identity;q=0", Identity),
            ("br", Identity),
            ("gzip;q=nonsense", Identity),
            (",,;;=", Identity),
            ("", Identity),
        ] {
            assert_eq!(compression(Some(header)), wanted, "{header:?}");
        }
        assert_eq!(compression(None), Identity);
    }
}
