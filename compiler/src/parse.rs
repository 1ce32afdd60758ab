//! Text → spec, entry by entry. It never fails: what cannot be read is reported and left out.

mod builder;
mod environment;
mod expression;
mod job;
mod leaf;
mod lease;
mod param;
mod reader;
mod root;
mod store;
pub(crate) mod tree;
mod value;

use crate::diagnostic::{Diagnostic, Fault};
use crate::source::{FileId, SourceSet, Span};
use crate::spec::{Key, Spec};
use reader::Reader;

pub(crate) use leaf::is_leaf;
pub(crate) use root::include;
pub(crate) use value::backoff;

impl Spec<'_> {
    /// A spec of no files yet; `start` is the first byte of the root file.
    pub(crate) fn new(start: Span) -> Self {
        Self {
            start,
            incomplete: false,
            project: None,
            store: None,
            acknowledge: None,
            lease: None,
            params: Vec::new(),
            clusters: Vec::new(),
            defaults: Vec::new(),
            templates: Vec::new(),
            environments: Vec::new(),
            pipelines: Vec::new(),
            references: Vec::new(),
        }
    }
}

/// Adds what one file says to a spec.
pub(crate) fn parse<'s>(
    sources: &'s SourceSet,
    file: FileId,
    root: FileId,
    spec: &mut Spec<'s>,
    found: &mut Vec<Diagnostic>,
) {
    let mut faults = Vec::new();
    let tree = expression::read(sources.text(file), file, &mut faults);
    found.extend(faults.into_iter().map(Diagnostic::from));
    let mut reader = Reader::new(sources, file, root, found);
    root::file(tree, &mut reader, spec);
    spec.references.append(&mut reader.references);
}

/// Says that a file's bytes are no text, and keeps as much of it as is.
pub(crate) fn not_text(span: Span) -> Diagnostic {
    Fault::Syntax(crate::diagnostic::Syntax::NotText { span }).into()
}

/// A duplicate across files.
fn declared_twice(what: &'static str, first: &Key<'_>, again: &Key<'_>) -> Fault {
    let name = again.text.as_ref().into();
    Fault::Graph(crate::diagnostic::Graph::DeclaredTwice { again: again.span, first: first.span, what, name })
}
