//! The parts of the report: each can be measured alone.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::{inside, outside, push};

/// A part of the report.
pub(crate) struct Section {
    /// Its name on the command line, and in the document's marks.
    pub(crate) name: &'static str,
    /// Its heading.
    pub(crate) title: &'static str,
    /// Measures, which takes a while.
    pub(crate) measure: fn(&Means) -> Result<Written>,
}

/// Every section, in the order of the document.
pub(crate) const SECTIONS: &[Section] = &[
    Section { name: "outside", title: "Beside Locust: a scrape", measure: outside::measure },
    Section {
        name: "events",
        title: "Inside Locust: a request event",
        measure: inside::events::measure,
    },
    Section {
        name: "scrapes",
        title: "Inside Locust: a scrape, and the loop meanwhile",
        measure: inside::scrapes::measure,
    },
    Section {
        name: "reports",
        title: "Inside Locust: a worker's report",
        measure: inside::reports::measure,
    },
    Section {
        name: "load",
        title: "Inside Locust: a request of FastHttpUser",
        measure: inside::load::measure,
    },
    Section { name: "push", title: "Pushing: a pass of 100,000 series", measure: push::measure },
];

/// What a section came to.
pub(crate) struct Written {
    /// For people, in Markdown.
    pub(crate) text: String,
    /// For programs.
    pub(crate) figures: Value,
}

/// What is measured.
#[derive(Default)]
pub(crate) struct Means {
    pub(crate) exporter: Option<PathBuf>,
    pub(crate) locust: Option<PathBuf>,
    pub(crate) package: Option<PathBuf>,
}

impl Means {
    /// The exporter's program.
    pub(crate) fn exporter(&self) -> Result<&Path> {
        self.exporter.as_deref().context("--exporter PATH is missing: the program to measure")
    }

    /// The `locust` command.
    pub(crate) fn locust(&self) -> Result<&Path> {
        self.locust.as_deref().context("--locust PATH is missing: the `locust` command")
    }

    /// The folder that Python imports the package from.
    pub(crate) fn package(&self) -> Result<&Path> {
        self.package.as_deref().context("--package PATH is missing: the folder of the package")
    }
}
