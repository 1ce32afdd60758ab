//! A text that is shown again and again: in place on a terminal, below each other where it changed elsewhere.

use std::io::{self, IsTerminal};

use crate::cli::console::Console;
use crate::cli::failure::Failure;

/// The place where it is shown.
pub(super) struct Board<'a> {
    console: &'a Console,
    in_place: bool,
    /// The lines that stand there.
    drawn: usize,
    said: Option<String>,
}

impl<'a> Board<'a> {
    /// A board on this console's standard output.
    pub(super) fn new(console: &'a Console) -> Self {
        Self { console, in_place: io::stdout().is_terminal(), drawn: 0, said: None }
    }

    /// Shows `text` instead of what was shown. `news` is what must change for a log to show it again.
    pub(super) fn show(&mut self, text: &str, news: &str) -> Result<(), Failure> {
        if self.in_place {
            let height = Console::height().unwrap_or(24);
            let frame = frame(text, self.drawn, height);
            self.drawn = text.lines().count().min(height.saturating_sub(1));
            return self.console.print(&frame);
        }
        if self.said.as_deref() == Some(news) {
            return Ok(());
        }
        let between = if self.said.is_some() { "\n" } else { "" };
        self.said = Some(news.to_owned());
        self.console.print(&format!("{between}{text}"))
    }
}

/// What draws `text` over the `drawn` lines above the cursor, in a terminal of this height.
fn frame(text: &str, drawn: usize, height: usize) -> String {
    let room = height.saturating_sub(1).max(1);
    let lines: Vec<&str> = text.lines().collect();
    let up = if drawn > 0 { format!("\u{1b}[{drawn}A") } else { String::new() };
    let shown = if lines.len() > room { room - 1 } else { lines.len() };
    let mut frame = up + "\r";
    for line in &lines[..shown] {
        frame.push_str(line);
        frame.push_str("\u{1b}[K\n");
    }
    if lines.len() > room {
        frame.push_str(&format!("{} more lines do not fit\u{1b}[K\n", lines.len() - shown));
    }
    frame + "\u{1b}[J"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_covers_the_one_before_and_never_scrolls() {
        assert_eq!(frame("a\nb\n", 0, 24), "\ra\u{1b}[K\nb\u{1b}[K\n\u{1b}[J");
        assert_eq!(frame("a\n", 2, 24), "\u{1b}[2A\ra\u{1b}[K\n\u{1b}[J");
        assert_eq!(
            frame("a\nb\nc\nd\n", 0, 4),
            "\ra\u{1b}[K\nb\u{1b}[K\n2 more lines do not fit\u{1b}[K\n\u{1b}[J"
        );
    }
}
