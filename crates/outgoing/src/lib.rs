//! Asking others over HTTP: addresses, credentials, TLS, and what went wrong in plain words.
//!
//! It knows neither what is asked nor who asks.

#![forbid(unsafe_code)]

mod answer;
mod cause;
mod client;
mod error;
mod peer;
mod proxy;
mod secrets;
mod shown;
mod target;
mod tls;
mod unescape;

pub use answer::Answer;
pub use cause::{Cause, is_broken_body, is_broken_connection};
pub use client::{Client, Http, NoAnswer};
pub use error::ConfigError;
pub use peer::{PeerText, Raw};
pub use proxy::Via;
pub use reqwest::{Method, StatusCode, header};
pub use secrets::Secrets;
pub use shown::{excerpt, shown};
pub use target::{Credentials, Target, Tls};
pub use tls::tls_config;
