//! Text in aligned columns.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};
use windlass_compiler::escape::visible;
use windlass_compiler::style::Style;

use super::paint::{Tone, paint};

/// What stands between two columns.
const GAP: &str = "  ";
/// The narrowest that a last column is cut to.
const NARROWEST: usize = 12;

/// Rows under a head. The last column takes the room that is left, and what does not fit is cut.
#[derive(Debug, Clone, Default)]
pub struct Table {
    head: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

/// A text in its tone. What others wrote is made harmless here.
#[derive(Debug, Clone)]
pub struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    /// A text in a tone.
    pub fn new(text: impl AsRef<str>, tone: Tone) -> Self {
        Self { text: visible(text.as_ref()).into_owned(), tone }
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(text, Tone::Plain)
    }
}

impl Table {
    /// A table under these words; without any, there is no head.
    pub fn new<const N: usize>(head: [&str; N]) -> Self {
        Self { head: head.map(str::to_owned).into(), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        self.rows.push(cells.into());
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The lines, each with its end.
    pub fn text(&self, style: &Style) -> String {
        self.lines(style).into_iter().map(|line| line + "\n").collect()
    }

    /// The lines without their ends, none wider than the style's width where that is possible.
    pub fn lines(&self, style: &Style) -> Vec<String> {
        let widths = self.widths();
        let head: Vec<Cell> = self.head.iter().map(|word| Cell::new(word, Tone::Quiet)).collect();
        let head = (!head.is_empty()).then_some(&head);
        head.into_iter().chain(&self.rows).map(|cells| line(cells, &widths, style)).collect()
    }

    /// The widest cell of each column.
    fn widths(&self) -> Vec<usize> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0).max(self.head.len());
        let cells = |at: usize| self.rows.iter().filter_map(move |row| row.get(at));
        let of_cells = |at: usize| cells(at).map(|cell: &Cell| cell.text.width()).max().unwrap_or(0);
        let of_head = |at: usize| self.head.get(at).map_or(0, |word| word.width());
        (0..columns).map(|at| of_cells(at).max(of_head(at))).collect()
    }
}

fn line(cells: &[Cell], widths: &[usize], style: &Style) -> String {
    let mut line = String::new();
    let mut column = 0;
    for (at, (cell, width)) in cells.iter().zip(widths).enumerate() {
        let is_last = at + 1 == cells.len();
        let text = if is_last {
            fitted(&cell.text, style.width.saturating_sub(column), style)
        } else {
            cell.text.clone()
        };
        line.push_str(&paint(style, cell.tone, &text));
        if !is_last {
            line.push_str(&" ".repeat(width - cell.text.width()));
            line.push_str(GAP);
        }
        column += width + GAP.len();
    }
    line.trim_end().to_owned()
}

/// `text` in at most `room` columns, with an ellipsis where something is missing.
pub fn fitted(text: &str, room: usize, style: &Style) -> String {
    let room = room.max(NARROWEST);
    if text.width() <= room {
        return text.to_owned();
    }
    let ellipsis = if style.unicode { "…" } else { "..." };
    let mut used = ellipsis.width();
    let fits = |c: &char| {
        used += c.width().unwrap_or(0);
        used <= room
    };
    text.chars().take_while(fits).collect::<String>() + ellipsis
}

#[cfg(test)]
mod tests {
    use super::*;

    fn style(width: usize) -> Style {
        Style { width, ..Style::default() }
    }

    #[test]
    fn columns_are_aligned_whatever_the_width_of_their_characters() {
        let mut table = Table::new(["JOB", "STATE", "DETAIL"]);
        table.row(["orders.ingest".into(), "running".into(), "".into()]);
        table.row(["表.é".into(), "failed".into(), "exit 1\u{1b}[2J".into()]);
        insta::assert_snapshot!(table.text(&style(80)), @r"
        JOB            STATE    DETAIL
        orders.ingest  running
        表.é           failed   exit 1\u{1b}[2J
        ");
    }

    #[test]
    fn the_last_column_is_cut_at_the_edge() {
        let mut table = Table::new([]);
        table.row(["a".into(), "a reason that is far too long".into()]);
        assert_eq!(table.text(&style(20)), "a  a reason that is…\n");
    }

    #[test]
    fn colours_do_not_count_as_width() {
        let mut table = Table::new([]);
        table.row([Cell::new("failed", Tone::Bad), "x".into()]);
        table.row([Cell::new("ok", Tone::Good), "y".into()]);
        let text = table.text(&Style { color: true, ..style(80) });
        assert_eq!(text, "\u{1b}[31mfailed\u{1b}[0m  x\n\u{1b}[32mok\u{1b}[0m      y\n");
    }
}
