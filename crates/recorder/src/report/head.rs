//! What a report says once: buckets, the process, sums over all endpoints.

use locust_model::{Folded, Losses};

use super::ReportError;
use super::bytes::{Cursor, put_float, put_number};
use crate::view::View;
use crate::{Config, Process};

/// What a report says once.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Head {
    /// Whether response times are kept apart by status.
    pub(crate) by_status: bool,
    /// The classic buckets' bounds in seconds.
    pub(crate) buckets: Vec<f64>,
    /// The test that the process counts users and warnings of, whatever becomes of the statistics.
    pub(crate) test: u64,
    pub(crate) process: Process,
    /// When the statistics began.
    pub(crate) since: f64,
    /// When this is told.
    pub(crate) now: f64,
    /// Sum of all response times.
    pub(crate) sum: f64,
    pub(crate) last_request: Option<f64>,
    /// What has been lost since then.
    pub(crate) losses: Losses,
}

impl Head {
    pub(crate) fn put(view: &View, process: &Process, now: f64, out: &mut Vec<u8>) {
        let (config, all) = (view.config(), view.all(now));
        let Losses { folded, not_times, not_lengths, custom_series, custom_conflicts: _ } =
            view.losses();
        out.push(u8::from(config.by_status));
        put_number(out, config.buckets.len() as u64);
        for bound in &config.buckets {
            put_float(out, *bound);
        }
        put_float(out, view.since());
        put_float(out, now);
        put_float(out, all.sum);
        put_float(out, all.last_request.unwrap_or(f64::NAN));
        for number in [
            view.test(),
            process.waiting,
            process.spawned,
            process.cpu_warnings,
            folded.names,
            folded.errors,
            folded.exceptions,
            not_times,
            not_lengths,
            custom_series,
            folded.cut_labels,
        ] {
            put_number(out, number);
        }
    }

    pub(crate) fn read(from: &mut Cursor<'_>) -> Result<Self, ReportError> {
        let by_status = from.byte()? != 0;
        let length = from.size()?;
        if length > Config::MOST_BUCKETS {
            return Err(ReportError::Malformed("the number of buckets"));
        }
        let buckets = (0..length).map(|_| from.float()).collect::<Result<_, _>>()?;
        let (since, now) = (from.float()?, from.float()?);
        let (sum, last) = (from.float()?, from.float()?);
        let test = from.number()?;
        let process = Process {
            waiting: from.number()?,
            spawned: from.number()?,
            cpu_warnings: from.number()?,
        };
        let mut folded = Folded {
            names: from.number()?,
            errors: from.number()?,
            exceptions: from.number()?,
            cut_labels: 0,
        };
        let last_request = (!last.is_nan()).then_some(last);
        let (not_times, not_lengths) = (from.number()?, from.number()?);
        let custom_series = from.number()?;
        folded.cut_labels = from.number()?;
        // Only a master can see conflicts.
        let losses = Losses { folded, not_times, not_lengths, custom_series, custom_conflicts: 0 };
        Ok(Self { by_status, buckets, test, process, since, now, sum, last_request, losses })
    }
}
