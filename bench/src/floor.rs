//! The least that any exporter must do: read the bodies into plain structs, and write the same
//! bytes in a bare loop. No HTTP, no compression, no names to find, nothing checked.

use std::collections::BTreeMap;
use std::hint::black_box;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use crate::canned::Bodies;

/// The work, prepared.
pub(crate) struct Floor<'a> {
    bodies: &'a Bodies,
    lines: Vec<Line>,
    out: Vec<u8>,
}

/// A line of an exposition: what stands before the number, and the number.
struct Line {
    text: Vec<u8>,
    value: Option<Number>,
}

#[derive(Clone, Copy)]
enum Number {
    Integer(u64),
    Float(f64),
}

impl<'a> Floor<'a> {
    /// Prepares to write `exposition` again.
    ///
    /// # Errors
    ///
    /// If a number in it cannot be read.
    pub(crate) fn new(bodies: &'a Bodies, exposition: &[u8]) -> Result<Self> {
        let lines = exposition.split_inclusive(|byte| *byte == b'\n').map(line);
        let mut floor = Self { bodies, lines: lines.collect::<Result<_>>()?, out: Vec::new() };
        floor.write();
        ensure!(floor.out == exposition, "the bare loop does not write the same bytes");
        Ok(floor)
    }

    /// Does it once.
    ///
    /// # Errors
    ///
    /// If a body is not as it was made.
    pub(crate) fn run(&mut self) -> Result<()> {
        black_box(serde_json::from_slice::<Stats>(&self.bodies.stats)?);
        if let Some(csv) = &self.bodies.csv {
            let rows = csv::Reader::from_reader(&**csv).into_deserialize::<CsvRow>();
            black_box(rows.collect::<Result<Vec<_>, _>>()?);
        }
        black_box(serde_json::from_slice::<Exceptions>(&self.bodies.exceptions)?);
        black_box(serde_json::from_slice::<Tasks>(&self.bodies.tasks)?);
        self.write();
        black_box(&self.out);
        Ok(())
    }

    fn write(&mut self) {
        self.out.clear();
        for Line { text, value } in &self.lines {
            self.out.extend_from_slice(text);
            match value {
                Some(Number::Integer(value)) => {
                    self.out.extend_from_slice(itoa::Buffer::new().format(*value).as_bytes());
                }
                Some(Number::Float(value)) => {
                    self.out.extend_from_slice(zmij::Buffer::new().format(*value).as_bytes());
                }
                None => continue,
            }
            self.out.push(b'\n');
        }
    }
}

fn line(line: &[u8]) -> Result<Line> {
    let whole = || Line { text: line.to_owned(), value: None };
    let value = line.rsplit(|byte| *byte == b' ').next().unwrap_or_default();
    if line.starts_with(b"#") || value.is_empty() {
        return Ok(whole());
    }
    let value = str::from_utf8(value)?.trim_end();
    let number = match value.parse::<u64>() {
        Ok(integer) => Number::Integer(integer),
        Err(_) => Number::Float(value.parse().with_context(|| format!("{value:?}"))?),
    };
    let written = match number {
        Number::Integer(value) => value.to_string(),
        Number::Float(value) => zmij::Buffer::new().format(value).to_owned(),
    };
    if written != value {
        return Ok(whole());
    }
    let text = line[..line.len() - value.len() - 1].to_owned();
    Ok(Line { text, value: Some(number) })
}

#[expect(dead_code, reason = "read, as every exporter must, and then dropped")]
#[derive(Deserialize)]
struct Stats {
    #[serde(rename = "stats")]
    rows: Vec<Row>,
    errors: Vec<Failure>,
    workers: Vec<Worker>,
    state: String,
    user_count: u64,
    fail_ratio: f64,
    current_rps: f64,
    current_fail_per_sec: f64,
    current_response_time_percentiles: BTreeMap<String, Option<f64>>,
}

#[expect(dead_code, reason = "read, as every exporter must, and then dropped")]
#[derive(Deserialize)]
struct Row {
    method: String,
    name: String,
    num_requests: u64,
    num_failures: u64,
    min_response_time: f64,
    max_response_time: f64,
    avg_response_time: f64,
    median_response_time: f64,
    #[serde(rename = "response_time_percentile_0.95")]
    percentile_95: f64,
    #[serde(rename = "response_time_percentile_0.99")]
    percentile_99: f64,
    current_rps: f64,
    current_fail_per_sec: f64,
    avg_content_length: f64,
}

#[expect(dead_code, reason = "read, as every exporter must, and then dropped")]
#[derive(Deserialize)]
struct Failure {
    method: String,
    name: String,
    error: String,
    occurrences: u64,
}

#[expect(dead_code, reason = "read, as every exporter must, and then dropped")]
#[derive(Deserialize)]
struct Worker {
    id: String,
    state: String,
    user_count: u64,
    cpu_usage: f64,
    memory_usage: u64,
}

#[expect(dead_code, reason = "read, as every exporter must, and then dropped")]
#[derive(Deserialize)]
struct CsvRow {
    #[serde(rename = "Type")]
    method: String,
    #[serde(rename = "Name")]
    name: String,
    #[serde(rename = "Request Count")]
    requests: u64,
    #[serde(rename = "Failure Count")]
    failures: u64,
    #[serde(rename = "Median Response Time")]
    median: f64,
    #[serde(rename = "Average Response Time")]
    average: f64,
    #[serde(rename = "Min Response Time")]
    min: f64,
    #[serde(rename = "Max Response Time")]
    max: f64,
    #[serde(rename = "Average Content Size")]
    content: f64,
    #[serde(rename = "50%")]
    p50: f64,
    #[serde(rename = "95%")]
    p95: f64,
    #[serde(rename = "99%")]
    p99: f64,
}

#[expect(dead_code, reason = "read, as every exporter must, and then dropped")]
#[derive(Deserialize)]
struct Exceptions {
    exceptions: Vec<Exception>,
}

#[expect(dead_code, reason = "read, as every exporter must, and then dropped")]
#[derive(Deserialize)]
struct Exception {
    count: u64,
    msg: String,
    traceback: String,
    nodes: String,
}

#[expect(dead_code, reason = "read, as every exporter must, and then dropped")]
#[derive(Deserialize)]
struct Tasks {
    per_class: BTreeMap<String, Task>,
}

#[expect(dead_code, reason = "read, as every exporter must, and then dropped")]
#[derive(Deserialize)]
struct Task {
    ratio: f64,
    #[serde(default)]
    tasks: BTreeMap<String, Task>,
}
