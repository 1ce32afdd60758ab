//! WL05xx: defaults, templates and environments that do not fit together.

use super::Report;
use super::draft::{Draft, one_of};
use crate::source::Span;

/// A layer that does not fit on what lies below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layers {
    /// A template that does not exist.
    UnknownTemplate {
        /// Where it is named.
        span: Span,
        /// The name.
        name: Box<str>,
        /// The nearest name.
        near: Option<Box<str>>,
    },
    /// An environment that the root file does not declare.
    UnknownEnvironment {
        /// Where it is named, if in a file.
        span: Option<Span>,
        /// The name.
        name: Box<str>,
        /// The nearest name.
        near: Option<Box<str>>,
        /// All names.
        known: Vec<Box<str>>,
    },
    /// An overlay for something that does not exist.
    NothingBelow {
        /// The key that names it.
        span: Span,
        /// `job`, `cluster`.
        what: &'static str,
        /// The name.
        name: Box<str>,
        /// The nearest name.
        near: Option<Box<str>>,
    },
    /// Templates that use each other.
    TemplateCycle {
        /// Each `use` of the cycle, with the template that it names.
        uses: Vec<(Span, Box<str>)>,
    },
    /// `+key` on something that is no list.
    NotAppendable {
        /// The key.
        span: Span,
        /// As it is written, without the plus.
        key: Box<str>,
    },
    /// `unset` of something that no lower layer sets.
    NothingToUnset {
        /// The key.
        span: Span,
        /// The key's text.
        key: Box<str>,
    },
    /// A key that this layer may not set.
    Fixed {
        /// The key.
        span: Span,
        /// Its text.
        key: Box<str>,
        /// The layer.
        layer: &'static str,
    },
    /// A template that no job uses.
    UnusedTemplate {
        /// Its name.
        span: Span,
        /// Its name.
        name: Box<str>,
    },
    /// A param that nothing refers to.
    UnusedParam {
        /// Its name.
        span: Span,
        /// Its name.
        name: Box<str>,
    },
}

impl Layers {
    /// Says it.
    pub(super) fn report(&self) -> Report {
        match self {
            Self::UnknownTemplate { span, name, near } => {
                Draft::new("WL0501", format!("there is no template `{name}`"))
                    .at(*span, "unknown template")
                    .help(format!("declare it with `[template.{name}]`"))
                    .did_you_mean(*span, name, near.as_deref())
                    .done()
            }
            Self::UnknownEnvironment { span, name, near, known } => {
                let draft = Draft::new("WL0502", format!("there is no environment `{name}`"))
                    .maybe_at(*span, "not declared in the root file");
                match (near, span) {
                    (Some(near), Some(span)) => draft.did_you_mean(*span, name, Some(near)).done(),
                    (Some(near), None) => draft.help(format!("did you mean `{near}`?")).done(),
                    (None, _) if known.is_empty() => {
                        draft.help(format!("declare it in the root file: `[environment.{name}]`")).done()
                    }
                    (None, _) => draft
                        .help(format!(
                            "declare it in the root file with `[environment.{name}]`, or use {}",
                            one_of(known)
                        ))
                        .done(),
                }
            }
            Self::NothingBelow { span, what, name, near } => {
                Draft::new("WL0503", format!("there is no {what} `{name}` to lay this over"))
                    .at(*span, "an environment changes what exists and creates nothing")
                    .help(format!(
                        "declare `[{what}.{name}]`, with `only_in` if it lives in some environments only"
                    ))
                    .did_you_mean(*span, name, near.as_deref())
                    .done()
            }
            Self::TemplateCycle { uses } => {
                let names: Vec<&str> = uses.iter().map(|(_, name)| name.as_ref()).collect();
                let first = names.last().copied().unwrap_or_default();
                let path = format!("{first} → {}", names.join(" → "));
                let draft = Draft::new("WL0504", format!("these templates use each other: {path}"));
                let draft =
                    uses.iter().fold(draft, |draft, (span, name)| draft.at(*span, format!("uses `{name}`")));
                draft.help("remove one `use`").done()
            }
            Self::NotAppendable { span, key } => {
                Draft::new("WL0505", format!("nothing can be appended to `{key}`"))
                    .at(*span, "only `after`, `tags` and `files` can be appended to")
                    .help(format!("write `{key}` without the plus: it replaces what is below"))
                    .done()
            }
            Self::NothingToUnset { span, key } => Draft::new("WL0506", format!("nothing below sets `{key}`"))
                .at(*span, "there is nothing to unset")
                .help("remove this line")
                .done(),
            Self::Fixed { span, key, layer } => Draft::new("WL0507", format!("{layer} cannot set `{key}`"))
                .at(*span, "set it in the job")
                .done(),
            Self::UnusedTemplate { span, name } => {
                Draft::new("WL0508", format!("no job uses the template `{name}`"))
                    .at(*span, "never used")
                    .done()
            }
            Self::UnusedParam { span, name } => {
                Draft::new("WL0509", format!("nothing refers to the param `{name}`"))
                    .at(*span, "never used")
                    .help(format!("refer to it as `${{param.{name}}}`, or remove it"))
                    .done()
            }
        }
    }
}
