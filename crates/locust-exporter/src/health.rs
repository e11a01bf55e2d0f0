//! What the log says of a Locust: each change of state once.

use std::collections::BTreeMap;
use std::mem::{Discriminant, discriminant};
use std::sync::Arc;

use locust_api::{Error, FAILURES_CSV_ROOM, Look, STATS_CSV_ROOM};
use locust_model::{Bounds, Folded, State};
use tracing::{info, warn};

use crate::quota::LogQuota;

/// The state that was last told.
pub(crate) struct Health {
    address: String,
    /// Shared by all that are probed; those that are watched have none.
    quota: Option<Arc<LogQuota>>,
    told: Option<Told>,
    state: Option<State>,
    failing: BTreeMap<&'static str, Option<Discriminant<Error>>>,
    rejected: Vec<&'static str>,
    folded: FoldedTold,
    are_percentiles_told: bool,
}

/// Which limits the log has named, each once.
#[derive(Default)]
struct FoldedTold {
    memory: bool,
    names: bool,
    errors: bool,
}

#[derive(PartialEq, Eq)]
enum Told {
    Up,
    Down(Discriminant<Error>),
}

impl Health {
    /// Nothing told yet of the Locust at `address`.
    pub(crate) fn new(address: String, quota: Option<Arc<LogQuota>>) -> Self {
        Self {
            address,
            quota,
            told: None,
            state: None,
            failing: BTreeMap::new(),
            rejected: Vec::new(),
            folded: FoldedTold::default(),
            are_percentiles_told: false,
        }
    }

    /// Whether one more line may be logged.
    fn logs(&self) -> bool {
        self.quota.as_ref().is_none_or(|quota| quota.admits())
    }

    /// Names each limit once beyond which rows are put together: that of memory for one answer, and
    /// those of the options.
    pub(crate) fn note_folded(&mut self, unkept: &Folded, beyond: &Folded, bounds: &Bounds) {
        let locust = &*self.address;
        let quota = self.quota.as_deref();
        let logs = || quota.is_none_or(LogQuota::admits);
        let first = |told: &mut bool, due: bool| due && !std::mem::replace(told, true) && logs();
        let told = &mut self.folded;
        let Folded { names, errors, exceptions, .. } = *unkept;
        if first(&mut told.memory, names + errors + exceptions > 0) {
            warn!(
                locust,
                endpoints = names,
                errors = errors + exceptions,
                "Locust has more rows than are kept of one answer ({STATS_CSV_ROOM} bytes of \
                 endpoints, {FAILURES_CSV_ROOM} of errors): those beyond are counted as \
                 name=\"other\"; give requests that differ in ids alone one name"
            );
        }
        if first(&mut told.names, beyond.names > 0) {
            let most = bounds.names;
            warn!(
                locust,
                endpoints = beyond.names,
                "Locust has more than {most} endpoints: those beyond are counted as \
                 name=\"other\"; give requests that differ in ids alone one name, or raise \
                 --metrics.max-names"
            );
        }
        if first(&mut told.errors, beyond.errors + beyond.exceptions > 0) {
            let most = bounds.errors;
            warn!(
                locust,
                errors = beyond.errors + beyond.exceptions,
                "Locust has more than {most} errors or exceptions: those beyond are counted as \
                 \"other\"; take what is new in each (ids, times) out of their texts, or raise \
                 --metrics.max-errors"
            );
        }
    }

    /// Logs what has changed since the last look.
    pub(crate) fn note(&mut self, look: &Look) {
        let locust = &*self.address;
        match &look.snapshot {
            Ok(snapshot) => {
                if self.told.replace(Told::Up) != Some(Told::Up) && self.logs() {
                    let version = snapshot.version.as_deref().unwrap_or("unknown");
                    info!(locust, version, "Locust answers");
                }
                if self.state != snapshot.state {
                    if self.logs() {
                        let to = snapshot.state.as_ref().map_or("unknown", State::as_str);
                        let users = snapshot.users.running;
                        info!(locust, state = to, users, "test state changed");
                    }
                    self.state.clone_from(&snapshot.state);
                }
                self.note_parts(look);
                self.note_rejected(look);
                self.note_percentiles(look);
            }
            Err(error) => {
                let down = Told::Down(discriminant(error));
                if self.told.as_ref() != Some(&down) {
                    if self.logs() {
                        warn!(locust, %error, advice = advice(error), "Locust cannot be read");
                    }
                    self.told = Some(down);
                }
            }
        }
    }

    fn note_percentiles(&mut self, look: &Look) {
        if look.percentiles_of_some.is_empty() || self.are_percentiles_told {
            return;
        }
        self.are_percentiles_told = true;
        let (locust, percentiles) = (&*self.address, &look.percentiles_of_some);
        warn!(
            locust,
            ?percentiles,
            "only the first 500 endpoints have these percentiles, since Locust's CSV has no columns \
             for them: add them to locust.stats.PERCENTILES_TO_REPORT"
        );
    }

    fn note_rejected(&mut self, look: &Look) {
        let locust = &*self.address;
        let reasons: Vec<_> = look.rejected.iter().map(|(reason, _)| *reason).collect();
        if self.rejected == reasons {
            return;
        }
        if !self.logs() {
            // It is not logged later either.
        } else if reasons.is_empty() {
            info!(locust, "all that Locust answers makes sense again");
        } else {
            let reasons = reasons.join(", ");
            warn!(locust, reasons, "rows or values that make no sense are left out, and counted");
        }
        self.rejected = reasons;
    }

    fn note_parts(&mut self, look: &Look) {
        for part in &look.collectors {
            let failing = part.error.as_ref().map(discriminant);
            let before = self.failing.insert(part.name, failing).flatten();
            let locust = &*self.address;
            match &part.error {
                Some(error) if before != failing && self.logs() => {
                    warn!(locust, collector = part.name, %error, "a part of Locust's answer is missing");
                }
                None if before.is_some() && self.logs() => {
                    info!(locust, collector = part.name, "that part of Locust's answer is back");
                }
                _ => {}
            }
        }
    }
}

/// What the user can do about it. The address may be that of `--locust.uri` or of a probe, and so
/// may what belongs to it.
fn advice(error: &Error) -> &'static str {
    match error {
        // It names its flags itself.
        Error::Unreachable { cause, .. } if cause.contains("--locust.") => "see the error",
        Error::Unreachable { .. } => {
            "check that Locust runs with its web UI (not --headless) at this address, and whether \
             by http or https"
        }
        Error::TimedOut { .. } => {
            "raise --locust.timeout (or the module's) and Prometheus's scrape_timeout, or look at \
             Locust's CPU usage"
        }
        Error::LoginNeeded { .. } | Error::LoginRefused { .. } => {
            "check --locust.auth (login or basic) with user name and password, or the bearer token; \
             of a probe, the module's auth"
        }
        Error::Failed { .. } => "look into Locust's own log",
        _ => "check that the address is a Locust's, with its base path if it has one",
    }
}
