//! What recording one request costs.

use std::fmt::Write as _;

use anyhow::Result;
use e2e::load_target::LoadTarget;
use serde::{Deserialize, Serialize};

use super::{holds, result, script};
use crate::section::{Means, Written};

/// Every case is measured so often.
const ROUNDS: usize = 21;
/// Microseconds that an event of one series may cost.
const GOAL_ONE: f64 = 0.25;
/// Of many series, in random order.
const GOAL_MANY: f64 = 0.35;
/// `prometheus_client` must cost so many times as much.
const GOAL_RATIO: f64 = 20.0;

const PREFACE: &str = "\
What a listener adds to Locust's own `events.request.fire`, with the keywords that `HttpSession`
gives after a real answer of a server: CPU of the thread, the median of the rounds' differences;
`fire` without a listener, with the exporter's, and with one of prometheus_client (a histogram and
counters of the same series) take turns. `failure()` is an answer that the test calls a failure;
of a refused connection, the text of the error is made anew for each event, as Locust does.

| Event | Series | `fire` alone | The exporter's | Goal | prometheus_client's | Ratio | Goal | Holds |
|---|---:|---:|---:|---:|---:|---:|---:|---|
";

#[derive(Deserialize, Serialize)]
struct Case {
    series: u64,
    kind: String,
    fire_ns: f64,
    ours_ns: f64,
    peer_ns: f64,
}

impl Case {
    fn row(&self) -> String {
        let goal = if self.series == 1 { GOAL_ONE } else { GOAL_MANY };
        let (ours, peer) = (self.ours_ns / 1e3, self.peer_ns / 1e3);
        let ratio = peer / ours;
        format!(
            "| {} | {} | {:.2} µs | {ours:.3} µs | ≤ {goal} µs | {peer:.2} µs | {ratio:.0} | ≥ {GOAL_RATIO} | {} |\n",
            self.kind,
            self.series,
            self.fire_ns / 1e3,
            holds(ours <= goal && ratio >= GOAL_RATIO),
        )
    }
}

/// Runs `events.py` against a server of ours.
pub(crate) fn measure(means: &Means) -> Result<Written> {
    let target = LoadTarget::start()?;
    let mut command = script(means, "events.py")?;
    command.arg(format!("http://{}", target.address())).arg(ROUNDS.to_string());
    let cases: Vec<Case> = result(&mut command)?;
    let mut text = PREFACE.to_owned();
    for case in &cases {
        text.write_str(&case.row())?;
    }
    Ok(Written { text, figures: serde_json::to_value(cases)? })
}
