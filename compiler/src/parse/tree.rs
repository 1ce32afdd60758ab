//! The tables and values of one file, in source order, each with its span.
//!
//! Knows TOML's rules about what may be defined twice, and nothing of what the keys mean. A tree borrows the text
//! that it was built from and lives only until its tables have been read.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::source::Span;

/// A table, its entries in source order.
#[derive(Debug, Default)]
pub(crate) struct Table<'s> {
    entries: Vec<Entry<'s>>,
    index: BTreeMap<Cow<'s, str>, usize>,
    origin: Origin,
}

/// How a table came to be, which decides what may be added to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Origin {
    /// A header below it names it in passing.
    #[default]
    Implicit,
    /// It has a header of its own.
    Header,
    /// It is an element under a `[[header]]`.
    Element,
    /// A dotted key names it in passing.
    Dotted,
    /// It is written in braces.
    Inline,
}

/// A key and its value.
#[derive(Debug)]
pub(crate) struct Entry<'s> {
    /// The key.
    pub(crate) key: Key<'s>,
    /// What stands under it.
    pub(crate) value: Value<'s>,
}

/// One part of a key.
#[derive(Debug, Clone)]
pub(crate) struct Key<'s> {
    /// The key as it reads without quotes.
    pub(crate) text: Cow<'s, str>,
    /// The key as it is written.
    pub(crate) span: Span,
}

/// A value and its span; of a table with a header the span of the header.
#[derive(Debug)]
pub(crate) struct Value<'s> {
    /// The smallest range that holds it.
    pub(crate) span: Span,
    /// What it is.
    pub(crate) kind: Kind<'s>,
}

