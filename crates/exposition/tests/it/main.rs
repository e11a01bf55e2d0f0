//! The crate as its users see it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod golden;
mod negotiation;
mod properties;
mod protobuf;
mod settling;
mod support;
mod validation;
