//! An async client of Locust's web API, for every version from 1.0 on.

mod error;
mod look;

pub use error::Error;
pub use look::{Collected, Look};
