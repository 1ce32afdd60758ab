//! What is wrong with a spec, as data.
//!
//! A [`Fault`] owns the spans and values of one mistake; nothing else can be wrong with a spec. A [`Report`] says it
//! in words, and is what every output format is written from: text, JSON, SARIF, GitHub, GitLab, JUnit, Markdown.

mod codes;
mod coordination;
mod draft;
mod files;
mod graph;
mod layers;
mod references;
mod semantics;
mod shape;
mod syntax;
mod unsupported;
mod values;

pub use codes::{CODES, CodeInfo, find};
pub use coordination::Coordination;
pub use files::Files;
pub use graph::Graph;
pub use layers::Layers;
pub use references::References;
pub use semantics::Semantics;
pub use shape::Shape;
pub use syntax::Syntax;
pub use unsupported::Unsupported;
pub use values::Values;

use crate::name::Name;
use crate::source::Span;

/// A mistake, what it is about, and where it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The mistake.
    pub fault: Fault,
    /// What it is about: `orders.ingest`, `template.etl`, `cluster.tokyo`.
    pub address: Option<Box<str>>,
    /// The places that the value at fault came through, lowest layer first.
    pub chain: Vec<Link>,
    /// The environments in which it holds; empty where it holds in all of them.
    pub environments: Vec<Name>,
}

/// One layer that sets a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The layer: ``template `etl` ``.
    pub layer: Box<str>,
    /// Where it sets the value.
    pub span: Span,
}

/// Everything that can be wrong with a spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// A text is not TOML.
    Syntax(Syntax),
    /// A table has the wrong keys or types.
    Shape(Shape),
    /// A value means nothing.
    Values(Values),
    /// A reference or a param does not fit.
    References(References),
    /// A layer does not fit on what lies below it.
    Layers(Layers),
    /// Jobs wait for each other in ways that cannot work.
    Graph(Graph),
    /// Values do not go together.
    Semantics(Semantics),
    /// A file is missing or unreadable.
    Files(Files),
    /// This version does not run it yet.
    Unsupported(Unsupported),
    /// The servers that replicas share.
    Coordination(Coordination),
}

impl Fault {
    /// Its code.
    pub fn code(&self) -> &'static str {
        self.report().code
    }

    /// How bad it is.
    pub fn severity(&self) -> Severity {
        self.report().severity
    }

    /// Its primary place, if it has one.
    pub fn place(&self) -> Option<Span> {
        self.report().labels.first().map(|label| label.span)
    }

    fn report(&self) -> Report {
        match self {
            Self::Syntax(fault) => fault.report(),
            Self::Shape(fault) => fault.report(),
            Self::Values(fault) => fault.report(),
            Self::References(fault) => fault.report(),
            Self::Layers(fault) => fault.report(),
            Self::Graph(fault) => fault.report(),
            Self::Semantics(fault) => fault.report(),
            Self::Files(fault) => fault.report(),
            Self::Unsupported(fault) => fault.report(),
            Self::Coordination(fault) => fault.report(),
        }
    }
}

impl From<Fault> for Diagnostic {
    fn from(fault: Fault) -> Self {
        Self { fault, address: None, chain: Vec::new(), environments: Vec::new() }
    }
}

impl Diagnostic {
    /// Says it in words.
    pub fn report(&self) -> Report {
        let mut report = self.fault.report();
        report.address = self.address.as_deref().map(str::to_owned);
        report.environments = self.environments.iter().map(Name::to_string).collect();
        for Link { layer, span } in &self.chain {
            match report.labels.iter_mut().find(|label| label.span == *span) {
                Some(label) => label.text += &format!(" (set by {layer})"),
                None => report.labels.push(Label { span: *span, text: format!("set by {layer}") }),
            }
        }
        report
    }
}

/// A diagnostic, ready to be shown: three different sentences, and where they apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The stable code, such as `WL0203`. Never reused.
    pub code: &'static str,
    /// The kebab-case name that goes with the code, such as `unknown-key`.
    pub name: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in the user's words.
    pub message: String,
    /// The places, the primary one first. A report about a whole tree may have none.
    pub labels: Vec<Label>,
    /// What to do about it, where we know.
    pub help: Option<String>,
    /// Edits that mend it, where we know them.
    pub fixes: Vec<Fix>,
    /// What it is about: `orders.ingest`, `template.etl`, `cluster.tokyo`.
    pub address: Option<String>,
    /// The environments in which it holds; empty where it holds in all of them.
    pub environments: Vec<String>,
}

/// How bad a report is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The spec means something, probably not what was meant.
    Warning,
    /// The spec cannot be applied.
    Error,
}

/// A place, and what to say about it. Labels may lie in several files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The smallest honest span.
    pub span: Span,
    /// What to say at it.
    pub text: String,
}

/// Edits that mend a spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// What it does: ``replace `paralelism` with `parallelism` ``.
    pub title: String,
    /// Whether it surely keeps the meaning.
    pub safe: bool,
    /// The replacements, none overlapping.
    pub edits: Vec<Edit>,
}

/// One replacement of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced.
    pub span: Span,
    /// With what.
    pub text: String,
}
