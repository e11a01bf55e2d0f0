//! The crate as its users see it.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod golden;
mod protobuf;
mod support;
