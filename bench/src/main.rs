//! What the exporter costs: `cargo xtask bench` builds it, this, and the Python package, and runs it.
//!
//! Beside Locust, the exporter asks a canned Locust and is scraped over one connection. Beside each
//! figure stands the floor, measured in turns with it: see [`floor`]. Inside Locust, scripts of
//! `bench/python` do the work in a real Locust's Python; see [`inside`]. What is pushed is encoded
//! by this program, started again for each encoding; see [`push`].

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a command line program speaks to its user")]

mod canned;
mod case;
mod document;
mod floor;
mod inside;
mod outside;
mod process;
mod push;
mod scrape;
mod section;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};

use crate::document::Document;
use crate::section::{Means, SECTIONS, Section};

fn main() -> Result<()> {
    let words: Vec<_> = std::env::args_os().skip(1).take(2).collect();
    if let [push::ENCODE, wire] =
        [0, 1].map(|i| words.get(i).and_then(|w| w.to_str()).unwrap_or_default())
    {
        return push::encode(wire);
    }
    let arguments = Arguments::read()?;
    let mut document = arguments.report.as_deref().map(Document::open).transpose()?;
    let mut figures = serde_json::Map::new();
    for section in &arguments.sections {
        println!("## {}\n", section.title);
        let written = (section.measure)(&arguments.means).context(section.name)?;
        println!("{}", written.text);
        // At once: what comes later may fail, and this has taken minutes.
        if let Some(document) = &mut document {
            document.put(section, &written.text)?;
        }
        figures.insert(section.name.to_owned(), written.figures);
    }
    if let Some(path) = arguments.json {
        let text = serde_json::to_string_pretty(&figures)?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

struct Arguments {
    means: Means,
    sections: Vec<&'static Section>,
    report: Option<PathBuf>,
    json: Option<PathBuf>,
}

impl Arguments {
    fn read() -> Result<Self> {
        let mut means = Means::default();
        let (mut sections, mut report, mut json) = (Vec::new(), None, None);
        let mut words = std::env::args_os().skip(1);
        while let Some(word) = words.next() {
            let slot = match word.to_str() {
                Some("--exporter") => &mut means.exporter,
                Some("--locust") => &mut means.locust,
                Some("--package") => &mut means.package,
                Some("--report") => &mut report,
                Some("--json") => &mut json,
                other => {
                    let found = SECTIONS.iter().find(|section| Some(section.name) == other);
                    let Some(section) = found else { bail!(unknown(&word.to_string_lossy())) };
                    sections.push(section);
                    continue;
                }
            };
            let path = words.next().with_context(|| format!("{} needs a path", word.display()))?;
            *slot = Some(PathBuf::from(path));
        }
        if sections.is_empty() {
            sections.extend(SECTIONS);
        }
        for path in [&means.exporter, &means.locust, &means.package].into_iter().flatten() {
            ensure!(path.exists(), "there is no {}", path.display());
        }
        Ok(Self { means, sections, report, json })
    }
}

fn unknown(word: &str) -> String {
    let names: Vec<_> = SECTIONS.iter().map(|section| section.name).collect();
    format!(
        "unknown argument {word}: known are the sections {} and --exporter, --locust, --package, \
         --report, --json, each with a path",
        names.join(", ")
    )
}
