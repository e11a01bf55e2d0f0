//! The client against a canned Locust.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what these tests cannot set up, they cannot test"
)]

mod certs;
mod deadline;
mod echoes;
mod economy;
mod faults;
mod locust;
mod login;
mod odd_values;
mod requests;
mod routes;
mod server;
mod tls;
mod truncation;
mod versions;

use std::time::{Duration, Instant};

use locust_api::{Client, Look};
use locust_model::Snapshot;

/// Looks with a deadline that no healthy test reaches.
async fn look(client: &Client) -> Look {
    client.look(Instant::now() + Duration::from_secs(10)).await
}

/// The failure of a look, as it is shown.
fn failure(look: &Look) -> String {
    look.snapshot.as_ref().expect_err("the look should have failed").to_string()
}

/// Whether a collector was asked, and whether it was had.
fn collector(look: &Look, name: &str) -> Option<bool> {
    look.collectors.iter().find(|collector| collector.name == name).map(|found| found.success)
}

/// The snapshot of a look that has one.
fn snapshot(look: Look) -> Snapshot {
    look.snapshot.expect("the look should have succeeded")
}
