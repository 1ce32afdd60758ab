//! The one edge at which an error becomes words and an exit code.
//!
//! Stores, leases and clusters have errors of their own that know nothing of presentation; what a user reads of
//! them, and what to do next, is said here.

use std::error::Error as StdError;
use std::{fmt, io};

use windlass_compiler::escape::visible_lines;
use windlass_compiler::style::Style;

use super::exit::Exit;
use super::paint::{Tone, paint};
use crate::{converge, engine, lease, ledger, store};

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub enum Failure {
    /// Whoever read our output has gone: nobody is left to tell.
    ClosedPipe,
    /// Something to tell.
    Told(Box<Told>),
}

/// What went wrong, in words.
#[derive(Debug)]
pub struct Told {
    exit: Exit,
    message: String,
    causes: Vec<String>,
    hints: Vec<String>,
    passes: bool,
}

/// What a command comes to.
pub type Outcome = Result<Exit, Failure>;

impl Failure {
    /// A failure with an exit code of its own.
    pub fn new(exit: Exit, message: impl fmt::Display) -> Self {
        let message = message.to_string();
        Self::Told(Box::new(Told { exit, message, causes: Vec::new(), hints: Vec::new(), passes: false }))
    }

    /// An ordinary error: exit code 1.
    pub fn error(message: impl fmt::Display) -> Self {
        Self::new(Exit::Error, message)
    }

    /// A command line that means nothing: exit code 64.
    pub fn usage(message: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Adds what to do about it, as a whole sentence without a full stop.
    #[must_use]
    pub fn hint(mut self, hint: impl fmt::Display) -> Self {
        if let Self::Told(told) = &mut self {
            told.hints.push(hint.to_string());
        }
        self
    }

    /// Adds a fact that the failure rests on.
    #[must_use]
    pub fn detail(mut self, fact: impl fmt::Display) -> Self {
        if let Self::Told(told) = &mut self {
            told.causes.push(fact.to_string());
        }
        self
    }

    /// Adds the chain of causes of `error`, itself included.
    #[must_use]
    pub fn because(mut self, error: &dyn StdError) -> Self {
        if let Self::Told(told) = &mut self {
            told.causes.extend(chain(error));
        }
        self
    }

    /// The same, as a mistake of the command line.
    #[must_use]
    pub fn into_usage(mut self) -> Self {
        if let Self::Told(told) = &mut self {
            told.exit = Exit::Usage;
        }
        self
    }

    /// The same, of a kind that may be over when the same is tried again.
    #[must_use]
    pub fn passing(mut self) -> Self {
        if let Self::Told(told) = &mut self {
            told.passes = true;
        }
        self
    }

    /// Whether it may be over when the same is tried again.
    pub fn passes(&self) -> bool {
        matches!(self, Self::Told(told) if told.passes)
    }

    /// What happened, without reasons and advice; nothing for a closed pipe.
    pub fn message(&self) -> &str {
        match self {
            Self::ClosedPipe => "",
            Self::Told(told) => &told.message,
        }
    }

    /// The facts that it rests on.
    pub fn details(&self) -> &[String] {
        match self {
            Self::ClosedPipe => &[],
            Self::Told(told) => &told.causes,
        }
    }

    /// The exit code that goes with it.
    pub fn exit(&self) -> Exit {
        match self {
            Self::ClosedPipe => Exit::Done,
            Self::Told(told) => told.exit,
        }
    }

    /// What is written to standard error, line ends included; nothing for a closed pipe.
    pub fn text(&self, style: &Style) -> String {
        match self {
            Self::ClosedPipe => String::new(),
            Self::Told(told) => told.text(style),
        }
    }
}

impl Told {
    fn text(&self, style: &Style) -> String {
        let error = line(&paint(style, Tone::Bad, "error:"), &self.message);
        let causes = self.causes.iter().map(|cause| line("  because:", cause));
        let hints = self.hints.iter().map(|hint| line(&paint(style, Tone::Strong, "hint:"), hint));
        std::iter::once(error).chain(causes).chain(hints).collect()
    }
}

fn line(prefix: &str, text: &str) -> String {
    format!("{prefix} {}\n", visible_lines(text.trim_end()))
}

fn chain(error: &dyn StdError) -> Vec<String> {
    std::iter::successors(Some(error), |error| StdError::source(*error)).map(ToString::to_string).collect()
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        let failure = Self::error(&error);
        match error {
            store::Error::Unavailable { .. } => failure
                .hint("what is recorded stays as it is; mend this, and run the command again")
                .passing(),
            store::Error::ReadOnly { .. } => Self::new(Exit::Denied, &error),
            store::Error::Refused { .. } => failure,
            store::Error::Unknown { .. } => {
                failure.hint("run the command again: what was done is found, and not done twice")
            }
        }
    }
}

impl From<lease::Error> for Failure {
    fn from(error: lease::Error) -> Self {
        Self::error(error)
    }
}

impl From<ledger::Error> for Failure {
    fn from(error: ledger::Error) -> Self {
        match error {
            ledger::Error::Store(error) => error.into(),
            other => Self::error(other),
        }
    }
}

impl From<engine::Error> for Failure {
    fn from(error: engine::Error) -> Self {
        match error {
            engine::Error::Ledger(error) => error.into(),
            engine::Error::Fenced(_) => {
                Self::error(error).hint("what was asked is recorded; `windlass status` shows how it goes on")
            }
        }
    }
}

impl From<converge::Error> for Failure {
    fn from(error: converge::Error) -> Self {
        match error {
            converge::Error::Engine(error) => error.into(),
            converge::Error::Lease(error) => error.into(),
            converge::Error::Ledger(error) => error.into(),
        }
    }
}

/// For writing results: a reader that has gone is no error of ours.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ClosedPipe,
            _ => Self::error("the output cannot be written").because(&error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(failure: Failure) -> String {
        failure.text(&Style::default())
    }

    #[test]
    fn a_failure_says_what_why_and_what_to_do() {
        let cause = io::Error::other("no space left");
        let failure = Failure::error("`a.json` cannot be written").because(&cause).hint("make room");
        assert_eq!(failure.exit(), Exit::Error);
        assert_eq!(
            plain(failure),
            "error: `a.json` cannot be written\n  because: no space left\nhint: make room\n"
        );
    }

    #[test]
    fn a_closed_pipe_is_silent_and_no_error() {
        let failure = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!(failure.exit(), Exit::Done);
        assert_eq!(plain(failure), "");
    }

    #[test]
    fn what_others_wrote_cannot_move_the_cursor() {
        assert_eq!(plain(Failure::error("bad \u{1b}[2J name")), "error: bad \\u{1b}[2J name\n");
    }

    #[test]
    fn a_store_that_may_not_be_written_is_a_matter_of_permission() {
        let error = store::Error::ReadOnly { store: "file:x".to_owned(), reason: "no".to_owned() };
        assert_eq!(Failure::from(error).exit(), Exit::Denied);
    }
}
