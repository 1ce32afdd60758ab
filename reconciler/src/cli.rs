//! The command line: parses, dispatches, and turns what came of it into an exit code.
//!
//! A command is one file under `cli/` with `Args` and
//! `pub fn run(args: &Args, console: &Console) -> Outcome`, or `pub async fn run` where it awaits something;
//! a variant of [`Command`]; an arm of [`Command::run`]; a place in [`help::GROUPS`]. A result goes to
//! [`Console::print`], or through [`args::OutputArgs::sinks`] where it has several forms; everything else to
//! [`Console::note`]. A failure is a [`Failure`]: what, why, and what to do.

pub mod args;
pub mod argv;
pub mod compiled;
pub mod completions;
pub mod console;
pub mod defect;
pub mod exit;
pub mod explain;
pub mod failure;
pub mod graph;
pub mod help;
pub mod init;
pub mod log;
pub mod nearest;
pub mod paint;
pub mod progress;
pub mod select;
pub mod sink;
pub mod table;
pub mod time;
pub mod validate;
pub mod vars;
pub mod version;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use args::{ColorChoice, Globals, Verbosity};
use console::Console;
use exit::Exit;
use failure::{Failure, Outcome};

/// Brings the jobs on your clusters to their specs, and keeps them there
#[derive(Debug, Parser)]
#[command(
    name = "windlass",
    version,
    max_term_width = 100,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = help::AFTER
)]
struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Args),
    Validate(validate::Args),
    Graph(graph::Args),
    Explain(explain::Args),
    Completions(completions::Args),
    Version(version::Args),
}

impl Command {
    fn run(&self, console: &Console) -> Outcome {
        match self {
            Self::Init(args) => init::run(args, console),
            Self::Validate(args) => validate::run(args, console),
            Self::Graph(args) => graph::run(args, console),
            Self::Explain(args) => explain::run(args, console),
            Self::Completions(args) => completions::run(args, console),
            Self::Version(args) => version::run(args, console),
        }
    }
}

/// Does what the arguments say, the program's name among them.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    defect::catch();
    let args: Vec<OsString> = args.into_iter().skip(1).collect();
    run(args).into()
}

fn run(args: Vec<OsString>) -> Exit {
    let color = argv::color(&args).and_then(|when| ColorChoice::from_str(when, true).ok());
    let early = Console::of_process(color.unwrap_or_default(), &Verbosity::default());
    match parse(args) {
        Ok(cli) => {
            let console = Console::of_process(cli.globals.color, &cli.globals.verbosity);
            ended(start(&cli, &console), &console)
        }
        Err(error) => ended(unparsed(&error, &early), &early),
    }
}

fn start(cli: &Cli, console: &Console) -> Outcome {
    if let Some(directory) = &cli.globals.directory {
        let failed = || Failure::error(format!("cannot work in `{}`", directory.display()));
        std::env::set_current_dir(directory).map_err(|error| failed().because(&error))?;
    }
    log::start(&cli.globals.verbosity, console)?;
    cli.command.run(console)
}

fn ended(outcome: Outcome, console: &Console) -> Exit {
    outcome.unwrap_or_else(|failure| {
        console.fail(&failure);
        failure.exit()
    })
}

/// The parser with everything that is said about it.
fn command() -> clap::Command {
    help::grouped(Cli::command())
}

fn parse(args: Vec<OsString>) -> Result<Cli, clap::Error> {
    let mut command = command();
    let args = argv::normalize(args, &command);
    let matches = command.try_get_matches_from_mut(std::iter::once("windlass".into()).chain(args))?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// Help and version are results; everything else is a mistyped command line.
fn unparsed(error: &clap::Error, console: &Console) -> Outcome {
    let text = error.render();
    let styled = |color| if color { text.ansi().to_string() } else { text.to_string() };
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            console.print(&styled(console.style().color))?;
            Ok(Exit::Done)
        }
        _ => {
            console.notes().write(&styled(console.note_style().color));
            Ok(Exit::Usage)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_declarations_are_sound() {
        command().debug_assert();
    }
}
