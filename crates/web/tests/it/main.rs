//! The server from outside, over real sockets.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod auth;
mod fairness;
mod limits;
mod reload;
mod routes;
mod scrape;
mod shutdown;
mod support;
#[cfg(unix)]
mod systemd;
mod tls;
mod web_config;
