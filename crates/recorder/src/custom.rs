//! Metrics that the test defines for itself.
//!
//! A metric has up to a fixed number of series; what is beyond is counted in one whose labels all
//! say `other`. They do not begin again with the statistics.

mod define;
mod metric;

use std::sync::Arc;

pub(crate) use define::Definitions;
pub use define::{CustomError, Definition};
pub(crate) use metric::{Metric, Series};

use crate::CustomTotals;
use crate::table::Table;

/// So many metrics a test can define.
pub const MOST_METRICS: usize = 1_000;
/// So many series of one metric are kept apart.
pub const MOST_SERIES: usize = 10_000;

/// A metric of the test's own, for as long as the recorder lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MetricId(u32);

/// A series of such a metric, for as long as the recorder lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChildId(u32);

/// All that the test has defined, for readers.
#[derive(Debug, Default)]
pub(crate) struct Customs(Table<Arc<Metric>>);

impl Customs {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn get(&self, row: usize) -> Option<&Metric> {
        self.0.get(row).map(Arc::as_ref)
    }

    /// All metrics with all their series.
    pub(crate) fn totals(&self) -> Vec<CustomTotals> {
        (0..self.len()).filter_map(|row| self.get(row)).map(Metric::totals).collect()
    }
}
