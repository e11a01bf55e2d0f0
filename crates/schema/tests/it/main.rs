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
mod custom;
mod defects;
#[path = "../../../exposition/tests/it/support/dto.rs"]
#[expect(dead_code, reason = "what another crate's tests decode, too")]
mod dto;
mod golden;
mod invariants;
mod labels;
mod protobuf;
mod pushed;
mod recorded;
mod rejections;
mod since;
mod snapshots;
mod text;
mod values;
