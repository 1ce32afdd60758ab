//! The product as the tests run it: the same program, built with the points and switches of test builds.

use std::process::ExitCode;

fn main() -> ExitCode {
    windlass::entry::run(std::env::args_os())
}
