//! OTLP: our options, and behind them the standard variables of OpenTelemetry.

mod along;

use std::time::Duration;

use push::{Histograms, Otlp, OtlpEnv, Protocol};
use secrecy::ExposeSecret as _;

use self::along::Along;
use super::backend::{self, Address};
use super::settings::Given;
use super::{CompressionArg, HistogramArg, ProtocolArg, check};

/// What the path of an address ends in to which metrics are pushed by HTTP.
const PATH: &str = "/v1/metrics";

/// Those of the other signals.
const OTHERS: [&str; 3] = ["/v1/traces", "/v1/logs", "/v1development/profiles"];

/// In place of an address: nothing is pushed by OTLP, whatever the variables say.
const NONE: &str = "none";

/// What was chosen.
#[derive(Default)]
pub(super) struct Chosen {
    pub(super) otlp: Option<Otlp>,
    /// The variable of OpenTelemetry that turned it on, if one did.
    pub(super) by: Option<&'static str>,
    /// Which variable of OpenTelemetry keeps it off, although another one names an endpoint.
    pub(super) off: Option<String>,
    /// The time between two pushes that a variable of OpenTelemetry asks for.
    pub(super) interval: Option<Duration>,
    /// Which variables of OpenTelemetry are not heeded, and why.
    pub(super) ignored: Vec<String>,
}

impl Given<'_> {
    /// Whether and how OTLP is pushed. What a variable of OpenTelemetry says wrongly is no error:
    /// it may be meant for another program, or for Locust.
    ///
    /// # Errors
    ///
    /// One line that names the flag, the value and what is accepted.
    pub(super) fn otlp(&self) -> Result<Chosen, String> {
        let args = &self.args.otlp;
        // Empty is not given, as a chart leaves it.
        let endpoint = args.endpoint.as_deref().map(str::trim).filter(|it| !it.is_empty());
        if endpoint.is_some_and(|endpoint| endpoint.eq_ignore_ascii_case(NONE)) {
            return Ok(Chosen::default());
        }
        let (mut env, ignored) = OtlpEnv::read(self.variables);
        let protocol = match args.protocol {
            Some(ProtocolArg::Grpc) => Protocol::Grpc,
            Some(ProtocolArg::Http) => Protocol::Http,
            // To an endpoint of the variables Locust speaks gRPC if they do not say how.
            None if self.with_otel && endpoint.is_none() => env.protocol.unwrap_or(Protocol::Grpc),
            None => env.protocol.unwrap_or(Protocol::Http),
        };
        let mut ignored: Vec<_> = ignored.iter().map(ToString::to_string).collect();
        let (mut by, mut along) = (None, Along::default());
        let address = if let Some(endpoint) = endpoint {
            let flag = self.origin.name("--push.otlp.endpoint");
            ignored.extend(Along::left(&env, &flag));
            address(endpoint, protocol, true).map_err(|cause| format!("{flag}: {cause}"))?
        } else {
            let Some(endpoint) = env.endpoint.take() else {
                return Ok(Chosen::default());
            };
            if let Some(keeps) = keeps_off(&env) {
                let flag = self.origin.name("--push.otlp.endpoint");
                let off = Some(format!(
                    "{keeps} keeps OTLP off, although {} names an endpoint: nothing is pushed by \
                     OTLP ({flag} would turn it on all the same)",
                    endpoint.variable
                ));
                return Ok(Chosen { off, ..Chosen::default() });
            }
            match address(endpoint.address(protocol).expose_secret(), protocol, false) {
                Ok(address) => {
                    by = Some(endpoint.variable);
                    let ours = self.args.otlp_backend.given().tls;
                    along = Along::of(&mut env, &ours, &mut ignored);
                    address
                }
                Err(cause) => {
                    let variable = endpoint.variable;
                    ignored
                        .push(format!("{variable} is ignored, nothing is pushed by OTLP: {cause}"));
                    return Ok(Chosen { ignored, ..Chosen::default() });
                }
            }
        };
        let interval = env.interval;
        let otlp = Some(self.pushed(address, protocol, env, along)?);
        Ok(Chosen { otlp, by, interval, ignored, off: None })
    }

    fn pushed(
        &self,
        address: Address,
        protocol: Protocol,
        env: OtlpEnv,
        mut along: Along,
    ) -> Result<Otlp, String> {
        let (args, common) = (&self.args.otlp, &self.args.common);
        let mut backend = self.args.otlp_backend.given();
        along.complete(&mut backend.tls);
        let target = backend.target(address, along.headers, self.origin)?;
        // What our flags say of a name is not to be undone by a variable.
        let mut inherited = env.resource.unwrap_or_default();
        let flags = [("service.name", &common.job), ("service.instance.id", &common.instance)];
        for (key, _) in flags.into_iter().filter(|(_, flag)| flag.is_some()) {
            inherited.retain(|(known, _)| known != key);
        }
        let resource = check::attributes(&args.resource, inherited).map_err(|cause| {
            format!("{}: {cause}", self.origin.name("--push.otlp.resource-attribute"))
        })?;
        Ok(Otlp {
            target,
            protocol,
            timeout: env.timeout.filter(|_| common.timeout.is_none()),
            gzip: match args.compression {
                Some(method) => method == CompressionArg::Gzip,
                None => env.gzip.unwrap_or(true),
            },
            resource,
            histograms: match args.histogram {
                Some(HistogramArg::Explicit) => Histograms::Explicit,
                Some(HistogramArg::Exponential) => Histograms::Exponential,
                None => env.histograms.unwrap_or(Histograms::Explicit),
            },
        })
    }
}

/// What of the variables says that nothing is to be pushed, if anything does.
fn keeps_off(env: &OtlpEnv) -> Option<&'static str> {
    if env.is_disabled == Some(true) {
        Some("OTEL_SDK_DISABLED=true")
    } else if env.is_exporter == Some(false) {
        Some("OTEL_METRICS_EXPORTER without otlp in it")
    } else {
        None
    }
}

/// Reads an address; the path of metrics is added to that of HTTP if `adds_path` and it is not
/// there.
fn address(text: &str, protocol: Protocol, adds_path: bool) -> Result<Address, String> {
    let mut address = backend::address(text, protocol == Protocol::Http)?;
    match protocol {
        Protocol::Http if adds_path => {
            let path = address.url.path().trim_end_matches('/');
            if let Some(other) = OTHERS.iter().find(|other| path.ends_with(**other)) {
                return Err(format!(
                    "{:?} is for other signals: leave out {other}, or write {PATH}",
                    address.url.as_str()
                ));
            }
            let path = path.strip_suffix(PATH).unwrap_or(path);
            let path = format!("{path}{PATH}");
            address.url.set_path(&path);
        }
        Protocol::Http => {}
        Protocol::Grpc if address.url.path().trim_matches('/').is_empty() => {}
        Protocol::Grpc => {
            return Err(format!(
                "{:?} has a path, which no address of gRPC has: expected http(s)://host:4317, or \
                 the protocol http/protobuf",
                address.url.as_str()
            ));
        }
    }
    Ok(address)
}
