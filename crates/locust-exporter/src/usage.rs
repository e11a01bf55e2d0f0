//! Errors of the command line, in one line that names the flag or variable, the value, and what is
//! accepted.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, Command, CommandFactory, FromArgMatches, parser::ValueSource};

use crate::cli::Cli;
use crate::secret;

/// What the user wrote, where that is not the flag by its own name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    /// Flag, and what was written.
    names: Vec<(String, String)>,
}

impl Origin {
    fn of(matches: &ArgMatches) -> Self {
        let command = Cli::command();
        let given = command.get_arguments().filter(|arg| {
            matches.value_source(arg.get_id().as_str()) == Some(ValueSource::EnvVariable)
        });
        let names = |arg: &clap::Arg| {
            let variable = arg.get_env()?.to_string_lossy();
            Some((format!("--{}", arg.get_long()?), format!("variable {variable}")))
        };
        Self::new(given.filter_map(names).collect())
    }

    /// Pairs of a flag and of what was written for it.
    pub(crate) fn new(names: Vec<(String, String)>) -> Self {
        Self { names }
    }

    /// A text in which flags are named as the user wrote them.
    pub(crate) fn in_given_words(&self, text: &str) -> String {
        let replace =
            |text: String, (flag, written): &(String, String)| replace_word(&text, flag, written);
        self.names.iter().fold(text.to_owned(), replace)
    }

    /// What the user wrote to give this flag's value.
    pub(crate) fn name(&self, flag: &str) -> String {
        let written = self.names.iter().find(|(given, _)| given == flag);
        written.map_or_else(|| flag.to_owned(), |(_, written)| written.clone())
    }
}

/// A text with another word for `flag`, wherever that stands by itself: other flags may begin with
/// it.
fn replace_word(text: &str, flag: &str, written: &str) -> String {
    let mut replaced = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(flag) {
        let (before, after) = (&rest[..at], &rest[at + flag.len()..]);
        let goes_on = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let mut next = after.chars();
        let is_longer = match next.next() {
            // A full stop may end the sentence.
            Some('.') => next.next().is_some_and(goes_on),
            Some(c) => goes_on(c),
            None => false,
        };
        replaced.push_str(before);
        replaced.push_str(if is_longer { flag } else { written });
        rest = after;
    }
    replaced + rest
}

/// Why there is nothing to run.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Help or version were asked for, and have been printed.
    Told,
    /// This line says what is wrong.
    Wrong(String),
}

/// Reads flags and variables. Help and version texts are printed.
///
/// # Errors
///
/// Why there is nothing to run.
pub(crate) fn parse(args: &[OsString]) -> Result<Cli, Stop> {
    let parsed = command().try_get_matches_from(args).and_then(|matches| {
        let mut cli = Cli::from_arg_matches(&matches)?;
        cli.origin = Origin::of(&matches);
        Ok(cli)
    });
    parsed.map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // Nothing can be done about a standard output that is closed.
            let _ = error.print();
            Stop::Told
        }
        _ => Stop::Wrong(secret::without_credentials(&one_line(&error, args))),
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
    match variable_at_fault(error, args) {
        Some(variable) => line_of_variable(error, &variable),
        None => line(error),
    }
}

/// What clap says of a value that was given by a variable: without the flag, which nobody typed.
pub(crate) fn line_of_variable(error: &clap::Error, variable: &str) -> String {
    let line = line(error);
    let shown = invalid_arg(error).map(|shown| format!(" for '{shown}'"));
    let line = shown.map_or(line.clone(), |shown| line.replacen(&shown, "", 1));
    format!("variable {variable}: {line}")
}

/// The option that clap complains of, as it shows it: `--web.max-requests <COUNT>`.
pub(crate) fn invalid_arg(error: &clap::Error) -> Option<&str> {
    match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(shown)) => Some(shown),
        _ => None,
    }
}

/// What clap says, without its hints on usage.
pub(crate) fn line(error: &clap::Error) -> String {
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
    line
}

/// The variable that a bad value came from, if the flag itself was not given.
fn variable_at_fault(error: &clap::Error, args: &[OsString]) -> Option<String> {
    let flag = invalid_arg(error)?.split_whitespace().next()?;
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
        match parse(&args).expect_err("a usage error") {
            Stop::Wrong(line) => line,
            Stop::Told => panic!("nobody asked for help"),
        }
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
