//! No file of a spool makes its reader, or the transcoder behind it, panic; and what is read is
//! what was written.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|content: &[u8]| push::fuzzing::spool_file(content));
