//! One exposition as bytes, for Locust's own web UI.

use exposition::negotiate::{Compression, ContentType, compression, content_type};
use exposition::{Compressor, Encoder, Families, Filter, Format, Options};

/// What is asked for.
pub(crate) struct Wanted<'a> {
    /// The header `Accept`.
    pub(crate) accept: Option<&'a str>,
    /// The header `Accept-Encoding`.
    pub(crate) accept_encoding: Option<&'a str>,
    /// Families of these names; all if there is none.
    pub(crate) names: &'a [String],
    /// Whether only text will do.
    pub(crate) only_text: bool,
    /// What else is left to choose.
    pub(crate) options: Options,
}

impl Wanted<'_> {
    /// The best format of those that are accepted.
    pub(crate) fn negotiated(&self) -> ContentType {
        let chosen = content_type(self.accept);
        if !self.only_text || chosen.format() != Format::Protobuf {
            return chosen;
        }
        let ranges = self.accept.unwrap_or_default().split(',');
        let text: Vec<&str> = ranges.filter(|range| !range.contains("protobuf")).collect();
        let chosen = content_type(Some(&text.join(",")));
        // A wildcard may still mean it.
        if chosen.format() == Format::Protobuf { ContentType::DEFAULT } else { chosen }
    }
}

/// An exposition.
pub(crate) struct Rendered {
    pub(crate) content_type: String,
    pub(crate) content_encoding: Option<&'static str>,
    pub(crate) body: Vec<u8>,
}

/// Writes all families in this format, with the compression that is accepted.
pub(crate) fn render(
    families: &dyn Families,
    wanted: &Wanted<'_>,
    content_type: ContentType,
) -> Rendered {
    let mut encoder = Encoder::new(content_type.format(), wanted.options);
    for part in 0..families.parts() {
        if wanted.names.is_empty() {
            families.visit(part, &mut encoder);
        } else {
            families.visit(part, &mut Filter::new(wanted.names, &mut encoder));
        }
        for (reason, count) in encoder.rejections().iter() {
            families.rejected(reason, count);
        }
    }
    encoder.finish();
    let (content_encoding, body) = compressed(encoder.take(), compression(wanted.accept_encoding));
    Rendered { content_type: content_type.to_string(), content_encoding, body }
}

/// Where there is no memory to compress it, it is not compressed.
fn compressed(body: Vec<u8>, compression: Compression) -> (Option<&'static str>, Vec<u8>) {
    if compression == Compression::Identity {
        return (None, body);
    }
    let result = Compressor::new(compression).and_then(|mut compressor| {
        compressor.push(&body)?;
        compressor.finish()
    });
    match result {
        Ok(small) => (compression.content_encoding(), small),
        Err(error) => {
            tracing::warn!(%error, "the answer is not compressed");
            (None, body)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use exposition::{Emit, Family, Kind, Meta, MetricName, Visitor};

    struct Two;

    impl Families for Two {
        fn parts(&self) -> usize {
            2
        }

        fn visit(&self, index: usize, visitor: &mut dyn Visitor) {
            let name = ["a", "b"][index];
            let meta = Meta::new(MetricName::new(name).unwrap(), "", None, Kind::Gauge);
            let samples = |_: &mut Emit<'_>| {};
            visitor.family(&Family::new(&meta, &[], &samples));
        }

        fn rejected(&self, _: exposition::Reject, _: u64) {}
    }

    const PROTOBUF: &str = "application/vnd.google.protobuf;proto=io.prometheus.client.\
         MetricFamily;encoding=delimited;q=0.9,application/openmetrics-text;version=1.0.0;q=0.8,*/*;q=0.1";

    fn of(accept: Option<&str>, accept_encoding: Option<&str>, only_text: bool) -> Rendered {
        let options = Options::default();
        let wanted = Wanted { accept, accept_encoding, names: &[], only_text, options };
        render(&Two, &wanted, wanted.negotiated())
    }

    #[test]
    fn the_format_is_negotiated() {
        assert!(of(None, None, false).content_type.starts_with("text/plain; version=0.0.4"));
        assert!(of(Some(PROTOBUF), None, false).content_type.contains("protobuf"));
        let only_text = of(Some(PROTOBUF), None, true).content_type;
        assert!(
            only_text.starts_with("application/openmetrics-text; version=1.0.0"),
            "{only_text}"
        );
    }

    #[test]
    fn the_compression_is_negotiated() {
        assert_eq!(of(None, None, false).content_encoding, None);
        let gzip = of(None, Some("gzip"), false);
        assert_eq!(gzip.content_encoding, Some("gzip"));
        assert_eq!(gzip.body[..2], [0x1f, 0x8b]);
    }
}
