//! Reads the Prometheus text format, strictly enough to compare numbers.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};

/// One line that is not a comment.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The metric's name.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its value.
    pub value: f64,
}

impl Sample {
    /// The value of a label; an absent one is empty.
    pub fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }
}

/// All samples of one scrape.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scrape(pub Vec<Sample>);

impl Scrape {
    /// Reads an exposition. A timestamp, an exemplar and `# EOF` are passed over.
    ///
    /// # Errors
    ///
    /// If a line is not a sample, or a series stands twice.
    pub fn parse(text: &str) -> Result<Self> {
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let samples = lines
            .map(|line| sample(line).with_context(|| format!("line {line:?}")))
            .collect::<Result<Vec<_>>>()?;
        Self::of(samples)
    }

    /// These samples.
    ///
    /// # Errors
    ///
    /// If a series stands twice.
    pub fn of(samples: Vec<Sample>) -> Result<Self> {
        let mut seen = std::collections::HashSet::new();
        for sample in &samples {
            ensure!(seen.insert((&sample.name, &sample.labels)), "{sample:?} stands twice");
        }
        Ok(Self(samples))
    }

    /// The series of a name that have at least these labels.
    pub fn series<'a>(
        &'a self,
        name: &'a str,
        labels: &'a [(&'a str, &'a str)],
    ) -> impl Iterator<Item = &'a Sample> {
        self.0.iter().filter(move |sample| {
            sample.name == name && labels.iter().all(|(label, value)| sample.label(label) == *value)
        })
    }

    /// The value of the only series that has at least these labels.
    ///
    /// # Errors
    ///
    /// If there is none, or more than one.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Result<f64> {
        let mut found = self.series(name, labels);
        match (found.next(), found.next()) {
            (Some(sample), None) => Ok(sample.value),
            (None, _) => bail!("there is no {name}{labels:?}"),
            (Some(_), Some(_)) => bail!("there is more than one {name}{labels:?}"),
        }
    }

    /// The sum over all series of a name; 0 where there are none.
    pub fn sum(&self, name: &str) -> f64 {
        self.series(name, &[]).map(|sample| sample.value).sum()
    }

    /// Whether a series of this name is there.
    pub fn has(&self, name: &str) -> bool {
        self.series(name, &[]).next().is_some()
    }
}

fn sample(line: &str) -> Result<Sample> {
    let end = line.find(['{', ' ']).context("no value")?;
    let (name, rest) = line.split_at(end);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (BTreeMap::new(), rest),
    };
    let value = rest.split_whitespace().next().context("no value")?;
    let value = value.parse().with_context(|| format!("value {value:?}"))?;
    Ok(Sample { name: name.to_owned(), labels, value })
}

/// Reads labels up to and with the closing brace; gives what follows.
fn labels(mut rest: &str) -> Result<(BTreeMap<String, String>, &str)> {
    let mut labels = BTreeMap::new();
    loop {
        rest = rest.trim_start_matches([',', ' ']);
        if let Some(rest) = rest.strip_prefix('}') {
            return Ok((labels, rest));
        }
        let (name, quoted) = rest.split_once("=\"").context("a label without a value")?;
        let (value, after) = text(quoted)?;
        ensure!(labels.insert(name.to_owned(), value).is_none(), "label {name} stands twice");
        rest = after;
    }
}

/// Reads an escaped text up to and with its closing quote; gives what follows.
fn text(quoted: &str) -> Result<(String, &str)> {
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return Ok((value, &quoted[at + 1..])),
            '\\' => match chars.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, escaped @ ('\\' | '"'))) => value.push(escaped),
                other => bail!("escape {other:?}"),
            },
            char => value.push(char),
        }
    }
    bail!("a label's value does not end")
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "what is read is exactly what was written")]
mod tests {
    use super::*;

    #[test]
    fn labels_are_unescaped() {
        let scrape =
            Scrape::parse("# HELP a b\na{b=\"x \\\"{}\\\\\\n,\",c=\"\"} 1.5e3 17\n").unwrap();
        assert_eq!(scrape.0[0].label("b"), "x \"{}\\\n,");
        assert_eq!(scrape.value("a", &[("c", "")]).unwrap(), 1500.0);
    }

    #[test]
    fn a_series_that_stands_twice_is_refused() {
        assert!(Scrape::parse("a{b=\"1\"} 1\na{b=\"1\"} 1\n").is_err());
        assert!(Scrape::parse("a{b=\"1\"} 1\na{b=\"2\"} 1\n").is_ok());
    }

    #[test]
    fn broken_lines_are_refused() {
        for bad in ["a", "a x", "a{b=\"c} 1", "a{b} 1", "a{b=\"\\x\"} 1", "a{b=\"1\",b=\"2\"} 1"] {
            assert!(Scrape::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn sums_and_single_values_are_kept_apart() {
        let scrape = Scrape::parse("a{b=\"1\"} 1\na{b=\"2\"} 2\nup 1\n").unwrap();
        assert_eq!(scrape.sum("a"), 3.0);
        assert!(scrape.value("a", &[]).is_err());
        assert!(scrape.value("c", &[]).is_err());
        assert!(scrape.has("up") && !scrape.has("down"));
    }
}
