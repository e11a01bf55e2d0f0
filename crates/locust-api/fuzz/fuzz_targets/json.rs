//! No JSON, nor a page that holds some, makes its readers panic.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| locust_api::fuzzing::json(body));
