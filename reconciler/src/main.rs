//! The one binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    windlass::entry::run(std::env::args_os())
}
