//! The one binary.

use std::process::ExitCode;

use windlass::driver::local::supervisor;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    // Before everything else: a supervisor has no command line of its own, no runtime and no logs.
    if arguments.next().is_some_and(|first| first == "__supervise") {
        return supervisor::supervise(arguments);
    }
    windlass::cli::main(std::env::args_os())
}
