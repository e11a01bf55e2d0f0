//! What a merge has to say.

use locust_model::{CustomKind, Text};

use crate::MOST_SERIES;

/// What a merge found of workers' custom metrics; each is told once for a metric's name.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Notice {
    /// There is a new one.
    #[error("metric {name:?} is there")]
    Defined {
        /// Its name.
        name: Text,
        /// Its type.
        kind: CustomKind,
        /// Names of its labels.
        labels: Vec<Text>,
    },
    /// A worker has defined it differently from those before; what it says is left out, and
    /// counted.
    #[error(
        "metric {name:?} of worker {worker} is left out: it is a {theirs} there, \
         and a {ours} where it was defined first; define it alike on all workers"
    )]
    Differs {
        /// The metric's name.
        name: Text,
        /// The first worker that defined it so.
        worker: Text,
        /// How.
        theirs: String,
        /// How the first one did.
        ours: String,
    },
    /// It has more series than are kept apart.
    #[error(
        "metric {name:?} has more than {MOST_SERIES} series on all workers together: \
         those beyond are one, whose labels all say other; give its labels fewer values"
    )]
    ManySeries {
        /// The metric's name.
        name: Text,
    },
}
