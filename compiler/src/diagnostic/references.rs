//! WL04xx: references, and the params that most of them name.

use super::Report;
use super::draft::{Draft, one_of};
use crate::source::Span;

/// A reference, a param or its value that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum References {
    /// `${…}` with a name that nothing has.
    Unknown {
        /// The name within the braces.
        span: Span,
        /// The name.
        name: Box<str>,
        /// The nearest name.
        near: Option<Box<str>>,
    },
    /// `${` without its end, or with nothing in it.
    Malformed {
        /// From `${` on.
        span: Span,
        /// What is wrong.
        why: &'static str,
    },
    /// A param that is not declared.
    UnknownParam {
        /// Where it is named, if in a file.
        span: Option<Span>,
        /// Where it is named otherwise: `--var`.
        origin: Option<Box<str>>,
        /// The name.
        name: Box<str>,
        /// The nearest name.
        near: Option<Box<str>>,
    },
    /// A param that has neither a default nor a value.
    NoValue {
        /// The declaration.
        span: Span,
        /// The name.
        name: Box<str>,
    },
    /// A value beyond the bounds of its param.
    OutOfBounds {
        /// Where the value is written, if in a file.
        span: Option<Span>,
        /// Where it comes from otherwise.
        origin: Option<Box<str>>,
        /// The name.
        name: Box<str>,
        /// The value.
        value: Box<str>,
        /// The bound.
        bound: Box<str>,
        /// Where the bound is written.
        bound_span: Span,
    },
    /// A param whose type does not fit where it is used.
    WrongType {
        /// The reference.
        span: Span,
        /// The name.
        name: Box<str>,
        /// The param's type.
        found: &'static str,
        /// What the place needs, with its article.
        expected: &'static str,
        /// The declaration.
        declared: Span,
    },
    /// A value from outside that its param's type cannot read.
    BadVariable {
        /// Where it comes from: `--var`.
        origin: Box<str>,
        /// The name.
        name: Box<str>,
        /// The value.
        value: Box<str>,
        /// The param's type, with its article.
        expected: &'static str,
        /// The declaration.
        declared: Span,
    },
    /// A reference where only a plain text may stand.
    NotHere {
        /// The value.
        span: Span,
        /// The key.
        key: Box<str>,
    },
    /// A greatest value below the least.
    BoundsInverted {
        /// The greatest.
        max: Span,
        /// The least.
        min: Span,
    },
    /// A bound of a type that has no order.
    Unordered {
        /// The bound's key.
        span: Span,
    },
    /// An empty list of choices.
    NoChoice {
        /// The list.
        span: Span,
    },
    /// `${environment}` where there is none.
    NoEnvironment {
        /// The value.
        span: Span,
    },
    /// A cluster that does not exist.
    UnknownCluster {
        /// Where it is named.
        span: Span,
        /// The name.
        name: Box<str>,
        /// The nearest name.
        near: Option<Box<str>>,
        /// All names.
        known: Vec<Box<str>>,
    },
    /// A job without a cluster in a project that has none, or several.
    NoCluster {
        /// The job.
        span: Span,
        /// The names to choose from.
        known: Vec<Box<str>>,
    },
}

