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
}

#[derive(PartialEq, Eq)]
enum Told {
    Up,
    Down(Discriminant<Error>),
}

impl Health {
    /// Nothing told yet of the Locust at `address`.
    pub(crate) fn new(address: String) -> Self {
        Self { address, told: None, state: None, failing: BTreeMap::new() }
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

/// What the user can do about it.
fn advice(error: &Error) -> &'static str {
    match error {
        Error::Unreachable { .. } => {
            "start Locust with its web UI (not --headless), or set --locust.uri to where it listens"
        }
        Error::TimedOut { .. } => {
            "raise --locust.timeout and Prometheus's scrape_timeout, or look at Locust's CPU usage"
        }
        Error::LoginNeeded { .. } | Error::LoginRefused { .. } => {
            "set --locust.username with --locust.password-file, or --locust.bearer-token-file"
        }
        Error::Failed { .. } => "look into Locust's own log",
        Error::TooLarge { .. } => "check that --locust.uri is a Locust's",
        _ => "check that --locust.uri is a Locust's, with its base path if it has one",
    }
}
