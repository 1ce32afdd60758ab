//! WL08xx: files that a spec needs and does not get.

use super::Report;
use super::draft::Draft;
use crate::source::Span;

/// A file or folder that is not as a spec needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Files {
    /// A file that does not exist.
    Missing {
        /// Where it is named.
        span: Span,
        /// The path from the root of the tree.
        path: Box<str>,
    },
    /// A file that cannot be read.
    Unreadable {
        /// Where it is named; nowhere for a spec file itself.
        span: Option<Span>,
        /// The path from the root of the tree.
        path: Box<str>,
        /// What the system says.
        why: Box<str>,
    },
    /// A path that leaves the tree.
    Outside {
        /// Where it is written.
        span: Span,
        /// The path.
        path: Box<str>,
    },
    /// A tree without its root file.
    NoRoot {
        /// The path that was looked for.
        path: Box<str>,
    },
    /// A pattern that no file fits.
    NothingIncluded {
        /// The pattern.
        span: Span,
        /// The pattern.
        pattern: Box<str>,
    },
    /// A tree whose files cannot be listed.
    Unlisted {
        /// What the system says.
        why: Box<str>,
    },
}

impl Files {
    /// Says it.
    pub(super) fn report(&self) -> Report {
        match self {
            Self::Missing { span, path } => Draft::new("WL0801", format!("there is no file `{path}`"))
                .at(*span, "not found")
                .help("paths count from the folder of the file that they are written in")
                .done(),
            Self::Unreadable { span, path, why } => {
                Draft::new("WL0802", format!("`{path}` cannot be read: {why}"))
                    .maybe_at(*span, "needed here")
                    .done()
            }
            Self::Outside { span, path } => {
                Draft::new("WL0803", format!("`{path}` lies outside of the tree"))
                    .at(*span, "leaves the tree")
                    .help("move the file below the folder of `windlass.toml`")
                    .done()
            }
            Self::NoRoot { path } => Draft::new("WL0804", format!("there is no `{path}` here"))
                .help("run `windlass init`, or name the folder that holds the specs")
                .done(),
            Self::NothingIncluded { span, pattern } => {
                Draft::new("WL0805", format!("no file fits `{pattern}`"))
                    .at(*span, "includes nothing")
                    .help("patterns count from the root of the tree: `pipelines/**/*.toml`")
                    .done()
            }
            Self::Unlisted { why } => {
                Draft::new("WL0806", format!("the files of the tree cannot be listed: {why}")).done()
            }
        }
    }
}
