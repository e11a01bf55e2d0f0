//! Reports and their merge, from outside.

#![expect(clippy::expect_used, reason = "a test that cannot go on has failed")]

mod customs;
mod deltas;
mod figures;
mod foreign;
mod lifetimes;
mod properties;
mod untrusted;
mod world;
