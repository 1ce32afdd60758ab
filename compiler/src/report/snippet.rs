//! The lines that a report points at, with the labels below them. miette draws; we decide what it sees.
//!
//! miette draws one file at a time, trusts its input and knows no limit. So each file is drawn on its own, its
//! text is made harmless first, and what would fill screens is cut.

use std::collections::BTreeMap;
use std::fmt;

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, ThemeCharacters, ThemeStyles,
};

use super::Findings;
use super::place::{Place, floor};
use crate::diagnostic::{Label, Report};
use crate::escape::{is_hidden, spelt_out, visible};
use crate::source::FileId;
use crate::style::Style;

/// A label over more lines is drawn on its first line only.
const MOST_LINES: usize = 6;
/// A line of more bytes is not drawn: it would hide the message.
const LONGEST_LINE: usize = 1_000;
/// The narrowest drawing.
const NARROWEST: usize = 40;

/// Everything that a report points at: the file of the primary label first, others in the order of the tree.
pub(super) fn draw(findings: &Findings<'_>, report: &Report, style: &Style) -> String {
    let mut files: BTreeMap<FileId, Vec<&Label>> = BTreeMap::new();
    for label in &report.labels {
        files.entry(label.span.file).or_default().push(label);
    }
    let primary = report.labels.first().map(|label| label.span.file);
    let first = primary.and_then(|file| files.remove_entry(&file));
    let all = first.into_iter().chain(files);
    all.map(|(file, labels)| draw_file(findings, file, &labels, style)).collect()
}

fn draw_file(findings: &Findings<'_>, file: FileId, labels: &[&Label], style: &Style) -> String {
    let text = findings.sources.text(file);
    let places: Vec<Place<'_>> = labels.iter().map(|label| findings.places.of(label.span)).collect();
    if places.iter().any(|place| !is_drawable(text, place)) {
        return point(labels, &places);
    }
    let mut shown = Shown::of(text);
    if places.iter().any(|place| place.start.offset == text.len()) {
        // miette draws a label only at a character.
        shown.text.push(' ');
    }
    let spans = labels.iter().zip(&places).enumerate().map(|(index, (label, place))| {
        let said = Some(visible(&label.text).into_owned()).filter(|said| !said.is_empty());
        let range = shown.range(place.start.offset..end(text, place));
        // The place that stands above the drawing is that of the primary label.
        if index == 0 {
            LabeledSpan::new_primary_with_span(said, range)
        } else {
            LabeledSpan::new_with_span(said, range)
        }
    });
    let drawing = Drawing {
        labels: spans.collect(),
        source: NamedSource::new(visible(findings.sources.path(file)), shown.text.clone()),
    };
    render(&drawing, style).unwrap_or_else(|_| point(labels, &places))
}

/// Whether the lines around a place are short enough to be seen.
fn is_drawable(text: &str, place: &Place<'_>) -> bool {
    let before = text[..place.start.offset].lines().rev().take(2).map(str::len);
    let after = text[place.start.offset..].lines().take(MOST_LINES + 2).map(str::len);
    before.chain(after).all(|length| length <= LONGEST_LINE)
}

/// Where the drawing of a label ends.
fn end(text: &str, place: &Place<'_>) -> usize {
    if place.end.line - place.start.line < MOST_LINES {
        return place.end.offset;
    }
    text[place.start.offset..].find('\n').map_or(text.len(), |length| place.start.offset + length)
}

/// The places in words, where a drawing would not help.
fn point(labels: &[&Label], places: &[Place<'_>]) -> String {
    let line = |(label, place): (&&Label, &Place<'_>)| {
        let path = visible(place.path);
        format!("  at {path}:{}:{}: {}\n", place.start.line, place.start.column, visible(&label.text))
    };
    labels.iter().zip(places).map(line).collect()
}

/// The drawing without miette's own line of message, which is empty.
fn render(drawing: &Drawing, style: &Style) -> Result<String, fmt::Error> {
    let mut out = String::new();
    let handler = GraphicalReportHandler::new_themed(theme(style))
        .with_width(style.width.max(NARROWEST))
        .with_links(false)
        .without_syntax_highlighting();
    handler.render_report(&mut out, drawing)?;
    Ok(out.split_once('\n').map(|(_, rest)| rest.to_owned()).unwrap_or_default())
}

fn theme(style: &Style) -> GraphicalTheme {
    GraphicalTheme {
        characters: if style.unicode { ThemeCharacters::unicode() } else { ThemeCharacters::ascii() },
        styles: if style.color { ThemeStyles::ansi() } else { ThemeStyles::none() },
    }
}

/// What miette is given.
#[derive(Debug)]
struct Drawing {
    labels: Vec<LabeledSpan>,
    source: NamedSource<String>,
}

impl fmt::Display for Drawing {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

impl std::error::Error for Drawing {}

impl miette::Diagnostic for Drawing {
    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        Some(&self.source)
    }
}

/// A text made harmless, and where its parts went.
struct Shown {
    text: String,
    /// Pairs of an offset in the original and the same place in `text`, behind each replaced character.
    moves: Vec<(usize, usize)>,
}

impl Shown {
    fn of(original: &str) -> Self {
        let mut shown = Self { text: String::with_capacity(original.len()), moves: vec![(0, 0)] };
        let mut copied = 0;
        for (at, c) in original.char_indices().filter(|(_, c)| is_hidden(*c) && !matches!(c, '\n' | '\t')) {
            shown.text.push_str(&original[copied..at]);
            copied = at + c.len_utf8();
            // A line that ends in CR LF is an ordinary line.
            if !(c == '\r' && original[copied..].starts_with('\n')) {
                shown.text.push_str(&spelt_out(c));
            }
            shown.moves.push((copied, shown.text.len()));
        }
        shown.text.push_str(&original[copied..]);
        shown
    }

    fn range(&self, range: std::ops::Range<usize>) -> std::ops::Range<usize> {
        self.offset(range.start)..self.offset(range.end)
    }

    fn offset(&self, original: usize) -> usize {
        let next = self.moves.partition_point(|(from, _)| *from <= original);
        let (from, to) = self.moves[next.saturating_sub(1)];
        floor(&self.text, to + original - from)
    }
}
