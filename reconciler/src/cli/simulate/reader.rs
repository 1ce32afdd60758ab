//! Reads a table of a script entry by entry, and collects everything that is wrong with it.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use windlass_compiler::diagnostic::{Label, Report, Severity};
use windlass_compiler::source::{FileId, Span};

use super::super::nearest::nearest;

/// What was wrong so far.
pub(super) struct Mistakes {
    file: FileId,
    pub(super) reports: Vec<Report>,
}

/// One table, whose entries are taken one by one.
pub(super) struct Table<'a> {
    table: &'a DeTable<'a>,
    span: Range<usize>,
    taken: Vec<&'static str>,
}

/// A value and where it stands.
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) span: Range<usize>,
}

impl Mistakes {
    pub(super) fn new(file: FileId) -> Self {
        Self { file, reports: Vec::new() }
    }

    /// Notes a mistake: what is wrong, where, what to say there, and what to do.
    pub(super) fn add(
        &mut self,
        span: Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.reports.push(Report {
            code: "",
            name: "script",
            severity: Severity::Error,
            message: message.into(),
            labels: vec![Label { span: Span::new(self.file, span), text: label.into() }],
            help: Some(help.into()),
            fixes: Vec::new(),
            address: None,
            environments: Vec::new(),
        });
    }

    /// A value that should have been one of these.
    pub(super) fn none_of<'a>(
        &mut self,
        at: &At<String>,
        what: &str,
        allowed: impl IntoIterator<Item = &'a str>,
    ) {
        self.not_known(at, format!("there is no {what} `{}`", at.value), allowed);
    }

    fn not_known<'a>(
        &mut self,
        at: &At<String>,
        message: String,
        allowed: impl IntoIterator<Item = &'a str>,
    ) {
        let allowed: Vec<&str> = allowed.into_iter().collect();
        let near = nearest(&at.value, allowed.iter().copied());
        let meant = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
        self.add(at.span.clone(), message, "not known", format!("{meant}known are: {}", allowed.join(", ")));
    }
}

impl<'a> Table<'a> {
    pub(super) fn new(table: &'a DeTable<'a>, span: Range<usize>) -> Self {
        Self { table, span, taken: Vec::new() }
    }

    /// Whether there is such a key.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.iter().any(|(name, _)| name.get_ref() == key)
    }

    /// A value, if it is there.
    pub(super) fn take(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.taken.push(key);
        self.table.iter().find(|(name, _)| *name.get_ref() == key).map(|(_, value)| value)
    }

    /// A text, if there is one.
    pub(super) fn text(&mut self, key: &'static str, mistakes: &mut Mistakes) -> Option<At<String>> {
        let value = self.take(key)?;
        let text = value.get_ref().as_str();
        if text.is_none() {
            mistakes.add(
                value.span(),
                format!("`{key}` is no text"),
                "not a text",
                format!("write `{key} = \"…\"`"),
            );
        }
        text.map(|text| At { value: text.to_owned(), span: value.span() })
    }

    /// A whole number, if there is one.
    pub(super) fn number(&mut self, key: &'static str, mistakes: &mut Mistakes) -> Option<At<u64>> {
        let value = self.take(key)?;
        let number = value.get_ref().as_integer().and_then(|number| number.as_str().parse().ok());
        if number.is_none() {
            let help = format!("write `{key} = 1`");
            mistakes.add(value.span(), format!("`{key}` is no whole number"), "not a number", help);
        }
        number.map(|value_of| At { value: value_of, span: value.span() })
    }

    /// The tables below a key, each with its name.
    pub(super) fn tables(
        &mut self,
        key: &'static str,
        mistakes: &mut Mistakes,
    ) -> Vec<(At<String>, Table<'a>)> {
        let Some(value) = self.take(key) else { return Vec::new() };
        let Some(table) = value.get_ref().as_table() else {
            let help = format!("write `[{key}.NAME]`");
            mistakes.add(value.span(), format!("`{key}` is no table"), "not a table", help);
            return Vec::new();
        };
        let mut found = Vec::new();
        for (name, value) in table {
            let at = At { value: name.get_ref().to_string(), span: name.span() };
            match value.get_ref().as_table() {
                Some(table) => found.push((at, Table::new(table, name.span()))),
                None => mistakes.add(
                    value.span(),
                    format!("`{key}.{}` is no table", at.value),
                    "not a table",
                    format!("write `[{key}.{}]`", at.value),
                ),
            }
        }
        found
    }

    /// The tables of a list.
    pub(super) fn list(&mut self, key: &'static str, mistakes: &mut Mistakes) -> Vec<Table<'a>> {
        let Some(value) = self.take(key) else { return Vec::new() };
        let items = value.get_ref().as_array();
        let tables: Option<Vec<Table<'a>>> = items.and_then(|items| {
            items.iter().map(|item| Some(Table::new(item.get_ref().as_table()?, item.span()))).collect()
        });
        tables.unwrap_or_else(|| {
            let help = format!("write `[[{key}]]` before each of them");
            mistakes.add(value.span(), format!("`{key}` is no list of tables"), "not a list of tables", help);
            Vec::new()
        })
    }

    /// Where the table stands.
    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Everything has been taken that has a meaning: whatever is left is a mistake.
    pub(super) fn finish(self, what: &str, mistakes: &mut Mistakes) {
        for (name, _) in self.table {
            if self.taken.iter().any(|taken| *taken == name.get_ref()) {
                continue;
            }
            let at = At { value: name.get_ref().to_string(), span: name.span() };
            let message = format!("`{}` says nothing about {what}", at.value);
            mistakes.not_known(&at, message, self.taken.iter().copied());
        }
    }
}
