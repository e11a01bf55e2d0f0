//! `docs/benchmarks.md`: sections between marks, so that one can be measured again alone.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::section::{SECTIONS, Section};

const HEAD: &str = "\
# Benchmarks

Made by `cargo xtask bench`; `cargo xtask bench SECTION` measures one section again.
";

/// The document.
pub(crate) struct Document {
    path: PathBuf,
    /// What stands between a section's marks; `None` if it was never measured.
    parts: Vec<(&'static Section, Option<String>)>,
}

impl Document {
    /// Reads what is there.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let text = if path.exists() {
            fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?
        } else {
            String::new()
        };
        let parts = SECTIONS.iter().map(|section| (section, between(&text, section.name)));
        Ok(Self { path: path.to_owned(), parts: parts.collect() })
    }

    /// Puts a section in its place, and writes the document.
    pub(crate) fn put(&mut self, section: &Section, text: &str) -> Result<()> {
        for (known, part) in &mut self.parts {
            if known.name == section.name {
                *part = Some(format!("## {}\n\n{}\n", section.title, text.trim_end()));
            }
        }
        fs::write(&self.path, self.text())
            .with_context(|| format!("cannot write {}", self.path.display()))
    }

    fn text(&self) -> String {
        let mut text = HEAD.to_owned();
        for (section, part) in &self.parts {
            if let Some(part) = part {
                let (begin, end) = marks(section.name);
                text.extend(["\n", &begin, "\n", part, &end, "\n"]);
            }
        }
        text
    }
}

fn marks(name: &str) -> (String, String) {
    (format!("<!-- {name} -->"), format!("<!-- /{name} -->"))
}

fn between(text: &str, name: &str) -> Option<String> {
    let (begin, end) = marks(name);
    let (_, rest) = text.split_once(&format!("{begin}\n"))?;
    Some(rest.split_once(&end)?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_measured_again_leaves_the_others_as_they_are() {
        let folder = std::env::temp_dir().join(format!("bench-document-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("benchmarks.md");
        let [first, second, ..] = SECTIONS else { panic!("two sections") };
        for (section, text) in [(second, "of the second"), (first, "of the first"), (second, "new")]
        {
            Document::open(&path).unwrap().put(section, text).unwrap();
        }
        let text = fs::read_to_string(&path).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        assert!(text.contains("of the first") && !text.contains("of the second"), "{text}");
        assert!(text.find("of the first") < text.find("new"), "{text}");
    }
}
