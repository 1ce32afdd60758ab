//! What the program says about its own work: warnings, and more with `-v` or `WINDLASS_LOG`.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use super::args::Verbosity;
use super::console::Console;
use super::failure::Failure;

/// The environment variable: a level, or directives such as `windlass=debug,rusqlite=info`.
const VARIABLE: &str = "WINDLASS_LOG";

/// Starts the log of this process, on standard error. The variable beats the flags.
pub fn start(verbosity: &Verbosity, console: &Console) -> Result<(), Failure> {
    match directives() {
        Some(directives) => start_with(filter(&directives)?, console),
        None => start_at(level(verbosity), console),
    }
    Ok(())
}

/// Whether somebody asked this log for what is done, by flag or variable, so that nothing else has to say it.
pub fn is_in_charge() -> bool {
    directives().is_some() || tracing::enabled!(tracing::Level::INFO)
}

fn directives() -> Option<String> {
    std::env::var(VARIABLE).ok().filter(|directives| !directives.is_empty())
}

fn level(verbosity: &Verbosity) -> LevelFilter {
    match (verbosity.verbose, verbosity.quiet) {
        (0, 0 | 1) => LevelFilter::WARN,
        (0, _) => LevelFilter::ERROR,
        (1, _) => LevelFilter::INFO,
        (2, _) => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    }
}

fn filter(directives: &str) -> Result<EnvFilter, Failure> {
    let hint = "it looks like `debug`, or `windlass=debug,warn`";
    EnvFilter::try_new(directives)
        .map_err(|error| Failure::usage(format!("{VARIABLE} cannot be read: {error}")).hint(hint))
}

/// Without directives there is no need for the machinery that reads them.
fn start_at(level: LevelFilter, console: &Console) {
    let notes = console.notes().clone();
    let subscriber = fmt().with_max_level(level).with_ansi(false);
    // Whoever runs twice in one process, as tests do, keeps the first log.
    let _ = subscriber.with_writer(move || notes.clone()).with_target(false).try_init();
}

fn start_with(filter: EnvFilter, console: &Console) {
    let notes = console.notes().clone();
    let subscriber = fmt().with_env_filter(filter).with_ansi(false);
    let _ = subscriber.with_writer(move || notes.clone()).try_init();
}
