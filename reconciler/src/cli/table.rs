//! Text in aligned columns.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};
use windlass_compiler::escape::visible;
use windlass_compiler::style::Style;

use super::paint::{Tone, paint};

/// What stands between two columns.
const GAP: &str = "  ";
/// The narrowest that a last column is cut to.
const NARROWEST: usize = 12;

/// The room in which a last column that folds goes on in its own column, not below the row.
const ROOMY: usize = 40;
/// What stands before a line below a row, where characters beyond ASCII can be shown, and where not.
const BELOW: [&str; 2] = ["  └ ", "  - "];

/// Rows under a head. The last column takes the room that is left, and what does not fit is cut, or folded.
#[derive(Debug, Clone, Default)]
pub struct Table {
    head: Vec<String>,
    rows: Vec<Vec<Cell>>,
    /// Lines of their own below a row, by its place.
    below: Vec<(usize, Cell)>,
    folding: bool,
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
        Self { head: head.map(str::to_owned).into(), ..Self::default() }
    }

    /// The same table, but what does not fit into the last column stands below its row, whole.
    #[must_use]
    pub fn folding(self) -> Self {
        Self { folding: true, ..self }
    }

    /// Adds a row.
    pub fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        self.rows.push(cells.into());
    }

    /// Adds a line below the last row.
    pub fn below(&mut self, cell: Cell) {
        self.below.push((self.rows.len().saturating_sub(1), cell));
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
        let head = (!head.is_empty()).then(|| line(&head, &widths, style));
        let rows = (0..self.rows.len()).flat_map(|at| self.lines_of(at, &widths, style));
        head.into_iter().chain(rows).collect()
    }

    /// A row, and what stands below it.
    fn lines_of(&self, at: usize, widths: &[usize], style: &Style) -> Vec<String> {
        let cells = &self.rows[at];
        let before: usize = widths.iter().rev().skip(1).map(|width| width + GAP.len()).sum();
        let room = style.width.saturating_sub(before);
        let too_wide = |cell: &&Cell| self.folding && cell.text.width() > room;
        let mut lines = match cells.last().filter(too_wide) {
            None => vec![line(cells, widths, style)],
            Some(last) if room >= ROOMY => hanging(cells, last, widths, before, style),
            Some(last) => {
                let short = line(&cells[..cells.len() - 1], &widths[..widths.len() - 1], style);
                std::iter::once(short).chain(below(last, style)).collect()
            }
        };
        let notes = self.below.iter().filter(|(row, _)| *row == at);
        lines.extend(notes.flat_map(|(_, cell)| below(cell, style)));
        lines
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

/// A row whose last cell goes on in its column.
fn hanging(cells: &[Cell], last: &Cell, widths: &[usize], before: usize, style: &Style) -> Vec<String> {
    let mut parts = wrapped(&last.text, style.width - before).into_iter();
    let first = Cell { text: parts.next().unwrap_or_default(), tone: last.tone };
    let mut row = cells[..cells.len() - 1].to_vec();
    row.push(first);
    let rest = parts.map(|part| " ".repeat(before) + &paint(style, last.tone, &part));
    std::iter::once(line(&row, widths, style)).chain(rest).collect()
}

/// A cell on lines of its own.
fn below(cell: &Cell, style: &Style) -> Vec<String> {
    let [first, ascii] = BELOW;
    let first = if style.unicode { first } else { ascii };
    let lines = wrapped(&cell.text, style.width.saturating_sub(first.width()));
    let mark = |at: usize| if at == 0 { first.to_owned() } else { " ".repeat(first.width()) };
    lines.iter().enumerate().map(|(at, text)| mark(at) + &paint(style, cell.tone, text)).collect()
}

/// `text` in lines of at most `room` columns, broken between words where that is possible.
pub fn wrapped(text: &str, room: usize) -> Vec<String> {
    let room = room.max(NARROWEST);
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.last_mut().expect("there is always a line");
        if last.is_empty() {
            last.push_str(word);
        } else if last.width() + 1 + word.width() <= room {
            last.push(' ');
            last.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
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
    fn a_folding_table_cuts_nothing() {
        let mut table = Table::new(["JOB", "DETAIL"]).folding();
        table.row(["a".into(), "short".into()]);
        table.row(["b".into(), "a reason that is far too long for one line of it".into()]);
        table.below("a note".into());
        insta::assert_snapshot!(table.text(&style(30)), @r"
        JOB  DETAIL
        a    short
        b
          └ a reason that is far too
            long for one line of it
          └ a note
        ");
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
