//! The project's own chores: `cargo xtask COMMAND`.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program speaks to its user"
)]

mod bench;
mod demo;
mod fuzz;
mod generate;
mod lint;
mod package;
mod step;
mod test;
mod tools;
mod usage;

use std::env;
use std::process::ExitCode;

use usage::Usage;

struct Command {
    name: &'static str,
    arguments: &'static str,
    about: &'static str,
    run: fn(&[String]) -> anyhow::Result<()>,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "demo",
        arguments: "[--check]",
        about: "Show the exporter beside and inside a real Locust under load, until Ctrl-C. \
                With --check, compare the numbers of both with Locust's and end.",
        run: demo::run,
    },
    Command {
        name: "test",
        arguments: "[--require-all] [--full] [-- ARGS]",
        about: "Run all tests, those with real servers too; ARGS go to `cargo test`. \
                With --require-all, a tool that cannot be had is an error. \
                With --full, every mode of Locust is tested in every situation.",
        run: test::run,
    },
    Command {
        name: "lint",
        arguments: "[--require-all]",
        about: "Check form, lints, dependencies and Python files. \
                With --require-all, a check that cannot be made is an error.",
        run: lint::run,
    },
    Command {
        name: "bench",
        arguments: "[SECTION...] [--json PATH]",
        about: "Measure what the exporter costs, and write docs/benchmarks.md: all of it, or some \
                of the sections outside, events, scrapes, reports, load. \
                With --json, write the figures for programs too.",
        run: bench::run,
    },
    Command {
        name: "generate",
        arguments: "[--check]",
        about: "Write the references that are made from the code. \
                With --check, only say whether they are fresh.",
        run: generate::run,
    },
    Command {
        name: "fuzz",
        arguments: "[--seconds N] [TARGET...]",
        about: "Run every fuzz target of every crate, or those of these names, for N seconds each \
                (60). They begin with the inputs kept in crates/CRATE/fuzz/corpus/TARGET; what they \
                find goes to target/fuzz.",
        run: fuzz::run,
    },
    Command {
        name: "tools",
        arguments: "",
        about: "Get the tools that the other commands use (into target/tools) and show them.",
        run: tools::run,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else {
        print!("{}", help());
        return ExitCode::SUCCESS;
    };
    if matches!(name.as_str(), "--help" | "-h" | "help")
        || rest.iter().take_while(|word| *word != "--").any(|word| word == "--help")
    {
        print!("{}", help());
        return ExitCode::SUCCESS;
    }
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        eprintln!("cargo xtask: there is no command {name:?}; `cargo xtask --help` lists them");
        return ExitCode::from(2);
    };
    match (command.run)(rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cargo xtask {name}: {error:#}");
            ExitCode::from(if error.is::<Usage>() { 2 } else { 1 })
        }
    }
}

fn help() -> String {
    let mut text = String::from("The project's own chores.\n\nUsage: cargo xtask COMMAND\n\n");
    for Command { name, arguments, about, .. } in COMMANDS {
        let head = format!("{name} {arguments}");
        text.push_str("  ");
        text.push_str(head.trim_end());
        for sentence in about.split_inclusive(". ") {
            text.push_str("\n      ");
            text.push_str(sentence.trim_end());
        }
        text.push('\n');
    }
    text
}
