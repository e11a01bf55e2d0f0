//! What a scrape costs: `cargo xtask bench` builds this and the exporter, and runs it.
//!
//! The exporter asks a canned Locust and is scraped over one connection. Beside each figure stands
//! the floor, measured in turns with it: see [`floor`].

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a command line program speaks to its user")]

mod canned;
mod case;
mod floor;
mod process;
mod scrape;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use crate::case::{Case, Figures};

const CASES: [Case; 7] = [
    Case { rows: 10, encoding: "identity" },
    Case { rows: 500, encoding: "identity" },
    Case { rows: 5_000, encoding: "identity" },
    Case { rows: 500, encoding: "gzip" },
    Case { rows: 5_000, encoding: "gzip" },
    Case { rows: 500, encoding: "zstd" },
    Case { rows: 5_000, encoding: "zstd" },
];

const PREFACE: &str = "\
# Benchmarks

Made by `cargo xtask bench`. One scrape of `/metrics` in the text format, both default schemas, of a
Locust with that many endpoints, 500 errors, 100 workers, 20 exceptions. 5,000 endpoints come
through the CSV, since Locust's JSON ends at 500.

CPU is the exporter's whole process for one scrape, the kernel's share included: asking Locust over
HTTP, reading, naming, writing, answering over HTTP. The floor is the same bodies read by serde_json
(and csv) into plain structs and the same uncompressed bytes written by a bare loop into memory,
without HTTP. Both take turns on the same machine: the ratios can be compared between machines, the
times cannot.

";

fn main() -> Result<()> {
    let arguments = Arguments::read()?;
    let mut table = String::from(Figures::table_head());
    let mut figures = Vec::new();
    print!("{table}");
    for case in CASES {
        let measured = case.measure(&arguments.exporter)?;
        print!("{}", measured.table_row());
        table.push_str(&measured.table_row());
        figures.push(measured);
    }
    if let Some(path) = arguments.report {
        write(&path, &format!("{PREFACE}{table}"))?;
    }
    if let Some(path) = arguments.json {
        write(&path, &serde_json::to_string_pretty(&figures)?)?;
    }
    Ok(())
}

fn write(path: &PathBuf, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

struct Arguments {
    exporter: PathBuf,
    report: Option<PathBuf>,
    json: Option<PathBuf>,
}

impl Arguments {
    fn read() -> Result<Self> {
        let (mut exporter, mut report, mut json) = (None, None, None);
        let mut words = std::env::args_os().skip(1);
        while let Some(flag) = words.next() {
            let slot = match flag.to_str() {
                Some("--exporter") => &mut exporter,
                Some("--report") => &mut report,
                Some("--json") => &mut json,
                _ => bail!(
                    "unknown argument {}: known are --exporter, --report, --json",
                    flag.display()
                ),
            };
            let path = words.next().with_context(|| format!("{} needs a path", flag.display()))?;
            *slot = Some(PathBuf::from(path));
        }
        let exporter = exporter.context("--exporter PATH is missing: the program to measure")?;
        Ok(Self { exporter, report, json })
    }
}
