//! Errors of the command line, in one line that names the flag or variable, the value, and what is
//! accepted.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, Command, CommandFactory, FromArgMatches, parser::ValueSource};

use crate::cli::Cli;
use crate::secret;

/// Which options were given by a variable.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    /// Flag and variable.
    variables: Vec<(String, String)>,
}

impl Origin {
    fn of(matches: &ArgMatches) -> Self {
        let command = Cli::command();
        let given = command.get_arguments().filter(|arg| {
            matches.value_source(arg.get_id().as_str()) == Some(ValueSource::EnvVariable)
        });
        let names = |arg: &clap::Arg| {
            let variable = arg.get_env()?.to_string_lossy().into_owned();
            Some((format!("--{}", arg.get_long()?), variable))
        };
        Self { variables: given.filter_map(names).collect() }
    }

    /// What the user wrote to give this flag's value.
    pub(crate) fn name(&self, flag: &str) -> String {
        let variable = self.variables.iter().find(|(given, _)| given == flag);
        variable.map_or_else(|| flag.to_owned(), |(_, variable)| format!("variable {variable}"))
    }
}

/// Reads flags and variables; on a usage error, answers the line to print.
///
/// # Errors
///
/// The line. Help and version texts are printed, and end the program with 0.
pub(crate) fn parse(args: &[OsString]) -> Result<Cli, String> {
    let parsed = command().try_get_matches_from(args).and_then(|matches| {
        let mut cli = Cli::from_arg_matches(&matches)?;
        cli.origin = Origin::of(&matches);
        Ok(cli)
    });
    parsed.map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => error.exit(),
        _ => secret::without_credentials(&one_line(&error, args)),
    })
}

/// The command line. A variable without a value counts as not set, as with the Go exporters: a
/// chart that leaves a value open sets such ones. The help does not show what variables hold: there
/// may be a password in an address.
fn command() -> Command {
    Cli::command().mut_args(|arg| {
        let is_empty = |name| std::env::var_os(name).is_some_and(|value| value.is_empty());
        let arg = if arg.get_env().is_some_and(is_empty) { arg.env(None::<&str>) } else { arg };
        arg.hide_env_values(true)
    })
}

fn one_line(error: &clap::Error, args: &[OsString]) -> String {
    let text = error.to_string();
    let parts: Vec<&str> = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"))
        .filter(|line| !line.is_empty())
        .collect();
    let line = parts.join("; ");
    let mut line = line.strip_prefix("error: ").unwrap_or(&line).to_owned();
    if error.kind() == ErrorKind::UnknownArgument {
        line.push_str("; --help shows all");
    }
    match variable_at_fault(error, args) {
        Some(variable) => format!("variable {variable}: {line}"),
        None => line,
    }
}

/// The variable that a bad value came from, if the flag itself was not given.
fn variable_at_fault(error: &clap::Error, args: &[OsString]) -> Option<String> {
    let Some(ContextValue::String(shown)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let flag = shown.split_whitespace().next()?;
    let given = args.iter().filter_map(|arg| arg.to_str()).any(|arg| {
        arg.strip_prefix(flag).is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
    });
    let command = Cli::command();
    let arg = command
        .get_arguments()
        .find(|arg| arg.get_long().is_some_and(|long| flag.strip_prefix("--") == Some(long)))?;
    let variable = arg.get_env()?;
    (!given && std::env::var_os(variable).is_some())
        .then(|| variable.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(args: &[&str]) -> String {
        let args: Vec<OsString> = std::iter::once("locust_exporter")
            .chain(args.iter().copied())
            .map(Into::into)
            .collect();
        parse(&args).expect_err("a usage error")
    }

    #[test]
    fn a_mistyped_flag_is_named_with_the_one_that_was_meant() {
        let line = error_of(&["--locust.urii=http://localhost"]);
        assert_eq!(line.lines().count(), 1);
        assert!(line.contains("--locust.urii") && line.contains("'--locust.uri'"), "{line}");
    }

    #[test]
    fn a_bad_value_is_named_with_what_is_accepted() {
        let line = error_of(&["--locust.timeout=5"]);
        assert!(line.contains("--locust.timeout") && line.contains("'5'"), "{line}");
        assert!(line.contains("5s, 1m30s or 250ms"), "{line}");
        let line = error_of(&["--log.level=loud"]);
        assert!(line.contains("'loud'") && line.contains("debug, info, warn, error"), "{line}");
    }
}
