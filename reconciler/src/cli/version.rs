//! `windlass version`

use serde::Serialize;
use windlass_compiler::escape;

use super::args::OutputArgs;
use super::console::Console;
use super::exit::Exit;
use super::failure::Outcome;
use super::sink::Format;

/// Show the version
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Serialize)]
struct Version {
    name: &'static str,
    version: &'static str,
    /// The version of the spec language.
    language: u32,
    os: &'static str,
    arch: &'static str,
    /// Whether this is a test build, with crash points and switches.
    faults: bool,
}

/// Prints what this program is.
pub fn run(args: &Args, console: &Console) -> Outcome {
    let sinks = args.output.sinks(console, &[Format::Text, Format::Json])?;
    sinks.write(|format, _| match format {
        Format::Json => escape::json(&version()),
        _ => text(&version()),
    })?;
    Ok(Exit::Done)
}

fn version() -> Version {
    Version {
        name: "windlass",
        version: env!("CARGO_PKG_VERSION"),
        language: 1,
        os: std::env::consts::OS,
        arch: std::env::consts::ARCH,
        faults: cfg!(feature = "faults"),
    }
}

fn text(version: &Version) -> String {
    let faults = if version.faults { " (test build)" } else { "" };
    format!("windlass {}{faults}\n", version.version)
}
