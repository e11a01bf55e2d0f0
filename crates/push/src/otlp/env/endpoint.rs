//! Where to push to.

use secrecy::{ExposeSecret as _, SecretString};

use super::read::Reader;
use crate::config::Protocol;

/// Where the variables say to push to. What that is depends on how it is spoken to.
#[derive(Clone, Debug)]
pub struct OtlpEndpoint {
    /// The variable that says it.
    pub variable: &'static str,
    /// It may have a password in it.
    text: SecretString,
    /// Whether it is for all signals, so that over HTTP the path of metrics is to be added.
    is_base: bool,
    /// Whether gRPC goes without TLS where no scheme says it.
    is_insecure: bool,
}

impl OtlpEndpoint {
    /// The whole address, to be read as one given otherwise: it is not checked here.
    ///
    /// Over HTTP `/v1/metrics` is added to `OTEL_EXPORTER_OTLP_ENDPOINT`, while
    /// `OTEL_EXPORTER_OTLP_METRICS_ENDPOINT` stays as it is. For gRPC the scheme may be missing
    /// (`collector:4317`): it is `https`, unless `OTEL_EXPORTER_OTLP_INSECURE` says otherwise.
    pub fn address(&self, protocol: Protocol) -> SecretString {
        let text = self.text.expose_secret();
        match protocol {
            Protocol::Http if self.is_base => {
                let end = text.find(['?', '#']).unwrap_or(text.len());
                let (base, rest) = text.split_at(end);
                format!("{}/v1/metrics{rest}", base.trim_end_matches('/')).into()
            }
            Protocol::Grpc if !text.contains("://") => {
                let scheme = if self.is_insecure { "http" } else { "https" };
                format!("{scheme}://{text}").into()
            }
            Protocol::Http | Protocol::Grpc => self.text.clone(),
        }
    }
}

/// Reads where to push to.
pub(super) fn read(from: &Reader<'_>, is_insecure: bool) -> Option<OtlpEndpoint> {
    const VARIABLES: [(&str, bool); 2] =
        [("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", false), ("OTEL_EXPORTER_OTLP_ENDPOINT", true)];
    VARIABLES.into_iter().find_map(|(variable, is_base)| {
        let text = from.text(variable)?.into();
        Some(OtlpEndpoint { variable, text, is_base, is_insecure })
    })
}
