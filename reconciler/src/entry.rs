//! What this program is when it starts: a supervisor, or a command. Test builds of it start here too.

use std::ffi::OsString;
use std::process::ExitCode;

use crate::driver::local::supervisor;
use crate::{cli, fault};

/// Runs the program on its arguments, its name among them.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    fault::prepare();
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    // Before everything else: a supervisor has no command line of its own, no runtime and no logs.
    match arguments.get(1).and_then(|first| first.to_str()) {
        Some("__supervise") => supervisor::supervise(arguments.into_iter().skip(2)),
        Some(supervisor::RECORD) => supervisor::record_output(),
        #[cfg(feature = "faults")]
        Some("__crash-points") => list_points(),
        _ => cli::main(arguments),
    }
}

/// Lists the points at which this build can be killed.
#[cfg(feature = "faults")]
fn list_points() -> ExitCode {
    use std::io::Write;
    let listed = writeln!(std::io::stdout(), "{}", fault::POINTS.join("\n"));
    if listed.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
