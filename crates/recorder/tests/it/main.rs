//! The crate as its users see it.

#![expect(clippy::expect_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod bounds;
mod bounds_error;
mod concurrency;
mod custom;
mod histograms;
mod locust;
mod recording;
mod speed;
mod support;
