//! What the schemas make of a sighting, seen from outside.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "functions that tests share may fail a test, too"
)]

mod absent;
mod clashes;
mod collect;
mod defects;
mod golden;
mod invariants;
mod labels;
mod rejections;
mod snapshots;
mod text;
mod values;
