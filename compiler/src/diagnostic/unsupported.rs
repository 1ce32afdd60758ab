//! WL09xx: parts of the language that this version does not run.

use super::Report;
use super::draft::Draft;
use crate::source::Span;

/// Something that the language has and this version does not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unsupported {
    /// A key or a table.
    Key {
        /// The key.
        span: Span,
        /// As it is written.
        key: Box<str>,
    },
    /// A value of a key.
    Value {
        /// The value.
        span: Span,
        /// The key.
        key: &'static str,
        /// The value.
        value: Box<str>,
        /// What can be written instead.
        instead: &'static str,
    },
    /// A reference.
    Reference {
        /// The reference.
        span: Span,
        /// Its name.
        name: Box<str>,
    },
}

impl Unsupported {
    /// Says it.
    pub(super) fn report(&self) -> Report {
        match self {
            Self::Key { span, key } => Draft::new("WL0901", format!("`{key}` is not supported yet"))
                .at(*span, "this version cannot run it")
                .help("remove it for now; a later version will run it")
                .done(),
            Self::Value { span, key, value, instead } => {
                Draft::new("WL0902", format!("`{key} = \"{value}\"` is not supported yet"))
                    .at(*span, "this version cannot run it")
                    .help(format!("use `{instead}` for now"))
                    .done()
            }
            Self::Reference { span, name } => Draft::new("WL0903", format!("references to `{name}` are not supported yet"))
                .at(*span, "this version cannot fill it")
                .help("`param.…`, `environment`, `pipeline`, `job` and `cluster.name` can be referred to; `$${` stands for `${`")
                .done(),
        }
    }
}
