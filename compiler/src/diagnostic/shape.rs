//! WL02xx: a table has the wrong keys, or a key the wrong type.

use super::Report;
use super::draft::{Draft, one_of};
use crate::source::Span;

/// A table with the wrong keys or types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// A table has no such key.
    UnknownKey {
        /// The key.
        span: Span,
        /// As it is written.
        key: Box<str>,
        /// What the table is called: ``job `ingest` ``.
        table: Box<str>,
        /// The nearest key that exists.
        near: Option<&'static str>,
        /// All keys that exist.
        known: &'static [&'static str],
    },
    /// A key has a value of the wrong type.
    WrongType {
        /// The value.
        span: Span,
        /// The key.
        key: Box<str>,
        /// What should stand there, with its article.
        expected: &'static str,
        /// What stands there, with its article.
        found: &'static str,
        /// A right one.
        example: &'static str,
    },
    /// A key that must be there is not.
    MissingKey {
        /// The table.
        span: Span,
        /// What the table is called.
        table: Box<str>,
        /// The key.
        key: &'static str,
        /// How it would be written.
        example: &'static str,
    },
    /// The version of the language is not one that this program reads.
    Version {
        /// The value.
        span: Span,
        /// What stands there.
        found: Box<str>,
    },
    /// A key that only the root file may have.
    RootOnly {
        /// The key.
        span: Span,
        /// As it is written.
        key: Box<str>,
        /// The root file.
        root: Box<str>,
    },
    /// Jobs in a file that has no pipeline.
    NoPipeline {
        /// The first job's key.
        span: Span,
    },
    /// A command that is one text, not a list.
    CommandText {
        /// The value.
        span: Span,
        /// The same as a list, as TOML.
        list: Box<str>,
    },
}

impl Shape {
    /// Says it.
    pub(super) fn report(&self) -> Report {
        match self {
            Self::UnknownKey { span, key, table, near, known } => {
                let draft =
                    Draft::new("WL0201", format!("{table} has no key `{key}`")).at(*span, "unknown key");
                match near {
                    Some(_) => draft.did_you_mean(*span, key, *near).done(),
                    None if known.is_empty() => draft.done(),
                    None => {
                        draft.help(format!("it may have {}", one_of(known).replace(" or ", " and "))).done()
                    }
                }
            }
            Self::WrongType { span, key, expected, found, example } => {
                Draft::new("WL0202", format!("`{key}` must be {expected}, and this is {found}"))
                    .at(*span, format!("expected {expected}"))
                    .help(format!("write it like this: `{example}`"))
                    .done()
            }
            Self::MissingKey { span, table, key, example } => {
                Draft::new("WL0203", format!("{table} needs `{key}`"))
                    .at(*span, format!("`{key}` is missing"))
                    .help(format!("add `{example}`"))
                    .done()
            }
            Self::Version { span, found } => {
                Draft::new("WL0204", format!("there is no version `{found}` of the language"))
                    .at(*span, "this program reads version 1")
                    .help("write `version = 1`")
                    .replace(*span, found, "1", false)
                    .done()
            }
            Self::RootOnly { span, key, root } => {
                Draft::new("WL0205", format!("`{key}` belongs into the root file alone"))
                    .at(*span, "not allowed in an included file")
                    .help(format!("move it to `{root}`"))
                    .done()
            }
            Self::NoPipeline { span } => Draft::new("WL0206", "this file has jobs and no pipeline")
                .at(*span, "this job belongs to no pipeline")
                .help("add `[pipeline]` with a `name` at the top of the file")
                .done(),
            Self::CommandText { span, list } => {
                Draft::new("WL0207", "a command is a list of arguments, not one text")
                    .at(*span, "expected a list")
                    .help(format!(
                        "write `{list}`; for a shell's syntax, name the shell: `[\"sh\", \"-c\", \"…\"]`"
                    ))
                    .fix("split it into a list", false, *span, list.as_ref())
                    .done()
            }
        }
    }
}
