//! Who said it, and where: the texts of a spec tree and spans into them.
//!
//! Knows nothing of TOML; a span is a range of bytes in one file.

use std::ops::Range;

/// A file of a [`SourceSet`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(u32);

/// A range of bytes in one file. Ordered by file, then by offset: source order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// Offset of the first byte.
    pub start: u32,
    /// Offset behind the last byte.
    pub end: u32,
}

impl Span {
    /// The span of `range` in `file`.
    pub fn new(file: FileId, range: Range<usize>) -> Self {
        let clamp = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Self { file, start: clamp(range.start), end: clamp(range.end) }
    }

    /// The bytes it covers.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// The texts of one compilation, in the order in which they were read.
#[derive(Debug, Default)]
pub struct SourceSet {
    files: Vec<Source>,
}

/// One text and its path.
#[derive(Debug)]
pub struct Source {
    path: Box<str>,
    text: Box<str>,
}

/// A place as people count: both numbers start at 1, columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl SourceSet {
    /// Adds a text under its path, relative to the root of the tree, with `/` between folders.
    pub fn add(&mut self, path: &str, text: String) -> FileId {
        let id = FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        self.files.push(Source { path: path.into(), text: text.into() });
        id
    }

    /// The path of a file, relative to the root of the tree.
    pub fn path(&self, file: FileId) -> &str {
        &self.files[file.0 as usize].path
    }

    /// The whole text of a file.
    pub fn text(&self, file: FileId) -> &str {
        &self.files[file.0 as usize].text
    }

    /// The text that a span covers; empty where the span lies outside of its file.
    pub fn snippet(&self, span: Span) -> &str {
        self.text(span.file).get(span.range()).unwrap_or_default()
    }

    /// The same texts under paths that start with `prefix`. Spans into this set fit the new one as well.
    pub fn below(self, prefix: &str) -> Self {
        let rename = |source: Source| Source { path: format!("{prefix}{}", source.path).into(), ..source };
        Self { files: self.files.into_iter().map(rename).collect() }
    }

    /// All files, in the order in which they were read.
    pub fn files(&self) -> impl Iterator<Item = FileId> {
        (0..self.files.len()).map(|at| FileId(u32::try_from(at).unwrap_or(u32::MAX)))
    }

    /// How many files there are.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there is no file.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The line and column at which a span starts.
    pub fn place(&self, span: Span) -> Place {
        let text = self.text(span.file);
        let mut start = (span.start as usize).min(text.len());
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        let before = &text[..start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Place { line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1 }
    }
}
