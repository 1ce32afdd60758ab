//! The parsed spec: what the files say, before layers and references, with the span of every value.
//!
//! It borrows from the texts. A job, a template, the defaults of a mode and an overlay are all the same thing: a
//! [`Partial`], a list of settings.

use std::borrow::Cow;

use crate::model::{Backoff, Mode, OnLost, When};
use crate::param;
use crate::parse::tree;
use crate::source::{FileId, Span};
use crate::units::Duration;

pub(crate) use crate::parse::tree::Key;

/// All that the files of a tree say.
#[derive(Debug)]
pub(crate) struct Spec<'s> {
    /// The first byte of the root file: the place of what it lacks.
    pub(crate) start: Span,
    /// Whether a file of the tree could not be read: what is not found may be there.
    pub(crate) incomplete: bool,
    /// The name of the project.
    pub(crate) project: Option<Key<'s>>,
    /// The address of the store.
    pub(crate) store: Option<Cow<'s, str>>,
    /// How many replicas acknowledge a write.
    pub(crate) acknowledge: Option<u8>,
    /// The servers that say who owns what.
    pub(crate) lease: Option<Lease>,
    /// The params.
    pub(crate) params: Vec<Param<'s>>,
    /// The clusters.
    pub(crate) clusters: Vec<Cluster<'s>>,
    /// The lowest layers, by mode.
    pub(crate) defaults: Vec<(Mode, Partial<'s>)>,
    /// The templates.
    pub(crate) templates: Vec<Partial<'s>>,
    /// The environments, as each file mentions them.
    pub(crate) environments: Vec<Environment<'s>>,
    /// The pipelines with their jobs.
    pub(crate) pipelines: Vec<Pipeline<'s>>,
    /// Names of references, so that a param that nothing uses can be told.
    pub(crate) references: Vec<Reference<'s>>,
}

/// A text with references, and what it must become.
#[derive(Debug)]
pub(crate) struct Reference<'s> {
    /// The text.
    pub(crate) text: Cow<'s, str>,
    /// Its span, quotes included.
    pub(crate) span: Span,
    /// What the place needs.
    pub(crate) needs: Needs,
    /// What it belongs to: `orders.ingest`.
    pub(crate) address: Option<Box<str>>,
}

/// What a place in a spec needs, where a whole-value reference may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Any value, as text.
    Text,
    /// A duration.
    Duration,
    /// A range of durations: only a text can become one.
    Backoff,
    /// A whole number.
    Int,
    /// A boolean.
    Bool,
    /// A list of texts.
    List,
    /// Nothing: no reference may stand there, which has been reported. What it names is in use all the same.
    Nothing,
}

/// `[param.*]`.
#[derive(Debug)]
pub(crate) struct Param<'s> {
    /// Its name.
    pub(crate) key: Key<'s>,
    /// Its type, unless that is at fault.
    pub(crate) kind: Option<param::Type>,
    /// Its value where nothing else sets it.
    pub(crate) default: Option<Default>,
    /// Its bounds.
    pub(crate) bounds: param::Bounds,
}

/// The default of a param.
#[derive(Debug)]
pub(crate) struct Default {
    /// Where it stands.
    pub(crate) span: Span,
    /// The value, unless that is at fault.
    pub(crate) value: Option<param::Value>,
}

/// `[cluster.*]`.
#[derive(Debug)]
pub(crate) struct Cluster<'s> {
    /// Its name.
    pub(crate) key: Key<'s>,
}

/// `[environment.*]`, as one file has it.
#[derive(Debug)]
pub(crate) struct Environment<'s> {
    /// Its name.
    pub(crate) key: Key<'s>,
    /// Whether the root file says so.
    pub(crate) declares: bool,
    /// Values for params, which have no type before all files are read.
    pub(crate) params: Vec<(Key<'s>, Option<tree::Value<'s>>)>,
    /// Clusters that it changes.
    pub(crate) clusters: Vec<Key<'s>>,
    /// Jobs that it changes, in the pipeline of the same file.
    pub(crate) jobs: Vec<Partial<'s>>,
    /// The file.
    pub(crate) file: FileId,
}

/// `[pipeline]` with the jobs of its file.
#[derive(Debug)]
pub(crate) struct Pipeline<'s> {
    /// The file.
    pub(crate) file: FileId,
    /// Its name; without one its jobs cannot be addressed.
    pub(crate) name: Option<Key<'s>>,
    /// Who answers for it.
    pub(crate) owner: Option<Cow<'s, str>>,
    /// What it is for.
    pub(crate) description: Option<Cow<'s, str>>,
    /// The jobs.
    pub(crate) jobs: Vec<Partial<'s>>,
}

/// Part of a job.
#[derive(Debug)]
pub(crate) struct Partial<'s> {
    /// Its name.
    pub(crate) key: Key<'s>,
    /// What it sets, in source order.
    pub(crate) settings: Box<[Setting<'s>]>,
}

/// One line of a job.
#[derive(Debug)]
pub(crate) struct Setting<'s> {
    /// What it is about.
    pub(crate) field: Field<'s>,
    /// Its key.
    pub(crate) key: Span,
    /// What happens to it.
    pub(crate) act: Act<'s>,
}

