//! Errors of the command line, in one line that names the flag or variable, the value, and what is
//! accepted.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser};

use crate::cli::Cli;

/// Reads flags and variables; on a usage error, answers the line to print.
///
/// # Errors
///
/// The line. Help and version texts are printed, and end the program with 0.
pub(crate) fn parse(args: &[OsString]) -> Result<Cli, String> {
    Cli::try_parse_from(args).map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => error.exit(),
        _ => one_line(&error, args),
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
    let line = line.strip_prefix("error: ").unwrap_or(&line).to_owned();
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
