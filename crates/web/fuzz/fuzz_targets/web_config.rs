//! Any text is a web configuration file or has a message that says why not.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(message) = web::webconfig::check_text(text) {
        assert!(!message.is_empty());
    }
});
