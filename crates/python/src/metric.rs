//! Metrics of the test's own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use locust_model::CustomKind;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use recorder::{ChildId, CustomError, GaugeMerge, MOST_SERIES, MetricId, Writer};

use crate::recording::Recording;
use crate::text::{Text, strs};
use crate::{clock, guard};

/// A metric of the test's own.
#[pyclass(frozen, module = "locust_exporter._core")]
pub(crate) struct Metric {
    recording: Arc<Recording>,
    id: MetricId,
    name: String,
    /// Whether the log says that it has too many series.
    is_excess_told: AtomicBool,
}

impl Metric {
    pub(crate) fn new(recording: Arc<Recording>, id: MetricId, name: &str) -> Self {
        let (name, is_excess_told) = (name.to_owned(), AtomicBool::new(false));
        Self { recording, id, name, is_excess_told }
    }

    /// Says it once.
    fn tell_excess(&self) {
        if !self.is_excess_told.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "metric {:?} has more than {MOST_SERIES} series: those beyond are one, whose labels \
                 all say other; give its labels fewer values",
                self.name
            );
        }
    }
}

#[pymethods]
impl Metric {
    /// The series with these label values, made if need be.
    #[expect(clippy::needless_pass_by_value, reason = "it comes from Python")]
    fn child(&self, py: Python<'_>, values: Vec<Text>) -> PyResult<Child> {
        guard::raising(|| {
            let (values, now) = (strs(&values), clock::now());
            let (id, is_folded) = {
                let writer = &mut self.recording.lock(py).writer;
                let id = writer.child(self.id, &values, now).map_err(refused)?;
                (id, writer.is_folded(id))
            };
            if is_folded {
                self.tell_excess();
            }
            Ok(Child { recording: Arc::clone(&self.recording), id })
        })
    }
}

/// One series of a metric.
#[pyclass(frozen, module = "locust_exporter._core")]
pub(crate) struct Child {
    recording: Arc<Recording>,
    id: ChildId,
}

impl Child {
    fn change(
        &self,
        py: Python<'_>,
        change: impl FnOnce(&mut Writer, ChildId, f64) -> Result<(), CustomError>,
    ) -> PyResult<()> {
        let changed = guard::quietly(|| {
            let now = clock::now();
            change(&mut self.recording.lock(py).writer, self.id, now)
        });
        changed.unwrap_or(Ok(())).map_err(refused)
    }
}

#[pymethods]
impl Child {
    /// Adds.
    #[pyo3(signature = (amount=1.0))]
    fn inc(&self, py: Python<'_>, amount: f64) -> PyResult<()> {
        self.change(py, |writer, id, now| writer.add(id, amount, now))
    }

    /// Sets a gauge.
    fn set(&self, py: Python<'_>, value: f64) -> PyResult<()> {
        self.change(py, |writer, id, now| writer.set(id, value, now))
    }

    /// Adds an observation to a histogram.
    fn observe(&self, py: Python<'_>, value: f64) -> PyResult<()> {
        self.change(py, |writer, id, now| writer.observe(id, value, now))
    }
}

/// The exception for what cannot be.
#[expect(clippy::needless_pass_by_value, reason = "it is what map_err gives")]
pub(crate) fn refused(error: impl ToString) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// The kind of this name.
///
/// # Errors
///
/// `ValueError` if there is none.
pub(crate) fn kind(name: &str) -> PyResult<CustomKind> {
    match name {
        "counter" => Ok(CustomKind::Counter),
        "gauge" => Ok(CustomKind::Gauge),
        "histogram" => Ok(CustomKind::Histogram),
        _ => Err(PyValueError::new_err(format!(
            "kind {name:?}: expected counter, gauge or histogram"
        ))),
    }
}

/// The way of this name to merge gauges.
///
/// # Errors
///
/// `ValueError` if there is none.
pub(crate) fn gauge_merge(name: &str) -> PyResult<GaugeMerge> {
    match name {
        "sum" => Ok(GaugeMerge::Sum),
        "max" => Ok(GaugeMerge::Max),
        "min" => Ok(GaugeMerge::Min),
        "last" => Ok(GaugeMerge::Last),
        _ => Err(PyValueError::new_err(format!("merge {name:?}: expected sum, max, min or last"))),
    }
}
