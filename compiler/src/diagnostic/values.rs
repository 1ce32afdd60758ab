//! WL03xx: a value has the right type and means nothing.

use super::Report;
use super::draft::{Draft, one_of};
use crate::name::{BadName, LONGEST};
use crate::source::Span;

/// A value that means nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Values {
    /// A text that is no name.
    Name {
        /// Where it is written.
        span: Span,
        /// What it would name.
        what: &'static str,
        /// The text.
        text: Box<str>,
        /// What is wrong with it.
        problem: BadName,
        /// A name that is near.
        near: Option<Box<str>>,
    },
    /// A text that is no duration.
    Duration {
        /// The value.
        span: Span,
        /// The text.
        text: Box<str>,
        /// What was probably meant.
        near: Option<Box<str>>,
    },
    /// A text that is no size.
    Size {
        /// The value.
        span: Span,
        /// The text.
        text: Box<str>,
        /// What was probably meant.
        near: Option<Box<str>>,
    },
    /// A text that is no date.
    Date {
        /// The value.
        span: Span,
        /// The text.
        text: Box<str>,
    },
    /// A text that is none of the words that are possible.
    Choice {
        /// The value.
        span: Span,
        /// The key.
        key: Box<str>,
        /// The text.
        text: Box<str>,
        /// The possible words.
        known: &'static [&'static str],
        /// The nearest of them.
        near: Option<&'static str>,
    },
    /// A number outside of what is possible.
    Number {
        /// The value.
        span: Span,
        /// The key.
        key: Box<str>,
        /// The least number.
        min: i64,
        /// The greatest number.
        max: i64,
    },
    /// A text that is no range of durations.
    Range {
        /// The value.
        span: Span,
        /// The text.
        text: Box<str>,
        /// What was probably meant.
        near: Option<Box<str>>,
    },
    /// A list or text that must not be empty.
    Empty {
        /// The value.
        span: Span,
        /// The key.
        key: Box<str>,
    },
    /// A program's name that has spaces in it.
    ProgramWithSpaces {
        /// The value.
        span: Span,
        /// The text.
        text: Box<str>,
    },
    /// A text that the system cannot hand to a process.
    Unpassable {
        /// The value or key.
        span: Span,
        /// What it is.
        what: &'static str,
        /// Why not.
        why: &'static str,
    },
    /// A pattern of `include` that cannot be read.
    Glob {
        /// The value.
        span: Span,
        /// Why not.
        why: Box<str>,
    },
    /// A store's address that cannot be read.
    Store {
        /// The value.
        span: Span,
        /// The text.
        text: Box<str>,
    },
}

impl Values {
    /// Says it.
    pub(super) fn report(&self) -> Report {
        match self {
            Self::Name { span, what, text, problem, near } => {
                Draft::new("WL0301", format!("`{text}` is no name for {what}: {problem}"))
                    .at(*span, "not a name")
                    .help(format!("a name has lower-case letters, digits and hyphens, starts with a letter, and is at most {LONGEST} long"))
                    .offer(*span, text, near.as_deref())
            }
            Self::Duration { span, text, near } => Draft::new("WL0302", format!("`{text}` is no duration"))
                .at(*span, "not a duration")
                .help("a duration is a whole number with a unit: `500ms`, `30s`, `10m`, `2h`, `1d`")
                .offer_quoted(*span, text, near.as_deref(), spells_a_unit(text)),
            Self::Size { span, text, near } => Draft::new("WL0303", format!("`{text}` is no size"))
                .at(*span, "not a size")
                .help("a size is a whole number with a unit: `512KiB`, `64MiB`, `4GiB`, `1TiB`")
                .offer_quoted(*span, text, near.as_deref(), false),
            Self::Date { span, text } => Draft::new("WL0304", format!("`{text}` is no date"))
                .at(*span, "not a date")
                .help("a date is written `2026-11-22`")
                .done(),
            Self::Choice { span, key, text, known, near } => {
                let draft = Draft::new("WL0305", format!("`{key}` cannot be `{text}`"));
                let draft = draft.at(*span, format!("expected {}", one_of(known)));
                match near {
                    Some(near) => draft.help(format!("did you mean `{near}`?")).offer_quoted(*span, text, Some(near), false),
                    None => draft.done(),
                }
            }
            Self::Number { span, key, min, max } => {
                Draft::new("WL0306", format!("`{key}` must be from {min} to {max}"))
                    .at(*span, "out of range")
                    .done()
            }
            Self::Range { span, text, near } => Draft::new("WL0307", format!("`{text}` is no range of durations"))
                .at(*span, "not a range")
                .help("a range is two durations: `10s..5m`")
                .offer_quoted(*span, text, near.as_deref(), text.contains("..") && spells_a_unit(text)),
            Self::Empty { span, key } => Draft::new("WL0308", format!("`{key}` is empty"))
                .at(*span, "nothing in it")
                .help("name a program and its arguments: `[\"sh\", \"settle.sh\"]`")
                .done(),
            Self::ProgramWithSpaces { span, text } => {
                Draft::new("WL0309", format!("the program `{text}` has spaces in its name"))
                    .at(*span, "the first word is the program, without its arguments")
                    .help("write each argument as an element of the list")
                    .done()
            }
            Self::Unpassable { span, what, why } => {
                Draft::new("WL0310", format!("{what} cannot be passed to a process: {why}"))
                    .at(*span, "no system call takes this")
                    .done()
            }
            Self::Glob { span, why } => Draft::new("WL0311", format!("this pattern cannot be read: {why}"))
                .at(*span, "not a pattern")
                .help("a pattern is a path inside the tree; `*` is part of a name, `**` any folders: `pipelines/**/*.toml`")
                .done(),
            Self::Store { span, text } => Draft::new("WL0312", format!("`{text}` is no address of a store"))
                .at(*span, "not an address")
                .help("write `file:` and a folder: `file:.windlass`; or `redis://` and a host")
                .done(),
        }
    }
}

/// A number alone leaves open what it counts; a unit that is spelled otherwise does not.
fn spells_a_unit(text: &str) -> bool {
    text.contains(|c: char| c.is_ascii_alphabetic())
}

impl Draft {
    fn offer(self, span: Span, written: &str, near: Option<&str>) -> Report {
        match near {
            Some(near) => self.replace(span, written, near, false).done(),
            None => self.done(),
        }
    }

    /// Offers a text; `safe` where only its spelling differs. What references have filled is no text to replace.
    fn offer_quoted(self, span: Span, written: &str, near: Option<&str>, safe: bool) -> Report {
        let literal = matches!(span.range().len().checked_sub(written.len()), Some(0 | 2));
        match near.filter(|_| literal) {
            Some(near) => self
                .fix(format!("replace `{written}` with `{near}`"), safe, span, format!("\"{near}\""))
                .done(),
            None => self.done(),
        }
    }
}
