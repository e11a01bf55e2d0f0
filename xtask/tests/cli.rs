//! The command line of `cargo xtask`.

use std::io;
use std::process::{Command, Output};

fn xtask(arguments: &[&str]) -> io::Result<Output> {
    Command::new(env!("CARGO_BIN_EXE_xtask")).args(arguments).output()
}

#[test]
fn alone_or_asked_for_help_it_lists_the_commands() {
    for arguments in [&[][..], &["--help"], &["help"], &["test", "--help"]] {
        let output = xtask(arguments).unwrap();
        assert!(output.status.success(), "{arguments:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        for command in ["demo", "test", "lint", "tools"] {
            assert!(text.contains(&format!("\n  {command}")), "{text}");
        }
    }
}

#[test]
fn what_it_does_not_know_is_exit_code_2_and_one_line_that_names_it() {
    for arguments in [
        &["dmeo"][..],
        &["demo", "--chekc"],
        &["test", "--all"],
        &["tools", "now"],
        &["lint", "x"],
        &["bench", "x"],
    ] {
        let output = xtask(arguments).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.contains(arguments[arguments.len() - 1]), "{said}");
    }
}
