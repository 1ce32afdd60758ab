//! Spans as lines and columns, in each of the three ways in which columns are counted.

use std::collections::BTreeMap;

use crate::diagnostic::Report;
use crate::source::{FileId, SourceSet, Span};

/// Where a span is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) path: &'a str,
    pub(super) start: Position,
    pub(super) end: Position,
}

/// A point in a text; lines and columns start at 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    /// In bytes from the start of the text.
    pub(super) offset: usize,
    pub(super) line: usize,
    /// In characters.
    pub(super) column: usize,
    /// In bytes.
    pub(super) utf8: usize,
    /// In UTF-16 code units.
    pub(super) utf16: usize,
}

/// Finds places, with the starts of all lines of the files that matter at hand.
#[derive(Debug)]
pub(super) struct Places<'a> {
    sources: &'a SourceSet,
    lines: BTreeMap<FileId, Vec<usize>>,
}

impl<'a> Places<'a> {
    pub(super) fn new(sources: &'a SourceSet, reports: &[Report]) -> Self {
        let labels = reports.iter().flat_map(|report| &report.labels).map(|label| label.span.file);
        let edits = reports.iter().flat_map(|report| &report.fixes).flat_map(|fix| &fix.edits);
        let files = labels.chain(edits.map(|edit| edit.span.file));
        let mut lines = BTreeMap::new();
        for file in files {
            lines.entry(file).or_insert_with(|| line_starts(sources.text(file)));
        }
        Self { sources, lines }
    }

    pub(super) fn of(&self, span: Span) -> Place<'a> {
        let start = self.position(span.file, span.start as usize);
        let end = self.position(span.file, span.end.max(span.start) as usize);
        Place { path: self.sources.path(span.file), start, end }
    }

    fn position(&self, file: FileId, offset: usize) -> Position {
        let text = self.sources.text(file);
        let offset = floor(text, offset);
        let starts = self.lines.get(&file).map(Vec::as_slice).unwrap_or_default();
        let line = starts.partition_point(|start| *start <= offset).max(1);
        let before = &text[starts.get(line - 1).copied().unwrap_or(0)..offset];
        Position {
            offset,
            line,
            column: before.chars().count() + 1,
            utf8: before.len() + 1,
            utf16: before.encode_utf16().count() + 1,
        }
    }
}

/// The last boundary of a character at or before an offset.
pub(super) fn floor(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

fn line_starts(text: &str) -> Vec<usize> {
    std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect()
}