/// What a value is.
#[derive(Debug)]
pub(crate) enum Kind<'s> {
    /// A string.
    Text(Cow<'s, str>),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// A boolean.
    Bool(bool),
    /// A date, a time or both, as written.
    Date(&'s str),
    /// An array.
    Array(Vec<Value<'s>>),
    /// A table.
    Table(Table<'s>),
    /// Something that has been reported already.
    Poisoned,
}

impl Kind<'_> {
    /// What people call it, with its article.
    pub(crate) fn noun(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Int(_) => "a whole number",
            Self::Float(_) => "a number with a fraction",
            Self::Bool(_) => "a boolean",
            Self::Date(_) => "a date or time",
            Self::Array(_) => "a list",
            Self::Table(_) => "a table",
            Self::Poisoned => "a broken value",
        }
    }
}

/// A table of this size gets an index; scanning a smaller one is faster.
const INDEXED: usize = 16;

impl<'s> Table<'s> {
    /// An empty table.
    pub(crate) fn new(origin: Origin) -> Self {
        Self { origin, ..Self::default() }
    }

    /// The entries in source order.
    pub(crate) fn into_entries(self) -> Vec<Entry<'s>> {
        self.entries
    }

    /// The entries in source order, borrowed.
    pub(crate) fn entries(&self) -> &[Entry<'s>] {
        &self.entries
    }

    /// The entry under a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Entry<'s>> {
        self.position(key).map(|at| &self.entries[at])
    }

    fn position(&self, key: &str) -> Option<usize> {
        match self.entries.len() {
            ..INDEXED => self.entries.iter().position(|entry| entry.key.text == key),
            _ => self.index.get(key).copied(),
        }
    }

    fn push(&mut self, key: Key<'s>, value: Value<'s>) -> usize {
        let at = self.entries.len();
        if at + 1 == INDEXED {
            let indexed = self.entries.iter().enumerate().map(|(at, entry)| (entry.key.text.clone(), at));
            self.index = indexed.collect();
        }
        if at + 1 >= INDEXED {
            self.index.insert(key.text.clone(), at);
        }
        self.entries.push(Entry { key, value });
        at
    }

    /// Puts a value under a dotted key; answers with the first definition where there is one.
    pub(crate) fn insert(&mut self, path: Vec<Key<'s>>, value: Value<'s>) -> Result<(), Taken<'s>> {
        let mut table = self;
        let mut parts = path.into_iter();
        let Some(mut key) = parts.next() else { return Ok(()) };
        for next in parts {
            table = table.descend_dotted(key)?;
            key = next;
        }
        match table.position(&key.text) {
            Some(at) => Err(Taken { first: table.entries[at].key.span, again: key }),
            None => {
                table.push(key, value);
                Ok(())
            }
        }
    }

    fn descend_dotted(&mut self, key: Key<'s>) -> Result<&mut Self, Taken<'s>> {
        let at = match self.position(&key.text) {
            Some(at) => at,
            None => {
                let kind = Kind::Table(Table::new(Origin::Dotted));
                self.push(key.clone(), Value { span: key.span, kind })
            }
        };
        let entry = &mut self.entries[at];
        match &mut entry.value.kind {
            Kind::Table(table) if matches!(table.origin, Origin::Dotted | Origin::Implicit) => Ok(table),
            _ => Err(Taken { first: entry.key.span, again: key }),
        }
    }

    /// Opens `[path]` or `[[path]]`; answers with the way to the table, or with the first definition.
    pub(crate) fn open(&mut self, path: &[Key<'s>], header: Span, element: bool) -> Result<Way, Taken<'s>> {
        let mut way = Way::default();
        let Some((last, parents)) = path.split_last() else { return Ok(way) };
        let mut table = self;
        for key in parents {
            let at = table.descend_header(key)?;
            way.0.push(at);
            table = table.step(at);
        }
        way.0.push(table.define(last, header, element)?);
        Ok(way)
    }

    fn descend_header(&mut self, key: &Key<'s>) -> Result<usize, Taken<'s>> {
        let Some(at) = self.position(&key.text) else {
            let kind = Kind::Table(Table::new(Origin::Implicit));
            return Ok(self.push(key.clone(), Value { span: key.span, kind }));
        };
        let entry = &self.entries[at];
        let open = match &entry.value.kind {
            Kind::Table(table) => table.origin != Origin::Inline,
            Kind::Array(items) => items.last().is_some_and(is_element),
            _ => false,
        };
        if open { Ok(at) } else { Err(Taken { first: entry.key.span, again: key.clone() }) }
    }

    fn define(&mut self, key: &Key<'s>, header: Span, element: bool) -> Result<usize, Taken<'s>> {
        let at = match self.position(&key.text) {
            Some(at) => at,
            None if element => {
                return Ok(self.push(
                    key.clone(),
                    Value { span: header, kind: Kind::Array(vec![new_element(header)]) },
                ));
            }
            None => {
                let kind = Kind::Table(Table::new(Origin::Header));
                return Ok(self.push(key.clone(), Value { span: header, kind }));
            }
        };
        let entry = &mut self.entries[at];
        match &mut entry.value.kind {
            Kind::Table(table) if !element && table.origin == Origin::Implicit => {
                table.origin = Origin::Header;
                entry.key = key.clone();
                entry.value.span = header;
                Ok(at)
            }
            Kind::Array(items) if element && items.last().is_some_and(is_element) => {
                items.push(new_element(header));
                Ok(at)
            }
            _ => Err(Taken { first: entry.key.span, again: key.clone() }),
        }
    }

    /// The table at the end of a way.
    pub(crate) fn at(&mut self, way: &Way) -> &mut Self {
        way.0.iter().fold(self, |table, at| table.step(*at))
    }

    fn step(&mut self, at: usize) -> &mut Self {
        let kind = match &mut self.entries[at].value.kind {
            Kind::Array(items) => items.last_mut().map(|item| &mut item.kind),
            kind => Some(kind),
        };
        match kind {
            Some(Kind::Table(table)) => table,
            _ => unreachable!("a way leads only through tables"),
        }
    }
}

fn new_element<'s>(header: Span) -> Value<'s> {
    Value { span: header, kind: Kind::Table(Table::new(Origin::Element)) }
}

fn is_element(value: &Value<'_>) -> bool {
    matches!(&value.kind, Kind::Table(table) if table.origin == Origin::Element)
}

/// The way from the root to a table.
#[derive(Debug, Default, Clone)]
pub(crate) struct Way(Vec<usize>);

/// A key that is defined already.
#[derive(Debug)]
pub(crate) struct Taken<'s> {
    /// Where it is first defined.
    pub(crate) first: Span,
    /// The key that defines it again.
    pub(crate) again: Key<'s>,
}
