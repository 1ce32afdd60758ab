//! What all tables of one file share while they are read.

use crate::diagnostic::{Diagnostic, Fault, Shape, Unsupported, Values};
use crate::name::{BadName, LONGEST, Name};
use crate::source::{FileId, SourceSet, Span};
use crate::spec::{Key, Reference};
use crate::suggest::nearest;

use super::tree::{Entry, Kind, Table, Value};

/// Reads the tables of one file.
pub(super) struct Reader<'a, 's> {
    /// The file.
    pub(super) file: FileId,
    /// Whether it is the root file.
    pub(super) is_root: bool,
    /// The root file's path.
    pub(super) root_path: &'s str,
    /// What the current table is about.
    pub(super) address: Option<Box<str>>,
    /// The texts with references.
    pub(super) references: Vec<Reference<'s>>,
    found: &'a mut Vec<Diagnostic>,
}

impl<'a, 's> Reader<'a, 's> {
    /// A reader for `file`.
    pub(super) fn new(
        sources: &'s SourceSet,
        file: FileId,
        root: FileId,
        found: &'a mut Vec<Diagnostic>,
    ) -> Self {
        Self {
            file,
            is_root: file == root,
            root_path: sources.path(root),
            address: None,
            references: Vec::new(),
            found,
        }
    }

    /// Reports a fault in the current table.
    pub(super) fn report(&mut self, fault: Fault) {
        self.found.push(Diagnostic { address: self.address.clone(), ..fault.into() });
    }

    /// Reports a key that the table does not have.
    pub(super) fn unknown_key(&mut self, key: &Key<'_>, table: &str, known: &'static [&'static str]) {
        self.near_key(key, table, known);
    }

    /// Reports a key that the table does not have, and answers with the one that was probably meant.
    pub(super) fn near_key(
        &mut self,
        key: &Key<'_>,
        table: &str,
        known: &'static [&'static str],
    ) -> Option<&'static str> {
        let near = nearest(&key.text, known.iter().copied());
        let (span, key, table) = (key.span, key.text.as_ref().into(), table.into());
        self.report(Fault::Shape(Shape::UnknownKey { span, key, table, near, known }));
        near
    }

    /// Reports a key of the language that is not run yet.
    pub(super) fn not_yet(&mut self, key: &Key<'_>) {
        self.report(Fault::Unsupported(Unsupported::Key { span: key.span, key: key.text.as_ref().into() }));
    }

    /// Reports a value of the wrong type.
    pub(super) fn wrong_type(
        &mut self,
        key: &str,
        value: &Value<'_>,
        expected: &'static str,
        example: &'static str,
    ) {
        if !matches!(value.kind, Kind::Poisoned) {
            let (span, key, found) = (value.span, key.into(), value.kind.noun());
            self.report(Fault::Shape(Shape::WrongType { span, key, expected, found, example }));
        }
    }

    /// Reports a key that is missing.
    pub(super) fn missing(
        &mut self,
        span: Span,
        table: impl Into<Box<str>>,
        key: &'static str,
        example: &'static str,
    ) {
        let table = table.into();
        self.report(Fault::Shape(Shape::MissingKey { span, table, key, example }));
    }

    /// The entries of a table; a fault and nothing where the value is none.
    pub(super) fn table(&mut self, key: &str, value: Value<'s>, example: &'static str) -> Vec<Entry<'s>> {
        match value.kind {
            Kind::Table(table) => table.into_entries(),
            _ => {
                self.wrong_type(key, &value, "a table", example);
                Vec::new()
            }
        }
    }

    /// The entries of a table of tables, each with its own table.
    pub(super) fn tables(
        &mut self,
        key: &str,
        value: Value<'s>,
        example: &'static str,
    ) -> Vec<(Key<'s>, Span, Table<'s>)> {
        let entries = self.table(key, value, example);
        let mut tables = Vec::with_capacity(entries.len());
        for entry in entries {
            match entry.value.kind {
                Kind::Table(table) => tables.push((entry.key, entry.value.span, table)),
                _ => self.wrong_type(&entry.key.text, &entry.value, "a table", example),
            }
        }
        tables
    }

    /// Checks a name, and reports one that is none.
    pub(super) fn name(&mut self, what: &'static str, key: &Key<'_>) {
        if let Err(problem) = key.text.parse::<Name>() {
            let (span, text) = (key.span, key.text.as_ref().into());
            let near = near_name(&key.text, problem);
            self.report(Fault::Values(Values::Name { span, what, text, problem, near }));
        }
    }
}

/// The name that is left when what cannot be in one is replaced.
fn near_name(text: &str, problem: BadName) -> Option<Box<str>> {
    if !matches!(problem, BadName::Start(_) | BadName::Character(_)) {
        return None;
    }
    let lowered = text.to_lowercase();
    let fitting = |c: char| if matches!(c, 'a'..='z' | '0'..='9') { c } else { '-' };
    let name: String = lowered.chars().map(fitting).collect();
    let name = name.trim_matches('-').trim_start_matches(|c: char| !c.is_ascii_lowercase());
    (!name.is_empty() && name.len() <= LONGEST && name.parse::<Name>().is_ok()).then(|| name.into())
}
