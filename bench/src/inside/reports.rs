//! What a worker's report costs.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::{holds, result, script};
use crate::section::{Means, Written};

const ROUNDS: usize = 9;
/// Bytes of a full report, for each series.
const GOAL_BYTES: f64 = 270.0;
/// Milliseconds to make a full report.
const GOAL_MAKE: f64 = 5.0;
/// Milliseconds that a report may take of the master's loop.
const GOAL_LOOP: f64 = 1.0;
/// Size of a report of 1 % changed series, as a share of a full one.
const GOAL_SHARE: f64 = 0.015;

#[derive(Deserialize, Serialize)]
struct Figures {
    series: u32,
    full_bytes: f64,
    full_ms: f64,
    part_bytes: f64,
    part_ms: f64,
    loop_ms: f64,
}

/// Runs `reports.py`.
pub(crate) fn measure(means: &Means) -> Result<Written> {
    let figures: Figures = result(script(means, "reports.py")?.arg(ROUNDS.to_string()))?;
    let bytes = figures.full_bytes / f64::from(figures.series);
    let share = figures.part_bytes / figures.full_bytes;
    let text = format!(
        "\
A worker with {} series of about 60 native buckets each, and its master, in one process: medians;
of the master's loop, which only hands the bytes to the thread that merges, the longest time.

| Figure | Measured | Goal | Holds |
|---|---:|---:|---|
| Full report, for each series | {bytes:.0} bytes | ≤ {GOAL_BYTES} bytes | {} |
| Time to make it | {:.2} ms | ≤ {GOAL_MAKE} ms | {} |
| Time on the master's loop | {:.3} ms | < {GOAL_LOOP} ms | {} |
| Report with 1 % of the series changed, of the full one | {:.2} % | ≤ {} % | {} |
| Time to make that | {:.2} ms | | |
",
        figures.series,
        holds(bytes <= GOAL_BYTES),
        figures.full_ms,
        holds(figures.full_ms <= GOAL_MAKE),
        figures.loop_ms,
        holds(figures.loop_ms < GOAL_LOOP),
        100.0 * share,
        100.0 * GOAL_SHARE,
        holds(share <= GOAL_SHARE),
        figures.part_ms,
    );
    Ok(Written { text, figures: serde_json::to_value(figures)? })
}
