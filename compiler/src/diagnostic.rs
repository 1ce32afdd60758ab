//! What is wrong with a spec, as data.
//!
//! A [`Report`] is what every output format is written from: text, JSON, SARIF, GitHub, GitLab, JUnit, Markdown.

use crate::source::Span;

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
