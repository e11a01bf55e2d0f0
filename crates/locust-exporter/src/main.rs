//! The program `locust_exporter`; all of it is in the library beside.

#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    ExitCode::from(locust_exporter::main(&args))
}
