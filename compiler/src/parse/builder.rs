//! Builds the tree of a file from the parser's events.
//!
//! `toml`'s own documents sort their keys, drop the first of two definitions and lose what follows some errors; the
//! events keep the order, name both definitions, and cost a third of the time and a tenth of the memory.

use std::borrow::Cow;

use toml_parser::decoder::{Encoding, ScalarKind};
use toml_parser::parser::EventReceiver;
use toml_parser::{ErrorSink, ParseError, Raw, Span as Range};

use super::tree::{Key, Kind, Origin, Table, Taken, Value, Way};
use crate::source::{FileId, Span};

/// How deep arrays, inline tables and dotted keys may nest.
pub(crate) const DEEPEST: usize = 32;

/// Gathers the tree while the parser reports what it sees.
#[derive(Debug)]
pub(crate) struct Builder<'s> {
    text: &'s str,
    base: usize,
    file: FileId,
    root: Table<'s>,
    /// Where the entries go; nowhere after a header that could not be opened.
    current: Option<Way>,
    header: Option<Header>,
    keys: Keys<'s>,
    frames: Vec<Frame<'s>>,
    skipping: bool,
    /// Whether the expression nests too deep: its value is not looked at.
    poisoned: bool,
    /// The array or table that is the value of the expression, until it is known whether it is whole.
    pending: Option<(Range, Kind<'s>)>,
    /// What is defined twice.
    pub(crate) taken: Vec<Taken<'s>>,
    /// What nests too deep.
    pub(crate) deep: Vec<Span>,
}

#[derive(Debug)]
struct Header {
    element: bool,
    span: Range,
}

/// The parts of a dotted key as far as they have been seen.
#[derive(Debug, Default)]
struct Keys<'s> {
    parts: Vec<Key<'s>>,
    broken: bool,
}

#[derive(Debug)]
struct Frame<'s> {
    open: usize,
    content: Content<'s>,
}

#[derive(Debug)]
enum Content<'s> {
    Array(Vec<Value<'s>>),
    Table(Table<'s>, Keys<'s>),
}

impl<'s> Builder<'s> {
    /// A builder for the tree of `text`.
    pub(crate) fn new(text: &'s str, file: FileId) -> Self {
        Self {
            text,
            base: 0,
            file,
            root: Table::new(Origin::Header),
            current: Some(Way::default()),
            header: None,
            keys: Keys::default(),
            frames: Vec::new(),
            skipping: false,
            poisoned: false,
            pending: None,
            taken: Vec::new(),
            deep: Vec::new(),
        }
    }

    /// Goes on with events whose ranges count from `base`.
    pub(crate) fn rebase(&mut self, base: usize) {
        self.base = base;
    }

    /// Ends an expression, whatever the parser left open. A value that holds an error, which lies at `broken`, is
    /// not looked at: what could be said of it comes from the error.
    pub(crate) fn end_expression(&mut self, broken: Option<usize>) {
        if let Some((range, kind)) = self.pending.take() {
            let whole = broken.is_none_or(|at| range.end() <= at);
            self.place(range, if whole { kind } else { Kind::Poisoned });
        }
        self.frames.clear();
        self.skipping = false;
        self.poisoned = false;
        if let Some(header) = self.header.take() {
            self.open_table(header);
        } else if !self.keys.parts.is_empty() {
            let at = self.keys.parts.last().map_or(Range::new_unchecked(0, 0), |key| self.back(key.span));
            self.place(at, Kind::Poisoned);
        }
        self.keys = Keys::default();
    }

