//! The exporter beside Locust: what one scrape costs.

use anyhow::Result;
use serde_json::Value;

use crate::case::{Case, Figures};
use crate::section::{Means, Written};

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
One scrape of `/metrics` in the text format, both default schemas, of a Locust with that many
endpoints, 500 errors, 100 workers, 20 exceptions. 5,000 endpoints come through the CSV, since
Locust's JSON ends at 500.

CPU is the exporter's whole process for one scrape, the kernel's share included: asking Locust over
HTTP, reading, naming, writing, answering over HTTP. The floor is the same bodies read by serde_json
(and csv) into plain structs and the same uncompressed bytes written by a bare loop into memory,
without HTTP. Both take turns on the same machine: the ratios can be compared between machines, the
times cannot.

";

/// Measures every case.
pub(crate) fn measure(means: &Means) -> Result<Written> {
    let exporter = means.exporter()?;
    let mut text = format!("{PREFACE}{}", Figures::table_head());
    let mut figures = Vec::new();
    for case in CASES {
        let measured = case.measure(exporter)?;
        text.push_str(&measured.table_row());
        figures.push(serde_json::to_value(&measured)?);
    }
    Ok(Written { text, figures: Value::Array(figures) })
}
