//! The Rust half of the exporter inside Locust: the Python module `locust_exporter._core`.
//!
//! `python/locust_exporter/_core.pyi` says what each of its names does.
//!
//! ```text
//! events.request ─ listener ─▶ Recording ──(atomics)──▶ Inside ◀── Metrics ◀── server's thread
//!                  (one lock)                             ▲  └──── Core.render
//!                            reports ─▶ Merger's thread ──┘
//! ```
//!
//! Three rules hold everywhere. No lock is held while code of Python may run: it could switch to
//! another greenlet, which would wait for ever. Our threads never take the GIL, so that they answer
//! while Python holds it. No panic leaves the module.

mod adopted;
mod cache;
mod callable;
mod cardinality;
mod clock;
mod core;
mod failure;
mod fields;
mod guard;
mod inside;
mod listener;
mod lock;
mod locust_report;
mod logs;
mod merge;
mod metric;
mod object;
mod observed;
mod options;
mod recording;
mod render;
mod response;
mod server;
mod side;
mod taken;
mod text;
mod thread;

/// The module.
#[pyo3::pymodule(gil_used = false)]
mod _core {
    use std::ffi::OsString;

    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::core::Core;
    #[pymodule_export]
    use crate::metric::{Child, Metric};
    #[pymodule_export]
    use crate::options::Option;

    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "it is what Python calls it")]
    const __version__: &str = locust_exporter::BUILD.version;

    #[cfg(unix)]
    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let close = wrap_pyfunction!(crate::server::close_inherited, module)?;
        let hooks = pyo3::types::PyDict::new(module.py());
        hooks.set_item("after_in_child", close)?;
        module.py().import("os")?.call_method("register_at_fork", (), Some(&hooks))?;
        Ok(())
    }

    /// Every option of the exporter inside Locust.
    #[pyfunction]
    fn options() -> Vec<Option> {
        crate::options::all()
    }

    /// A line for each environment variable that is named as ours are, and that no option reads.
    #[pyfunction]
    fn misspelt_variables() -> Vec<String> {
        locust_exporter::misspelt_variables()
    }

    /// Runs the standalone exporter's command line.
    #[pyfunction]
    #[expect(clippy::needless_pass_by_value, reason = "it comes from Python")]
    fn main(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
        py.detach(|| locust_exporter::main(&arguments))
    }
}
