//! Any `Accept` and `Accept-Encoding` gets an answer, and the answer, asked for by its own name,
//! is given again.

#![no_main]

use exposition::negotiate::{compression, content_type};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|header: &str| {
    let answer = content_type(Some(header));
    let name = answer.to_string();
    assert_eq!(content_type(Some(&name)), answer, "{name}");

    let compression_found = compression(Some(header));
    if let Some(name) = compression_found.content_encoding() {
        assert_eq!(compression(Some(name)), compression_found, "{name}");
    }
});
