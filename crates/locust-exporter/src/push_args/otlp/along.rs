//! What goes along to an endpoint that the standard variables name: their headers and files.
//!
//! They are that endpoint's credentials. To an address of our own flag they do not go: it may be
//! another's.

use std::path::PathBuf;

use outgoing::{ConfigError, Tls, tls_config};
use push::{OtlpEnv, Said};
use secrecy::SecretString;

use crate::push_args::backend;

/// What goes along, as far as it can be used.
#[derive(Default)]
pub(super) struct Along {
    pub(super) headers: Vec<(String, SecretString)>,
    ca_file: Option<PathBuf>,
    /// A client certificate and its key.
    pair: Option<(PathBuf, PathBuf)>,
}

impl Along {
    /// Takes it out of what the variables say. What cannot be used is told to `ignored`: no
    /// variable ends the program, since it may be meant for somebody else.
    ///
    /// `ours` is what our own flags say: a variable for which there is a flag is not looked at.
    pub(super) fn of(env: &mut OtlpEnv, ours: &Tls, ignored: &mut Vec<String>) -> Self {
        let mut headers = Vec::new();
        if let Some(Said { variable, value }) = env.headers.take() {
            for (name, value) in value {
                if backend::is_reserved(&name) {
                    ignored.push(format!(
                        "{variable}: {name} is ignored: it is set by the exporter itself"
                    ));
                } else {
                    headers.push((name, value));
                }
            }
        }
        let (ca, cert, key) = (env.ca_file.take(), env.cert_file.take(), env.key_file.take());
        let ca_file = ca.filter(|_| ours.ca_file.is_none()).and_then(|ca| {
            let tls = Tls { ca_file: Some(ca.value.clone()), ..Tls::default() };
            usable(&tls).map_err(|cause| ignored.push(line(ca.variable, &cause))).ok()?;
            Some(ca.value)
        });
        let pair = if ours.cert_file.is_none() && ours.key_file.is_none() {
            pair(cert, key).map_err(|line| ignored.push(line)).ok().flatten()
        } else {
            None
        };
        Self { headers, ca_file, pair }
    }

    /// Says of what is in the variables that it goes nowhere, if there is anything.
    pub(super) fn left(env: &OtlpEnv, flag: &str) -> Option<String> {
        let files = [&env.ca_file, &env.cert_file, &env.key_file];
        let files = files.into_iter().flatten().map(|said| said.variable);
        let left: Vec<_> = env.headers.iter().map(|said| said.variable).chain(files).collect();
        (!left.is_empty()).then(|| {
            format!(
                "not used: {}; they go to no address but that of OpenTelemetry's variables, and \
                 {flag} names one",
                left.join(", ")
            )
        })
    }

    /// Adds the files to those that our own flags name.
    pub(super) fn complete(&mut self, tls: &mut Tls) {
        if let Some(file) = self.ca_file.take() {
            tls.ca_file = Some(file);
        }
        if let Some((cert, key)) = self.pair.take() {
            (tls.cert_file, tls.key_file) = (Some(cert), Some(key));
        }
    }
}

/// A client certificate and its key, which go together.
fn pair(
    cert: Option<Said<PathBuf>>,
    key: Option<Said<PathBuf>>,
) -> Result<Option<(PathBuf, PathBuf)>, String> {
    let (cert, key) = match (cert, key) {
        (None, None) => return Ok(None),
        (Some(cert), Some(key)) => (cert, key),
        (Some(cert), None) => return Err(half(cert.variable, "OTEL_EXPORTER_OTLP_CLIENT_KEY")),
        (None, Some(key)) => {
            return Err(half(key.variable, "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"));
        }
    };
    let tls = Tls {
        cert_file: Some(cert.value.clone()),
        key_file: Some(key.value.clone()),
        ..Tls::default()
    };
    usable(&tls).map_err(|cause| {
        let is_key = matches!(&cause, ConfigError::File { path, .. } if *path == key.value);
        line(if is_key { key.variable } else { cert.variable }, &cause)
    })?;
    Ok(Some((cert.value, key.value)))
}

/// Whether the files can be used: they are read.
fn usable(tls: &Tls) -> Result<(), ConfigError> {
    tls_config(tls, false).map(drop)
}

fn line(variable: &str, cause: &ConfigError) -> String {
    format!("{variable} is ignored: {cause}")
}

fn half(variable: &str, other: &str) -> String {
    format!("{variable} is ignored: {other} is missing: set both")
}
