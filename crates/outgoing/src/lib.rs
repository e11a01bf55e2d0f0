//! Asking others over HTTP: addresses, credentials, TLS, and what went wrong in plain words.
//!
//! It knows neither what is asked nor who asks.

#![forbid(unsafe_code)]

mod target;

pub use target::{Credentials, Target, Tls};
