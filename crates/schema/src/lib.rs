//! How a Locust's snapshot is named as metrics.
//!
//! A schema is a table of rows from snapshot to family; there are three ([`Schema`]). At the start
//! the active ones become one ordered list ([`Catalog`]), and clashes between their names are
//! resolved there. For each scrape an [`Exposition`] lends the families of that list, made from one
//! [`Sighting`] for each Locust and from the exporter's [`Own`] counters.
//!
//! To add a metric is to add a row to one table: `standard.rs`, `classic.rs`, `boomer.rs`, or
//! `exporter.rs` for what the exporter knows of itself. `row.rs` tells what a row is made of.

mod boomer;
mod catalog;
mod classic;
mod common;
mod config;
mod custom;
mod description;
mod duration;
mod exporter;
mod exposition;
mod label;
mod names;
mod out;
mod own;
mod row;
mod schema;
mod sighting;
mod standard;

pub use catalog::{Catalog, CatalogError};
pub use common::{CURRENT_PERCENTILES, PERCENTILES, is_same_share};
pub use config::{Config, View};
pub use custom::CustomError;
pub use description::Description;
pub use exposition::Exposition;
pub use own::{BuildInfo, Own, Pushed};
pub use row::Source;
pub use schema::{Schema, UnknownSchema};
pub use sighting::{Collector, Sighting};
