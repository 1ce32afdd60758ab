//! Diagnostics in every form in which somebody wants them; each writer is a function from findings to a text.
//!
//! Decides nothing about a spec. What a writer leaves out, it counts.

mod concise;
mod github;
mod gitlab;
mod json;
mod junit;
mod markdown;
mod place;
mod sarif;
mod snippet;
mod text;

use std::collections::BTreeMap;

use crate::diagnostic::{Report, Severity};
use crate::digest::Digest;
use crate::fix;
use crate::source::SourceSet;
use crate::style::Style;
use place::{Place, Places};

/// A form of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people at a terminal.
    Text,
    /// One line a diagnostic.
    Concise,
    /// Our own; whole.
    Json,
    /// SARIF 2.1.0.
    Sarif,
    /// GitHub workflow commands.
    Github,
    /// GitLab code quality.
    Gitlab,
    /// JUnit XML.
    Junit,
    /// For a comment on a pull request.
    Markdown,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Text,
        Self::Concise,
        Self::Json,
        Self::Sarif,
        Self::Github,
        Self::Gitlab,
        Self::Junit,
        Self::Markdown,
    ];
}

/// The reports of one compilation with the texts that they point into.
#[derive(Debug)]
pub struct Findings<'a> {
    sources: &'a SourceSet,
    reports: &'a [Report],
    places: Places<'a>,
    fingerprints: Vec<String>,
}

impl<'a> Findings<'a> {
    /// Reports in the order in which they should be read.
    pub fn new(sources: &'a SourceSet, reports: &'a [Report]) -> Self {
        let places = Places::new(sources, reports);
        Self { sources, reports, places, fingerprints: fingerprints(sources, reports) }
    }

    /// The findings in a format, ending in a line feed. Only text looks at the style.
    pub fn write(&self, format: Format, style: &Style) -> String {
        match format {
            Format::Text => text::write(self, style),
            Format::Concise => concise::write(self),
            Format::Json => json::write(self),
            Format::Sarif => sarif::write(self),
            Format::Github => github::write(self),
            Format::Gitlab => gitlab::write(self),
            Format::Junit => junit::write(self),
            Format::Markdown => markdown::write(self),
        }
    }

    /// How many errors there are.
    pub fn errors(&self) -> usize {
        self.count(Severity::Error)
    }

    /// How many warnings there are.
    pub fn warnings(&self) -> usize {
        self.count(Severity::Warning)
    }

    /// How many reports `--fix` would mend.
    pub fn fixable(&self) -> usize {
        fix::chosen(self.reports).len()
    }

    /// `3 errors, 2 warnings in 14 files (1 fixable with --fix)`.
    pub fn summary(&self) -> String {
        let fixable = match self.fixable() {
            0 => String::new(),
            count => format!(" ({count} fixable with --fix)"),
        };
        let errors = counted(self.errors(), "error");
        let warnings = counted(self.warnings(), "warning");
        format!("{errors}, {warnings} in {}{fixable}", counted(self.sources.len(), "file"))
    }

    fn count(&self, severity: Severity) -> usize {
        self.reports.iter().filter(|report| report.severity == severity).count()
    }

    fn all(&self) -> impl Iterator<Item = Finding<'_>> {
        let with_fingerprint = self.reports.iter().zip(&self.fingerprints);
        with_fingerprint.map(|(report, fingerprint)| self.finding(report, fingerprint))
    }

    /// Errors first; otherwise in order.
    fn worst_first(&self) -> Vec<Finding<'_>> {
        let mut all: Vec<Finding<'_>> = self.all().collect();
        all.sort_by_key(|finding| std::cmp::Reverse(finding.report.severity));
        all
    }

    fn finding<'b>(&'b self, report: &'b Report, fingerprint: &'b str) -> Finding<'b> {
        Finding { report, fingerprint, place: report.labels.first().map(|label| self.places.of(label.span)) }
    }
}

/// One report, with what every writer needs of it.
struct Finding<'a> {
    report: &'a Report,
    fingerprint: &'a str,
    /// Where its primary label is.
    place: Option<Place<'a>>,
}

impl Severity {
    /// `error` or `warning`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// `1 file`, `2 files`.
fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// What to say of the environments in which a report holds.
fn environments(report: &Report) -> Option<String> {
    (!report.environments.is_empty()).then(|| format!("only in {}", report.environments.join(", ")))
}

/// One name per report that stays when lines move: its code, what it is about, and the text that it points at.
/// Of reports that agree in all of that, the second and later ones are numbered.
fn fingerprints(sources: &SourceSet, reports: &[Report]) -> Vec<String> {
    let mut seen: BTreeMap<Digest, u32> = BTreeMap::new();
    let mut name = |report: &Report| {
        let digest = identity(sources, report);
        let count = seen.entry(digest).or_default();
        *count += 1;
        let digest = &digest.to_string()[..32];
        if *count == 1 { digest.to_owned() } else { format!("{digest}-{count}") }
    };
    reports.iter().map(&mut name).collect()
}

fn identity(sources: &SourceSet, report: &Report) -> Digest {
    let primary = report.labels.first().map(|label| label.span);
    let path = primary.map(|span| sources.path(span.file)).unwrap_or_default();
    let snippet = primary.map(|span| sources.snippet(span)).unwrap_or_default();
    let snippet = snippet.split_whitespace().collect::<Vec<_>>().join(" ");
    let about = report.address.as_deref().unwrap_or(path);
    Digest::of_bytes([report.code, about, &snippet].join("\0").as_bytes())
}

#[cfg(test)]
mod tests;
