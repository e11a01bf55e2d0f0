//! What the log says of a Locust: each change of state once.

use std::collections::BTreeMap;
use std::mem::{Discriminant, discriminant};

use locust_api::{Error, Look};
use locust_model::State;
use tracing::{info, warn};

/// The state that was last told.
pub(crate) struct Health {
    address: String,
    told: Option<Told>,
    state: Option<State>,
    failing: BTreeMap<&'static str, Option<Discriminant<Error>>>,
    rejected: Vec<&'static str>,
}

#[derive(PartialEq, Eq)]
enum Told {
    Up,
    Down(Discriminant<Error>),
}

impl Health {
    /// Nothing told yet of the Locust at `address`.
    pub(crate) fn new(address: String) -> Self {
        Self { address, told: None, state: None, failing: BTreeMap::new(), rejected: Vec::new() }
    }

    /// Logs what has changed since the last look.
    pub(crate) fn note(&mut self, look: &Look) {
        let locust = &*self.address;
        match &look.snapshot {
            Ok(snapshot) => {
                if self.told.replace(Told::Up) != Some(Told::Up) {
                    let version = snapshot.version.as_deref().unwrap_or("unknown");
                    info!(locust, version, "Locust answers");
                }
                if self.state != snapshot.state {
                    let to = snapshot.state.as_ref().map_or("unknown", State::as_str);
                    info!(locust, state = to, users = snapshot.users.running, "test state changed");
                    self.state.clone_from(&snapshot.state);
                }
                self.note_parts(look);
                self.note_rejected(look);
            }
            Err(error) => {
                let down = Told::Down(discriminant(error));
                if self.told.as_ref() != Some(&down) {
                    warn!(locust, %error, advice = advice(error), "Locust cannot be read");
                    self.told = Some(down);
                }
            }
        }
    }

    fn note_rejected(&mut self, look: &Look) {
        let locust = &*self.address;
        let reasons: Vec<_> = look.rejected.iter().map(|(reason, _)| *reason).collect();
        if self.rejected == reasons {
            return;
        }
        if reasons.is_empty() {
            info!(locust, "all that Locust answers makes sense again");
        } else {
            let reasons = reasons.join(", ");
            warn!(locust, reasons, "rows or values that make no sense are left out, and counted");
        }
        self.rejected = reasons;
    }

    fn note_parts(&mut self, look: &Look) {
        let locust = &*self.address;
        for part in &look.collectors {
            let failing = part.error.as_ref().map(discriminant);
            let before = self.failing.insert(part.name, failing).flatten();
            match &part.error {
                Some(error) if before != failing => {
                    warn!(locust, collector = part.name, %error, "a part of Locust's answer is missing");
                }
                None if before.is_some() => {
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
