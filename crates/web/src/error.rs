//! Why the server cannot start.

use std::io;

use crate::webconfig;

/// Why the server cannot start. The message names the value and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {}", advice(cause))]
    Listen {
        /// The address as it was given.
        address: String,
        /// What the system said.
        cause: io::Error,
    },
    /// There is nothing to listen on.
    #[error("no address to listen on: give one with --web.listen-address, such as :9646")]
    NoAddress,
    /// systemd handed over nothing usable.
    #[error("--web.systemd-socket: {0}")]
    Systemd(String),
    /// The metrics cannot stand under this path.
    #[error("--web.telemetry-path {path:?} {why}")]
    TelemetryPath {
        /// The path as it was given.
        path: String,
        /// What is wrong with it, and what to do.
        why: &'static str,
    },
    /// The web configuration file is wrong.
    #[error("--web.config.file: {0}")]
    WebConfig(webconfig::Error),
    /// The runtime is ending.
    #[error("the runtime ended while the server was starting")]
    Runtime(#[from] tokio::task::JoinError),
}

impl From<webconfig::Error> for Error {
    fn from(error: webconfig::Error) -> Self {
        Self::WebConfig(error)
    }
}

impl Error {
    /// Whether the configuration is mistaken; if not, the system refuses what it asks for.
    pub fn is_mistake(&self) -> bool {
        match self {
            Self::NoAddress
            | Self::Systemd(_)
            | Self::TelemetryPath { .. }
            | Self::WebConfig(_) => true,
            Self::Listen { .. } | Self::Runtime(_) => false,
        }
    }

    /// What the system said, if it is the system that refuses.
    pub fn cause(&self) -> Option<&io::Error> {
        match self {
            Self::Listen { cause, .. } => Some(cause),
            _ => None,
        }
    }
}

/// What the system said, and what may help.
fn advice(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "{error}: another program listens there; stop it or choose another port with \
             --web.listen-address"
        ),
        io::ErrorKind::AddrNotAvailable => {
            format!("{error}: use an address of this machine, or :PORT for all of them")
        }
        io::ErrorKind::PermissionDenied => {
            format!("{error}: ports below 1024 need a privilege; choose a higher one")
        }
        _ => error.to_string(),
    }
}
