//! The command line: parses, dispatches, and turns what came of it into an exit code.
//!
//! A command is one file under `cli/` with `Args` and `pub fn run(args: &Args, console: &Console) -> Outcome`;
//! a variant of `Command`; an arm of `Command::run`; a place in [`help::GROUPS`]. A result goes to
//! [`Console::print`], or through [`args::OutputArgs::sinks`] where it has several forms; everything else to
//! [`Console::note`]. A failure is a [`Failure`]: what, why, and what to do. What awaits something enters a
//! runtime by [`runtime::block_on`].

pub mod against;
pub mod applies;
pub mod apply;
pub mod args;
pub mod argv;
pub mod commit;
pub mod compiled;
pub mod completions;
pub mod consent;
pub mod console;
pub mod converging;
pub mod defect;
pub mod destroy;
pub mod drift;
pub mod events;
pub mod exit;
pub mod explain;
pub mod failure;
pub mod git;
pub mod graph;
pub mod help;
pub mod history;
pub mod init;
pub mod lease;
pub mod log;
pub mod logs;
pub mod named;
pub mod nearest;
pub mod opened;
pub mod operations;
pub mod paint;
pub mod plan;
pub mod prepared;
pub mod progress;
pub mod proposal;
pub mod reconcile;
pub mod render;
pub mod replan;
pub mod rows;
pub mod run;
pub mod runtime;
#[cfg(test)]
pub mod sample;
pub mod select;
pub mod show;
pub mod simulate;
pub mod sink;
pub mod status;
pub mod story;
pub mod table;
pub mod targets;
pub mod thawing;
pub mod time;
pub mod validate;
pub mod vars;
pub mod version;
pub mod wait;
pub mod why;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use windlass_core::operate::Operation;

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
    Render(render::Args),
    Graph(graph::Args),
    Explain(explain::Args),
    Plan(plan::Args),
    Show(show::Args),
    Apply(apply::Args),
    Destroy(destroy::Args),
    Drift(drift::Args),
    Applies(applies::Args),
    Status(status::Args),
    Wait(wait::Args),
    Logs(logs::Args),
    History(history::Args),
    Events(events::Args),
    Why(why::Args),
    Run(run::Args),
    /// Stop jobs; they stay stopped until they are started
    Stop(operations::Args),
    /// Start jobs that were stopped or have failed
    Start(operations::Args),
    /// Replace what runs by a new attempt
    Restart(operations::Args),
    /// Try again what has failed or is lost
    Retry(operations::Args),
    /// Stop jobs for a while; what waits for them goes on waiting
    Suspend(operations::Args),
    /// Go on with jobs that were suspended
    Resume(operations::Args),
    /// Refuse the removal of jobs
    Protect(operations::Args),
    /// Allow the removal of jobs again
    Unprotect(operations::Args),
    /// Take jobs out of the project and leave what runs alone
    Forget(operations::Args),
    Lease(lease::Args),
    Reconcile(reconcile::Args),
    Simulate(simulate::Args),
    Completions(completions::Args),
    Version(version::Args),
}

impl Command {
    fn run(&self, console: &Console) -> Outcome {
        match self {
            Self::Init(args) => init::run(args, console),
            Self::Validate(args) => validate::run(args, console),
            Self::Render(args) => render::run(args, console),
            Self::Graph(args) => graph::run(args, console),
            Self::Explain(args) => explain::run(args, console),
            Self::Plan(args) => plan::run(args, console),
            Self::Show(args) => show::run(args, console),
            Self::Apply(args) => apply::run(args, console),
            Self::Destroy(args) => destroy::run(args, console),
            Self::Drift(args) => drift::run(args, console),
            Self::Applies(args) => applies::run(args, console),
            Self::Status(args) => status::run(args, console),
            Self::Wait(args) => wait::run(args, console),
            Self::Logs(args) => logs::run(args, console),
            Self::History(args) => history::run(args, console),
            Self::Events(args) => events::run(args, console),
            Self::Why(args) => why::run(args, console),
            Self::Run(args) => run::run(args, console),
            Self::Stop(args) => operations::run(Operation::Stop, "stop", args, console),
            Self::Start(args) => operations::run(Operation::Start, "start", args, console),
            Self::Restart(args) => operations::run(Operation::Restart, "restart", args, console),
            Self::Retry(args) => operations::run(Operation::Retry, "retry", args, console),
            Self::Suspend(args) => operations::run(Operation::Suspend, "suspend", args, console),
            Self::Resume(args) => operations::run(Operation::Start, "resume", args, console),
            Self::Protect(args) => operations::run(Operation::Protect, "protect", args, console),
            Self::Unprotect(args) => operations::run(Operation::Unprotect, "unprotect", args, console),
            Self::Forget(args) => operations::run(Operation::Forget, "forget", args, console),
            Self::Lease(args) => lease::run(args, console),
            Self::Reconcile(args) => reconcile::run(args, console),
            Self::Simulate(args) => simulate::run(args, console),
            Self::Completions(args) => completions::run(args, console),
            Self::Version(args) => version::run(args, console),
        }
    }
}

/// Does what the arguments say, the program's name among them.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    defect::catch();
    let args: Vec<OsString> = args.into_iter().skip(1).collect();
    run_line(args).into()
}

fn run_line(args: Vec<OsString>) -> Exit {
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
