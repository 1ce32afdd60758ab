//! The keys of records.

use std::fmt;

use windlass_compiler::name::JobId;
use windlass_core::id::{ApplyId, Instance, RunId};

/// A key: a kind, a slash, and a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

impl Key {
    /// The prefix of all desired state.
    pub const DESIRED: &'static str = "desired/";
    /// The prefix of all status.
    pub const STATUS: &'static str = "status/";
    /// The prefix of all runs.
    pub const RUN: &'static str = "run/";
    /// The prefix of all journals of applies.
    pub const APPLY: &'static str = "apply/";

    /// The project's record.
    pub fn project() -> Self {
        Self("project".to_owned())
    }

    /// What the store has forgotten.
    pub fn recovery() -> Self {
        Self("recovery".to_owned())
    }

    /// The desired state of a job.
    pub fn desired(job: &JobId) -> Self {
        Self(format!("{}{job}", Self::DESIRED))
    }

    /// The status of an instance.
    pub fn status(instance: &Instance) -> Self {
        Self(format!("{}{instance}", Self::STATUS))
    }

    /// A run.
    pub fn run(run: &RunId) -> Self {
        Self(format!("{}{run}", Self::RUN))
    }

    /// The journal of an apply.
    pub fn apply(apply: &ApplyId) -> Self {
        Self(format!("{}{apply}", Self::APPLY))
    }

    /// A key as a store holds it.
    pub fn stored(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the first slash: the kind of record.
    pub fn kind(&self) -> &str {
        self.0.split('/').next().unwrap_or_default()
    }

    /// What stands behind the prefix, if the key has it.
    pub fn name(&self, prefix: &str) -> Option<&str> {
        self.0.strip_prefix(prefix)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