    /// The finished tree.
    pub(crate) fn finish(self) -> Table<'s> {
        self.root
    }

    /// The span of a range that the parser reports.
    pub(crate) fn span(&self, range: Range) -> Span {
        Span::new(self.file, self.base + range.start()..self.base + range.end())
    }

    fn back(&self, span: Span) -> Range {
        Range::new_unchecked(span.start as usize - self.base, span.end as usize - self.base)
    }

    fn raw(&self, range: Range, encoding: Option<Encoding>) -> Raw<'s> {
        let text = self.text.get(self.base + range.start()..self.base + range.end()).unwrap_or_default();
        Raw::new_unchecked(text, encoding, range)
    }

    fn keys(&mut self) -> &mut Keys<'s> {
        match self.frames.last_mut() {
            Some(Frame { content: Content::Table(_, keys), .. }) => keys,
            _ => &mut self.keys,
        }
    }

    fn open_table(&mut self, header: Header) {
        let keys = std::mem::take(&mut self.keys);
        self.current = None;
        if keys.broken || keys.parts.is_empty() || self.too_deep(&keys.parts) {
            return;
        }
        let span = self.span(header.span);
        match self.root.open(&keys.parts, span, header.element) {
            Ok(way) => self.current = Some(way),
            Err(taken) => self.taken.push(taken),
        }
    }

    fn too_deep(&mut self, path: &[Key<'s>]) -> bool {
        let deep = path.len() > DEEPEST;
        if let (true, Some(key)) = (deep, path.get(DEEPEST)) {
            self.deep.push(key.span);
        }
        deep
    }

    fn place(&mut self, range: Range, kind: Kind<'s>) {
        let kind = if self.poisoned && self.frames.is_empty() { Kind::Poisoned } else { kind };
        let value = Value { span: self.span(range), kind };
        if let Some(Frame { content: Content::Array(items), .. }) = self.frames.last_mut() {
            items.push(value);
            return;
        }
        let keys = std::mem::take(self.keys());
        if keys.broken || self.too_deep(&keys.parts) {
            return;
        }
        let table = match (self.frames.last_mut(), &self.current) {
            (Some(Frame { content: Content::Table(table, _), .. }), _) => Some(table),
            (_, Some(way)) => Some(self.root.at(way)),
            (_, None) => None,
        };
        let inserted = table.map_or(Ok(()), |table| table.insert(keys.parts, value));
        self.taken.extend(inserted.err());
    }

    fn enter(&mut self, range: Range, content: Content<'s>) -> bool {
        if self.frames.len() >= DEEPEST {
            self.deep.push(self.span(range));
            (self.skipping, self.poisoned) = (true, true);
            return false;
        }
        self.frames.push(Frame { open: range.start(), content });
        true
    }

    fn leave(&mut self, range: Range) {
        if std::mem::take(&mut self.skipping) {
            return self.place(range, Kind::Poisoned);
        }
        let Some(frame) = self.frames.pop() else { return };
        let kind = match frame.content {
            Content::Array(items) => Kind::Array(items),
            Content::Table(table, _) => Kind::Table(table),
        };
        let range = Range::new_unchecked(frame.open, range.end().max(frame.open));
        if self.frames.is_empty() {
            self.pending = Some((range, kind));
        } else {
            self.place(range, kind);
        }
    }

    fn decode(&self, range: Range, encoding: Option<Encoding>, errors: &mut dyn ErrorSink) -> Kind<'s> {
        let raw = self.raw(range, encoding);
        let mut text = Cow::Borrowed("");
        let mut watched = Watched { errors, seen: false };
        let kind = raw.decode_scalar(&mut text, &mut watched);
        if watched.seen {
            return Kind::Poisoned;
        }
        let kind = match kind {
            ScalarKind::String => Some(Kind::Text(text)),
            ScalarKind::Boolean(value) => Some(Kind::Bool(value)),
            ScalarKind::DateTime => Some(Kind::Date(raw.as_str())),
            ScalarKind::Float => text.parse().ok().map(Kind::Float),
            ScalarKind::Integer(radix) => i64::from_str_radix(&text, radix.value()).ok().map(Kind::Int),
        };
        kind.unwrap_or_else(|| {
            watched.report_error(ParseError::new("number out of range").with_unexpected(range));
            Kind::Poisoned
        })
    }
}

/// Passes errors on, and remembers that there was one.
struct Watched<'a> {
    errors: &'a mut dyn ErrorSink,
    seen: bool,
}

impl ErrorSink for Watched<'_> {
    fn report_error(&mut self, error: ParseError) {
        self.seen = true;
        self.errors.report_error(error);
    }
}

impl EventReceiver for Builder<'_> {
    fn std_table_open(&mut self, span: Range, _: &mut dyn ErrorSink) {
        self.header = Some(Header { element: false, span });
    }

    fn array_table_open(&mut self, span: Range, _: &mut dyn ErrorSink) {
        self.header = Some(Header { element: true, span });
    }

    fn std_table_close(&mut self, span: Range, _: &mut dyn ErrorSink) {
        if let Some(header) = self.header.take() {
            self.open_table(Header { span: header.span.append(span), ..header });
        }
    }

    fn array_table_close(&mut self, span: Range, errors: &mut dyn ErrorSink) {
        self.std_table_close(span, errors);
    }

    fn simple_key(&mut self, range: Range, encoding: Option<Encoding>, errors: &mut dyn ErrorSink) {
        let mut text = Cow::Borrowed("");
        let mut watched = Watched { errors, seen: false };
        self.raw(range, encoding).decode_key(&mut text, &mut watched);
        let broken = watched.seen;
        let key = Key { text, span: self.span(range) };
        if self.frames.is_empty()
            && let Some((range, kind)) = self.pending.take()
        {
            // A second key on the same line; the first has its value.
            self.place(range, kind);
        }
        let keys = self.keys();
        keys.broken |= broken;
        keys.parts.push(key);
    }

    fn scalar(&mut self, range: Range, encoding: Option<Encoding>, errors: &mut dyn ErrorSink) {
        let kind = self.decode(range, encoding, errors);
        self.place(range, kind);
    }

    fn array_open(&mut self, range: Range, _: &mut dyn ErrorSink) -> bool {
        self.enter(range, Content::Array(Vec::new()))
    }

    fn array_close(&mut self, range: Range, _: &mut dyn ErrorSink) {
        self.leave(range);
    }

    fn inline_table_open(&mut self, range: Range, _: &mut dyn ErrorSink) -> bool {
        self.enter(range, Content::Table(Table::new(Origin::Inline), Keys::default()))
    }

    fn inline_table_close(&mut self, range: Range, _: &mut dyn ErrorSink) {
        self.leave(range);
    }

    fn comment(&mut self, range: Range, errors: &mut dyn ErrorSink) {
        self.raw(range, None).decode_comment(errors);
    }

    fn newline(&mut self, range: Range, errors: &mut dyn ErrorSink) {
        self.raw(range, None).decode_newline(errors);
    }
}
