//! The binary as its users meet it, against a canned Locust.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what these tests cannot set up, they cannot test"
)]

mod answers;
mod contract;
mod defects;
mod exit_after_test;
mod exporter;
mod guard;
mod locust;
mod metrics;
mod pki;
mod probe;
mod push;
mod receiver;
mod secrets;
mod several;
mod usage;
mod withstand;
