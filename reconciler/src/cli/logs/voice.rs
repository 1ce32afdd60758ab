//! How the output of one job is written: as it is, or line by line behind the job's name, harmless on a terminal.

use windlass_compiler::style::Style;

use super::harmless::Harmless;
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::paint::{Tone, paint};

/// The way of one job's output to standard output.
pub(super) struct Voice {
    prefix: Option<String>,
    harmless: Option<Harmless>,
    /// The beginning of a line that has not ended yet.
    open: Vec<u8>,
    /// Whether what was written ends within a line.
    midline: bool,
}

impl Voice {
    /// A voice. `prefix`: what stands before each line; without one, bytes are written as they come.
    pub(super) fn new(prefix: Option<String>, harmless: bool, style: &Style) -> Self {
        Self {
            prefix: prefix.map(|prefix| paint(style, Tone::Quiet, &prefix)),
            harmless: harmless.then(|| Harmless::new(style.color)),
            open: Vec::new(),
            midline: false,
        }
    }

    pub(super) fn say(&mut self, bytes: &[u8], console: &Console) -> Result<(), Failure> {
        let out = self.take(bytes);
        if out.is_empty() { Ok(()) } else { console.print_bytes(&out) }
    }

    /// Writes what is left; on a terminal, and between jobs, a last line gets its end.
    pub(super) fn finish(&mut self, console: &Console) -> Result<(), Failure> {
        let out = self.rest();
        if out.is_empty() { Ok(()) } else { console.print_bytes(&out) }
    }

    fn take(&mut self, bytes: &[u8]) -> Vec<u8> {
        if self.prefix.is_none() {
            return self.shown(bytes);
        }
        self.open.extend_from_slice(bytes);
        let Some(end) = self.open.iter().rposition(|byte| *byte == b'\n') else { return Vec::new() };
        let rest = self.open.split_off(end + 1);
        let lines = std::mem::replace(&mut self.open, rest);
        lines.split_inclusive(|byte| *byte == b'\n').flat_map(|line| self.line(line)).collect()
    }

    fn rest(&mut self) -> Vec<u8> {
        let open = std::mem::take(&mut self.open);
        let mut out = if open.is_empty() { Vec::new() } else { self.line(&open) };
        if let Some(harmless) = &mut self.harmless {
            let rest = harmless.finish();
            self.midline |= !rest.is_empty() && !rest.ends_with('\n');
            out.extend(rest.into_bytes());
        }
        if self.midline && (self.prefix.is_some() || self.harmless.is_some()) {
            out.push(b'\n');
        }
        self.midline = false;
        out
    }

    fn line(&mut self, line: &[u8]) -> Vec<u8> {
        let mut out = self.prefix.clone().unwrap_or_default().into_bytes();
        let shown = self.shown(line);
        out.extend(shown);
        out
    }

    fn shown(&mut self, bytes: &[u8]) -> Vec<u8> {
        let out = match &mut self.harmless {
            Some(harmless) => harmless.take(bytes).into_bytes(),
            None => bytes.to_vec(),
        };
        if let Some(last) = out.last() {
            self.midline = *last != b'\n';
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(prefix: Option<&str>, harmless: bool, parts: &[&str]) -> String {
        let mut voice = Voice::new(prefix.map(str::to_owned), harmless, &Style::default());
        let mut out: Vec<u8> = parts.iter().flat_map(|part| voice.take(part.as_bytes())).collect();
        out.extend(voice.rest());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn several_jobs_speak_in_whole_lines() {
        assert_eq!(said(Some("a.b | "), false, &["on", "e\ntw", "o"]), "a.b | one\na.b | two\n");
    }

    #[test]
    fn one_job_is_passed_on_as_it_is() {
        assert_eq!(said(None, false, &["on", "e\n\u{1b}[2J"]), "one\n\u{1b}[2J");
    }

    #[test]
    fn a_terminal_is_shown_text_that_ends_in_a_line() {
        assert_eq!(said(None, true, &["one \u{1b}[2J"]), "one \\u{1b}[2J\n");
    }
}
