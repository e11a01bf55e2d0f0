//! How a Locust's snapshot is named as metrics.
//!
//! A schema is a table of rows from snapshot to family; there are three. At the start the active
//! ones become one ordered list ([`Catalog`]), and clashes between their names are resolved there.

mod own;
mod sighting;

pub use own::{BuildInfo, Own};
pub use sighting::{Collector, Sighting};
