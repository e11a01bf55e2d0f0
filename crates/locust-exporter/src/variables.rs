//! Environment variables that are named as ours are and that no option reads: most likely spelling
//! mistakes, which would do nothing, silently.

use std::ffi::OsStr;

use clap::CommandFactory as _;

use crate::cli::{Cli, SECRET_VARIABLES};
use crate::{inside, push_args};

/// What the names of our variables begin with.
const PREFIX: &str = "LOCUST_EXPORTER_";

/// A line for each variable of the environment that begins like ours, has a value, and is read by
/// neither form of the exporter; with the nearest name that is.
pub fn misspelt() -> Vec<String> {
    let set = std::env::vars_os();
    let mut names: Vec<String> = set
        .filter(|(_, value)| !value.is_empty())
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, value)| name.starts_with(PREFIX) && !is_of_kubernetes(name, value))
        .map(|(name, _)| name)
        .collect();
    if names.is_empty() {
        return Vec::new();
    }
    names.sort();
    let known = Known::all();
    names.iter().filter_map(|name| known.complaint(name)).collect()
}

/// Names that may have been meant, and the variable that each stands for.
struct Known(Vec<(String, String)>);

impl Known {
    /// Those of both forms of the exporter: one environment may be for both.
    fn all() -> Self {
        let command = Cli::command();
        let beside = command.get_arguments().filter_map(|arg| {
            let variable = arg.get_env()?.to_string_lossy().into_owned();
            Some((arg.get_long()?.to_owned(), variable))
        });
        let inside = inside::options().into_iter().map(|option| (option.name, option.variable));
        // A few variables have the names that the Go exporters gave them, where others would be
        // expected.
        let expected = |(flag, variable): (String, String)| {
            [(derived(&flag), variable.clone()), (variable.clone(), variable)]
        };
        let secrets = SECRET_VARIABLES.into_iter().chain(push_args::SECRET_VARIABLES);
        let secrets = secrets.map(|(variable, _)| (variable.to_owned(), variable.to_owned()));
        Self(beside.chain(inside).flat_map(expected).chain(secrets).collect())
    }

    /// What there is to say of a variable; nothing of one that is read.
    fn complaint(&self, name: &str) -> Option<String> {
        if self.0.iter().any(|(_, variable)| variable == name) {
            return None;
        }
        let nearest =
            self.0.iter().min_by_key(|(known, _)| strsim::damerau_levenshtein(known, name));
        let (_, meant) = nearest?;
        Some(format!(
            "variable {name} does nothing: there is none of that name; the nearest is {meant}"
        ))
    }
}

/// The variable that a flag has but for a few.
fn derived(flag: &str) -> String {
    format!("{PREFIX}{}", flag.replace(['.', '-'], "_").to_uppercase())
}

/// Whether Kubernetes sets a variable of this name in every pod beside a Service whose name begins
/// with `locust-exporter`.
fn is_of_kubernetes(name: &str, value: &OsStr) -> bool {
    const PROTOCOLS: [&str; 3] = ["TCP", "UDP", "SCTP"];
    if name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.contains("_SERVICE_PORT_")
    {
        return true;
    }
    // LOCUST_EXPORTER_PORT=tcp://10.0.0.1:9646; a user may mean an address with that name.
    if name.ends_with("_PORT") && value.to_string_lossy().contains("://") {
        return true;
    }
    // LOCUST_EXPORTER_PORT_9646_TCP, and the same with _ADDR, _PORT, _PROTO.
    name.match_indices("_PORT_").any(|(at, word)| {
        let mut words = name[at + word.len()..].split('_');
        let port = words.next().unwrap_or_default();
        let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        is_port && words.next().is_some_and(|word| PROTOCOLS.contains(&word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_variable_is_told_with_the_nearest_name() {
        let known = Known::all();
        for (name, meant) in [
            ("LOCUST_EXPORTER_WEB_LISTEN_ADDRES", "LOCUST_EXPORTER_WEB_LISTEN_ADDRESS"),
            ("LOCUST_EXPORTER_LISTEN_ADDRESS", "LOCUST_EXPORTER_WEB_LISTEN_ADDRESS"),
            ("LOCUST_EXPORTER_METRIC_SCHEMA", "LOCUST_EXPORTER_METRICS_SCHEMA"),
            ("LOCUST_EXPORTER_METRICS_BUCKET", "LOCUST_EXPORTER_METRICS_BUCKETS"),
            ("LOCUST_EXPORTER_LOCUST_URI", "LOCUST_EXPORTER_URI"),
            ("LOCUST_EXPORTER_LOCUST_NAMESPACE", "LOCUST_METRIC_NAMESPACE"),
            ("LOCUST_EXPORTER_LOCUST_PASWORD", "LOCUST_EXPORTER_LOCUST_PASSWORD"),
        ] {
            let line = known.complaint(name).expect("it is none of ours");
            assert!(line.contains(name) && line.ends_with(&format!(" {meant}")), "{line}");
        }
    }

    #[test]
    fn variables_of_both_forms_and_of_secrets_are_known() {
        let known = Known::all();
        for name in [
            "LOCUST_EXPORTER_URI",
            "LOCUST_EXPORTER_METRICS_BUCKETS",
            "LOCUST_EXPORTER_PUSH_REMOTE_WRITE_PASSWORD",
            "LOCUST_EXPORTER_LOCUST_BEARER_TOKEN",
        ] {
            assert_eq!(known.complaint(name), None, "{name}");
        }
    }

    #[test]
    fn variables_that_kubernetes_sets_for_services_are_not_ours() {
        for (name, value) in [
            ("LOCUST_EXPORTER_SERVICE_HOST", "10.0.0.1"),
            ("LOCUST_EXPORTER_SERVICE_PORT", "9646"),
            ("LOCUST_EXPORTER_SERVICE_PORT_METRICS", "9646"),
            ("LOCUST_EXPORTER_PORT", "tcp://10.0.0.1:9646"),
            ("LOCUST_EXPORTER_PORT_9646_TCP", "tcp://10.0.0.1:9646"),
            ("LOCUST_EXPORTER_PORT_9646_TCP_PROTO", "tcp"),
            ("LOCUST_EXPORTER_PORT_9646_TCP_PORT", "9646"),
            ("LOCUST_EXPORTER_PORT_9646_TCP_ADDR", "10.0.0.1"),
            ("LOCUST_EXPORTER_CI_PORT_9646_UDP_ADDR", "10.0.0.1"),
        ] {
            assert!(is_of_kubernetes(name, OsStr::new(value)), "{name}");
        }
        for (name, value) in [
            ("LOCUST_EXPORTER_PORT", "9646"),
            ("LOCUST_EXPORTER_PORT_NUMBER", "9646"),
            ("LOCUST_EXPORTER_WEB_LISTEN_ADDRES", ":9646"),
        ] {
            assert!(!is_of_kubernetes(name, OsStr::new(value)), "{name}");
        }
    }
}
