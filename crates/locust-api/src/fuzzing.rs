//! The parsers, for the fuzz targets: only that they do not panic is of interest.

use crate::{Exceptions, Failures, Index, Logs, Quantiles, Stats, StatsCsv, Tasks, wire};

/// Reads all that is JSON, or holds it.
pub fn json(body: &[u8]) {
    let _ = Stats::parse(body.to_vec());
    let _ = Exceptions::parse(body.to_vec());
    let _ = Tasks::parse(body.to_vec()).map(|tasks| tasks.users_by_class(1_000_000));
    let _ = Logs::parse(body.to_vec());
    let _ = wire::worker_count(body.to_vec());
    let _ = Index::parse(body.to_vec());
    let _ = wire::login_callback(body.to_vec());
}

/// Reads all that is CSV.
pub fn csv(body: &[u8]) {
    let _ = StatsCsv::parse(body, Quantiles::All, &[]);
    let _ = Failures::parse(body);
    let _ = Exceptions::parse_csv(body);
}

/// Mends a body; answers whether there was something to mend.
pub fn mend(body: &mut [u8]) -> bool {
    wire::mend(body)
}