impl References {
    /// Says it.
    pub(super) fn report(&self) -> Report {
        match self {
            Self::Unknown { span, name, near } => Draft::new("WL0401", format!("there is nothing called `{name}` to refer to"))
                .at(*span, "unknown reference")
                .help("a reference names `param.…`, `environment`, `pipeline`, `job` or `cluster.name`; `$${` stands for `${`")
                .did_you_mean(*span, name, near.as_deref())
                .done(),
            Self::Malformed { span, why } => Draft::new("WL0402", format!("this reference cannot be read: {why}"))
                .at(*span, "not a reference")
                .help("a reference is written `${param.region}`; `$${` stands for `${`")
                .done(),
            Self::UnknownParam { span, origin, name, near } => {
                let from = origin.as_ref().map(|origin| format!(", which {origin} sets")).unwrap_or_default();
                let draft = Draft::new("WL0403", format!("there is no param `{name}`{from}"));
                let help = format!("declare it with `[param.{name}]` and a `type`");
                match (span, near) {
                    (Some(span), near) => {
                        draft.at(*span, "not declared").help(help).did_you_mean(*span, name, near.as_deref()).done()
                    }
                    (None, Some(near)) => draft.help(format!("did you mean `{near}`?")).done(),
                    (None, None) => draft.help(help).done(),
                }
            }
            Self::NoValue { span, name } => Draft::new("WL0404", format!("the param `{name}` has no value"))
                .at(*span, "no default")
                .help(format!("add a `default`, or pass `--var {name}=…`"))
                .done(),
            Self::OutOfBounds { span, origin, name, value, bound, bound_span } => {
                let from = origin.as_ref().map(|origin| format!(" from {origin}")).unwrap_or_default();
                Draft::new("WL0405", format!("`{value}`{from} is not allowed for the param `{name}`"))
                    .maybe_at(*span, "not allowed")
                    .at(*bound_span, format!("it must be {bound}"))
                    .done()
            }
            Self::WrongType { span, name, found, expected, declared } => {
                Draft::new("WL0406", format!("the param `{name}` is of type {found}, and {expected} is needed here"))
                    .at(*span, format!("expected {expected}"))
                    .at(*declared, format!("`{name}` is declared here"))
                    .done()
            }
            Self::BadVariable { origin, name, value, expected, declared } => {
                Draft::new("WL0407", format!("`{value}` from {origin} is not {expected}"))
                    .at(*declared, format!("`{name}` is declared here"))
                    .help(format!("pass {expected} for `{name}`"))
                    .done()
            }
            Self::NotHere { span, key } => Draft::new("WL0408", format!("`{key}` cannot contain a reference"))
                .at(*span, "write the value itself")
                .done(),
            Self::BoundsInverted { max, min } => {
                Draft::new("WL0409", "no value keeps to these bounds: the greatest is less than the least")
                    .at(*max, "the greatest value")
                    .at(*min, "the least value")
                    .help("turn them round")
                    .done()
            }
            Self::Unordered { span } => Draft::new("WL0409", "values of this type have no order")
                .at(*span, "a bound needs one")
                .help("list the values that are allowed as `choices`")
                .done(),
            Self::NoChoice { span } => Draft::new("WL0409", "there is nothing to choose from")
                .at(*span, "an empty list allows no value")
                .help("name the values that are allowed, or leave `choices` out")
                .done(),
            Self::NoEnvironment { span } => Draft::new("WL0412", "there is no environment to refer to")
                .at(*span, "needs the name of an environment")
                .help("declare one in the root file, `[environment.dev]`, and name it with `-e dev`")
                .done(),
            Self::UnknownCluster { span, name, near, known } => {
                let draft = Draft::new("WL0410", format!("there is no cluster `{name}`")).at(*span, "unknown cluster");
                match (near, known.is_empty()) {
                    (Some(near), _) => draft.did_you_mean(*span, name, Some(near)).done(),
                    (None, true) => draft.help(format!("declare it: `[cluster.{name}]` with `kind = \"local\"`")).done(),
                    (None, false) => draft.help(format!("declared are {}", one_of(known).replace(" or ", " and "))).done(),
                }
            }
            Self::NoCluster { span, known } if known.is_empty() => Draft::new("WL0411", "there is no cluster to run this job on")
                .at(*span, "this job names no cluster")
                .help("declare one: `[cluster.here]` with `kind = \"local\"`")
                .done(),
            Self::NoCluster { span, known } => Draft::new("WL0411", "this job does not say on which cluster it runs")
                .at(*span, "this job names no cluster")
                .help(format!("add `cluster = \"…\"` with {}", one_of(known)))
                .done(),
        }
    }
}
