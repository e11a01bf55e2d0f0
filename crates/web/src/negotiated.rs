//! What an answer is written in, by what the scraper accepts.

use axum::http::HeaderMap;
use axum::http::header::{
    ACCEPT, ACCEPT_ENCODING, AsHeaderName, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, VARY,
};
use exposition::negotiate::{Compression, ContentType, compression, content_type};
use exposition::{Compressor, Encoder, Format, Options};

/// Format and compression.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Negotiated {
    content_type: ContentType,
    compression: Compression,
}

impl Negotiated {
    /// The best of what the request's headers accept.
    pub(crate) fn new(headers: &HeaderMap) -> Self {
        Self {
            content_type: content_type(joined(headers, ACCEPT).as_deref()),
            compression: compression(joined(headers, ACCEPT_ENCODING).as_deref()),
        }
    }

    /// Whether this can show native histograms.
    pub(crate) fn is_native(self) -> bool {
        self.content_type.format() == Format::Protobuf
    }

    /// What writes the answer. Where there is no memory to compress it, it is not compressed.
    pub(crate) fn writers(&mut self, options: Options) -> (Encoder, Option<Compressor>) {
        let encoder = Encoder::new(self.content_type.format(), options);
        if self.compression == Compression::Identity {
            return (encoder, None);
        }
        match Compressor::new(self.compression) {
            Ok(compressor) => (encoder, Some(compressor)),
            Err(error) => {
                tracing::warn!(%error, "the answer is not compressed");
                self.compression = Compression::Identity;
                (encoder, None)
            }
        }
    }

    /// Tells the scraper what was chosen.
    pub(crate) fn announce(self, headers: &mut HeaderMap) {
        let content_type = HeaderValue::try_from(self.content_type.to_string());
        let plain = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
        headers.insert(CONTENT_TYPE, content_type.unwrap_or(plain));
        headers.insert(VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
        if let Some(encoding) = self.compression.content_encoding() {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
    }
}

/// A header's lines as one. Lines that are not text count for nothing.
fn joined(headers: &HeaderMap, name: impl AsHeaderName) -> Option<String> {
    let lines: Vec<&str> =
        headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    (!lines.is_empty()).then(|| lines.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protobuf_alone_shows_native_histograms() {
        for (accept, native) in [
            ("text/plain", false),
            ("application/openmetrics-text;version=1.0.0", false),
            (
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;\
                 encoding=delimited,text/plain;q=0.5",
                true,
            ),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(Negotiated::new(&headers).is_native(), native, "{accept}");
        }
    }
}
