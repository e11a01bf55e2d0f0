//! No report makes its master panic, and none that is refused changes anything.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|content: &[u8]| recorder::fuzzing::report(content));