/// What a setting does to what lies below it.
#[derive(Debug)]
pub(crate) enum Act<'s> {
    /// Replaces it.
    Set(Value<'s>),
    /// Is added behind it.
    Append(Value<'s>),
    /// Removes it.
    Unset,
}

/// The fields of a job; tables are flattened, so that layers merge key by key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Field<'s> {
    /// `mode`.
    Mode,
    /// `use`.
    Use,
    /// `cluster`.
    Cluster,
    /// `process` as a whole.
    Process,
    /// `process.command`.
    Command,
    /// `process.env` as a whole.
    Environment,
    /// `process.env.*`.
    Variable(Cow<'s, str>),
    /// `process.dir`.
    Dir,
    /// `process.stdin`.
    Stdin,
    /// `process.files`.
    Files,
    /// `process.ready`.
    Ready,
    /// `process.grace`.
    Grace,
    /// `after`.
    After,
    /// `retry` or `restart` as a whole.
    Recovery(Recovery),
    /// `….attempts`.
    Attempts(Recovery),
    /// `….within`.
    Within(Recovery),
    /// `….backoff`.
    Backoff(Recovery),
    /// `….on_lost`.
    OnLost(Recovery),
    /// `timeout`.
    Timeout,
    /// `protect`.
    Protect,
    /// `enabled`.
    Enabled,
    /// `only_in`.
    OnlyIn,
    /// `tags`.
    Tags,
    /// `description`.
    Description,
}

/// Which of the two tables: they say the same, a batch of its attempts and a stream of its starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Recovery {
    /// `retry`, of a batch.
    Retry,
    /// `restart`, of a stream.
    Restart,
}

impl Recovery {
    /// The one that fits a mode.
    pub(crate) fn of(mode: Mode) -> Self {
        match mode {
            Mode::Batch => Self::Retry,
            Mode::Stream => Self::Restart,
        }
    }

    /// As it is written.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Restart => "restart",
        }
    }
}

impl Field<'_> {
    /// Whether it holds the other: a table holds its fields.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        use Field::{Attempts, Backoff, OnLost, Within};
        self == other
            || match (self, other) {
                (Self::Process, field) => field.is_process(),
                (Self::Environment, Self::Variable(_)) => true,
                (Self::Recovery(one), Attempts(of) | Within(of) | Backoff(of) | OnLost(of)) => one == of,
                _ => false,
            }
    }

    fn is_process(&self) -> bool {
        matches!(
            self,
            Self::Command
                | Self::Environment
                | Self::Variable(_)
                | Self::Dir
                | Self::Stdin
                | Self::Files
                | Self::Ready
                | Self::Grace
        )
    }

    /// The table or tables that recover, if it belongs to them.
    pub(crate) fn recovery(&self) -> Option<Recovery> {
        match self {
            Self::Recovery(one)
            | Self::Attempts(one)
            | Self::Within(one)
            | Self::Backoff(one)
            | Self::OnLost(one) => Some(*one),
            _ => None,
        }
    }
}

/// A value and its span.
#[derive(Debug)]
pub(crate) struct Value<'s> {
    /// Where it stands.
    pub(crate) span: Span,
    /// What it is.
    pub(crate) content: Content<'s>,
}

/// What a value is, as far as can be known before references are resolved.
#[derive(Debug)]
pub(crate) enum Content<'s> {
    /// Reported already.
    Poisoned,
    /// A text with references in it.
    Reference(Box<Cow<'s, str>>),
    /// A plain text.
    Text(&'s str),
    /// A plain text that is written with escapes.
    Escaped(Box<str>),
    /// A whole number.
    Int(i64),
    /// A boolean.
    Bool(bool),
    /// A duration.
    Duration(Duration),
    /// A range of durations.
    Backoff(Backoff),
    /// A mode.
    Mode(Mode),
    /// What follows a lost attempt.
    OnLost(OnLost),
    /// A list of texts.
    List(Box<[Value<'s>]>),
    /// What a job waits for.
    Edges(Box<[Edge<'s>]>),
}

/// One element of `after`.
#[derive(Debug)]
pub(crate) struct Edge<'s> {
    /// The whole element.
    pub(crate) span: Span,
    /// The upstream, as text.
    pub(crate) job: Value<'s>,
    /// What must be true of it, and where that stands.
    pub(crate) when: (When, Span),
}

impl<'s> Content<'s> {
    /// A plain text.
    pub(crate) fn plain(text: Cow<'s, str>) -> Self {
        match text {
            Cow::Borrowed(text) => Self::Text(text),
            Cow::Owned(text) => Self::Escaped(text.into()),
        }
    }

    /// The plain text, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Escaped(text) => Some(text),
            _ => None,
        }
    }
}

/// `[lease]`: the servers that say who owns which shard.
#[derive(Debug)]
pub(crate) struct Lease {
    /// Its key.
    pub(crate) span: Span,
    /// The addresses of the servers.
    pub(crate) nodes: Vec<String>,
    /// How long an owner is believed without a word from it.
    pub(crate) ttl: Option<Duration>,
}
