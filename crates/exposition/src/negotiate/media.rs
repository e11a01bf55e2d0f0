//! `Accept`.

use std::fmt;

use super::list::{Element, elements};
use crate::encode::Format;

/// A kind of answer, as it is named in `Content-Type`: its [`Display`](fmt::Display).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ContentType {
    media: Media,
    escaping: Option<Escaping>,
}

impl ContentType {
    /// What everybody understands: the text format 0.0.4.
    pub const DEFAULT: Self = Self { media: Media::Text004, escaping: None };

    /// What to encode.
    pub fn format(self) -> Format {
        match self.media {
            Media::Text004 | Media::Text100 => Format::Text,
            Media::OpenMetrics001 | Media::OpenMetrics100 => Format::OpenMetrics,
            Media::Protobuf => Format::Protobuf,
        }
    }

    /// How the scraper wants names that are not of the legacy form, if it said so. The names of
    /// this crate always are, so nothing depends on it.
    pub fn escaping(self) -> Option<Escaping> {
        self.escaping
    }
}

impl fmt::Display for ContentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.media.content_type())?;
        match self.escaping {
            Some(escaping) => write!(f, "; escaping={}", escaping.as_str()),
            None => Ok(()),
        }
    }
}

/// What becomes of the characters of a name that the legacy form has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Escaping {
    /// They stay.
    AllowUtf8,
    /// They become underscores.
    Underscores,
    /// Dots become `_dot_`, others underscores.
    Dots,
    /// They become their code points.
    Values,
}

impl Escaping {
    const ALL: [Self; 4] = [Self::AllowUtf8, Self::Underscores, Self::Dots, Self::Values];

    /// The word for it in both headers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AllowUtf8 => "allow-utf-8",
            Self::Underscores => "underscores",
            Self::Dots => "dots",
            Self::Values => "values",
        }
    }
}

/// What can be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Media {
    Text004,
    Text100,
    OpenMetrics001,
    OpenMetrics100,
    Protobuf,
}

impl Media {
    /// By ascending preference where a scraper names a version: Prometheus asks for the same.
    const NAMED: [Self; 5] =
        [Self::Text004, Self::Text100, Self::OpenMetrics001, Self::OpenMetrics100, Self::Protobuf];

    /// By ascending preference where it does not: text that any reader can show.
    const ANY: [Self; 5] =
        [Self::Protobuf, Self::OpenMetrics001, Self::Text100, Self::OpenMetrics100, Self::Text004];

    fn content_type(self) -> &'static str {
        match self {
            Self::Text004 => "text/plain; version=0.0.4; charset=utf-8",
            Self::Text100 => "text/plain; version=1.0.0; charset=utf-8",
            Self::OpenMetrics001 => "application/openmetrics-text; version=0.0.1; charset=utf-8",
            Self::OpenMetrics100 => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            }
        }
    }

    /// Type, subtype, and the parameters that tell it from others.
    fn parts(self) -> (&'static str, &'static str, &'static [(&'static str, &'static str)]) {
        match self {
            Self::Text004 => ("text", "plain", &[("version", "0.0.4")]),
            Self::Text100 => ("text", "plain", &[("version", "1.0.0")]),
            Self::OpenMetrics001 => ("application", "openmetrics-text", &[("version", "0.0.1")]),
            Self::OpenMetrics100 => ("application", "openmetrics-text", &[("version", "1.0.0")]),
            Self::Protobuf => (
                "application",
                "vnd.google.protobuf",
                &[("proto", "io.prometheus.client.MetricFamily"), ("encoding", "delimited")],
            ),
        }
    }

    /// Whether this version knows the parameter `escaping`.
    fn has_escaping(self) -> bool {
        matches!(self, Self::Text100 | Self::OpenMetrics100 | Self::Protobuf)
    }

    /// How closely an element of the header describes this, if it does.
    fn matched(self, element: &Element<'_>) -> Option<Closeness> {
        let (wanted_type, wanted_subtype) = element.value.split_once('/')?;
        let (own_type, own_subtype, parameters) = self.parts();
        if (wanted_type, wanted_subtype) == ("*", "*") {
            return Some(Closeness::Anything);
        }
        if !wanted_type.eq_ignore_ascii_case(own_type) {
            return None;
        }
        if wanted_subtype == "*" {
            return Some(Closeness::Type);
        }
        if !wanted_subtype.eq_ignore_ascii_case(own_subtype) {
            return None;
        }
        let mut closeness = Closeness::Version;
        for (name, own) in parameters {
            match element.parameter(name) {
                Some(wanted) if wanted.eq_ignore_ascii_case(own) => {}
                Some(_) => return None,
                None => closeness = Closeness::Subtype,
            }
        }
        Some(closeness)
    }
}

/// How closely an element of the header describes an answer. The closest one decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Closeness {
    Anything,
    Type,
    Subtype,
    Version,
}

/// The kind of answer to a request with this `Accept` (lines joined by `,`).
///
/// Each kind has the quality of the element that describes it most closely, and the highest
/// quality wins. Of equal ones, what is described more closely wins; then protobuf before
/// `OpenMetrics` before text and the newer version before the older, which is the order that
/// Prometheus asks in. Where no version is asked for, text 0.0.4 comes first.
pub fn content_type(accept: Option<&str>) -> ContentType {
    let header = accept.unwrap_or_default();
    let best = Media::NAMED.into_iter().filter_map(|media| {
        let matches = elements(header).filter_map(|element| {
            let closeness = media.matched(&element)?;
            Some((closeness, element.quality, element.parameter("escaping")))
        });
        // Of two elements that describe it alike, the one with the higher quality.
        let (closeness, quality, escaping) =
            matches.max_by_key(|(closeness, quality, _)| (*closeness, *quality))?;
        let order = if closeness == Closeness::Version { Media::NAMED } else { Media::ANY };
        let preference = order.iter().position(|other| *other == media);
        (quality > 0).then_some(((quality, closeness, preference), media, escaping))
    });
    let Some((_, media, escaping)) = best.max_by_key(|(rank, _, _)| *rank) else {
        return ContentType::DEFAULT;
    };
    let escaping = escaping.filter(|_| media.has_escaping());
    let known = |word: &str| Escaping::ALL.into_iter().find(|known| known.as_str() == word);
    ContentType { media, escaping: escaping.and_then(known) }
}
