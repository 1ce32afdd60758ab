//! WL01xx: a text is not TOML.

use super::Report;
use super::draft::Draft;
use crate::source::Span;

/// A text that is not TOML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Syntax {
    /// The grammar of TOML does not allow it.
    Toml {
        /// Where the parser stopped.
        span: Span,
        /// What the parser says.
        problem: Box<str>,
        /// What could stand there.
        expected: String,
        /// The whole of a word that should be in quotes.
        unquoted: Option<Span>,
    },
    /// A key is defined twice in one table.
    DuplicateKey {
        /// The key.
        key: Box<str>,
        /// The first definition.
        first: Span,
        /// The second definition.
        again: Span,
    },
    /// The bytes of the file are not UTF-8.
    NotText {
        /// The first byte that is wrong.
        span: Span,
    },
    /// The file is larger than a spec may be.
    TooLarge {
        /// The start of the file.
        span: Span,
        /// The most bytes that a file may have.
        limit: usize,
    },
    /// Arrays, tables or keys are nested too deep.
    TooDeep {
        /// The first bracket or key that is too deep.
        span: Span,
    },
}

impl Syntax {
    /// Says it.
    pub(super) fn report(&self) -> Report {
        match self {
            Self::Toml { span, problem, expected, unquoted } => {
                let expected =
                    if expected.is_empty() { String::new() } else { format!("expected {expected}") };
                let label = if expected.is_empty() { "here" } else { expected.as_str() };
                let draft =
                    Draft::new("WL0101", format!("this is not valid TOML: {problem}")).at(*span, label);
                match unquoted {
                    Some(word) => draft.help("a text is written in quotes").done_with_quotes(*word),
                    None => draft.done(),
                }
            }
            Self::DuplicateKey { key, first, again } => {
                Draft::new("WL0102", format!("`{key}` is defined twice"))
                    .at(*again, "defined again here")
                    .at(*first, "first defined here")
                    .help("keep one of the two, or give one of them another name")
                    .done()
            }
            Self::NotText { span } => Draft::new("WL0103", "the file is not UTF-8 text")
                .at(*span, "the first byte that is not UTF-8")
                .help("save the file with the encoding UTF-8")
                .done(),
            Self::TooLarge { span, limit } => {
                Draft::new("WL0104", format!("the file is larger than {} MiB", limit / (1 << 20)))
                    .at(*span, "nothing in this file is read")
                    .help("split it into several files under `pipelines/`")
                    .done()
            }
            Self::TooDeep { span } => Draft::new("WL0105", "brackets or keys are nested too deep")
                .at(*span, "this is the first that is too deep")
                .help("no value of a spec needs more than a few levels")
                .done(),
        }
    }
}

impl Draft {
    fn done_with_quotes(self, word: Span) -> Report {
        let before = Span { end: word.start, ..word };
        let after = Span { start: word.end, ..word };
        let mut report = self.fix("put quotes around it", false, before, "\"").done();
        if let Some(fix) = report.fixes.last_mut() {
            fix.edits.push(super::Edit { span: after, text: "\"".to_owned() });
        }
        report
    }
}
