//! No server makes the client panic or wait beyond its deadline.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| locust_api::fuzzing::server(data));
