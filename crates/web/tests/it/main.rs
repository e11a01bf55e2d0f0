//! The server from outside, over real sockets.

mod limits;
mod routes;
mod scrape;
mod shutdown;
mod support;
mod web_config;
