//! Real servers for end-to-end tests and for the demo: Locust, the exporter, Prometheus, and whoever
//! else is pushed to.
//!
//! A test starts what it needs, waits a bounded time until it answers, and compares what one
//! server says with what another says. Where a server is found is told by the variables in
//! [`vars`]; `cargo xtask test` sets them. What a process wrote lies in `target/e2e/<scenario>/`.
//!
//! Nothing here survives the process that started it, however that ends: see [`guard`].

pub mod collector;
pub mod compare;
pub mod exporter;
pub mod guard;
pub mod http;
pub mod inside;
pub mod known;
pub mod load_target;
pub mod locust;
pub mod net;
pub mod place;
pub mod process;
pub mod prometheus;
pub mod promql;
pub mod push;
pub mod pushgateway;
pub mod scenario;
pub mod server;
pub mod text;
pub mod tool;
pub mod vars;
pub mod victoria;

pub use process::Process;
