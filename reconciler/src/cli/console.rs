//! Where words go: results to standard output, everything about the way there to standard error.
//!
//! Knows terminals, colours, widths and quietness; not what is said.

mod terminal;

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::MultiProgress;
use windlass_compiler::escape::{visible, visible_lines};
use windlass_compiler::style::Style;

use super::args::{ColorChoice, Verbosity};
use super::failure::Failure;
use super::paint::{Tone, paint};
pub use terminal::Environment;

/// The terminal, pipe or file on the other side.
#[derive(Debug, Clone)]
pub struct Console {
    out: Style,
    err: Style,
    quiet: u8,
    live: bool,
    input: bool,
    notes: Notes,
}

impl Console {
    /// The console of this process.
    pub fn of_process(color: ColorChoice, verbosity: &Verbosity) -> Self {
        let environment = Environment::of_process();
        let (out, err) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        let width = terminal::width();
        Self {
            out: environment.style(color, out, width),
            err: environment.style(color, err, width),
            quiet: verbosity.quiet,
            live: err && environment.animates() && verbosity.quiet == 0,
            input: io::stdin().is_terminal() && err && !verbosity.no_input,
            notes: Notes::default(),
        }
    }

    /// How results look.
    pub fn style(&self) -> &Style {
        &self.out
    }

    /// How progress, notes and errors look.
    pub fn note_style(&self) -> &Style {
        &self.err
    }

    /// The lines of the terminal that notes go to.
    pub fn height() -> Option<usize> {
        terminal::height()
    }

    /// Whether progress may be drawn in place.
    pub fn is_live(&self) -> bool {
        self.live
    }

    /// Whether progress and notes are wanted at all.
    pub fn is_quiet(&self) -> bool {
        self.quiet > 0
    }

    /// Whether warnings are wanted; not with `-qq`.
    pub fn warns(&self) -> bool {
        self.quiet < 2
    }

    /// Writes a result, as it is: whoever made it has escaped what others wrote.
    pub fn print(&self, text: &str) -> Result<(), Failure> {
        self.print_bytes(text.as_bytes())
    }

    /// Writes a result that is no text of ours, such as what a job printed.
    pub fn print_bytes(&self, bytes: &[u8]) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        out.write_all(bytes)?;
        Ok(out.flush()?)
    }

    /// Says how it goes, on one line of its own, whatever others wrote into it; not with `-q`.
    pub fn note(&self, text: &str) {
        if self.quiet == 0 {
            self.notes.write(&format!("{}\n", visible(text)));
        }
    }

    /// Proposes what to do next; not with `-q`.
    pub fn hint(&self, text: &str) {
        if self.quiet == 0 {
            self.prefixed(Tone::Strong, "hint:", text);
        }
    }

    /// Warns; not with `-qq`.
    pub fn warn(&self, text: &str) {
        if self.warns() {
            self.prefixed(Tone::Doubtful, "warning:", text);
        }
    }

    /// Says why a command failed, whatever the quietness.
    pub fn fail(&self, failure: &Failure) {
        self.notes.write(&failure.text(&self.err));
    }

    /// Asks for a line of text. Without a terminal, or with `--no-input`, it fails with `otherwise` as the hint.
    pub fn ask(&self, question: &str, otherwise: &str) -> Result<String, Failure> {
        if !self.input {
            return Err(Failure::error("this needs an answer, and nobody can be asked").hint(otherwise));
        }
        self.notes.write(&format!("{} ", visible_lines(question)));
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        Ok(answer.trim().to_owned())
    }

    /// Where notes go: for logs and live progress, which must not tear each other's lines.
    pub fn notes(&self) -> &Notes {
        &self.notes
    }

    fn prefixed(&self, tone: Tone, prefix: &str, text: &str) {
        self.notes.write(&format!("{} {}\n", paint(&self.err, tone, prefix), visible_lines(text)));
    }
}

/// Standard error, shared with a live table that is hidden while a line is written above it.
#[derive(Debug, Clone, Default)]
pub struct Notes {
    table: Arc<Mutex<Option<MultiProgress>>>,
}

impl Notes {
    /// From now on lines are written above this table; without one, simply at the end.
    pub fn above(&self, table: Option<MultiProgress>) {
        *self.table.lock().unwrap_or_else(PoisonError::into_inner) = table;
    }

    /// Writes whole lines. Who has closed our standard error does not want to know, so nothing fails.
    pub fn write(&self, text: &str) {
        let write = || drop(io::stderr().lock().write_all(text.as_bytes()));
        match &*self.table.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(table) => table.suspend(write),
            None => write(),
        }
    }
}

impl Write for Notes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Self::write(self, &String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
