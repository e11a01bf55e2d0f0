//! Reading Locust's answers, of every version, into the model.

mod csv_table;
mod endpoint_row;
mod error_row;
mod exceptions;
mod failures_csv;
mod index;
mod json;
mod kept;
mod keys;
mod logs;
mod malformed;
mod mend;
#[cfg(test)]
mod proptests;
mod row;
mod stats;
mod stats_csv;
mod tasks;
mod text;
mod timestamp;
mod value;
mod worker;

pub use exceptions::Exceptions;
pub use failures_csv::Failures;
pub use index::Index;
pub use kept::{FAILURES_CSV_ROOM, STATS_CSV_ROOM};
pub use logs::Logs;
pub(crate) use logs::worker_count;
pub(crate) use malformed::Malformed;
#[cfg(test)]
pub(crate) use row::endpoint;
pub(crate) use row::in_order;
pub use stats::Stats;
pub use stats_csv::StatsCsv;
pub use tasks::Tasks;
pub(crate) use text::Dialect;

pub(crate) use index::{login_callback, target_is_kept_up_to_date};
#[cfg(feature = "fuzzing")]
pub(crate) use mend::mend;
