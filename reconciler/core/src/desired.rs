//! What users want: written by commands, never by an owner of a shard.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use windlass_compiler::model::Job;
use windlass_compiler::name::JobId;

use crate::document::Document;
use crate::id::{ApplyId, Generation};

/// What is wanted of one instance: of a stream in its [`Desired`] record, of a batch in its run's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Goal {
    /// Counts every change of this goal.
    pub generation: Generation,
    /// What is wanted.
    pub intent: Intent,
    /// An attempt of a generation below this one is out of date: it is stopped, and a new one follows.
    pub replace: Generation,
    /// An instance that ended when it had observed a generation below this one is begun again.
    pub retry: Generation,
    /// The generation with which it came into the project. An attempt of one below is of an earlier life: what
    /// starts next starts for the first time.
    #[serde(default)]
    pub since: Generation,
}

impl Goal {
    /// The goal of a job that comes into the project with this generation, to run.
    pub fn run(generation: Generation) -> Self {
        Self { generation, intent: Intent::Run, replace: generation, retry: generation, since: generation }
    }

    /// The next generation, with another intent.
    #[must_use]
    pub fn with_intent(&self, intent: Intent) -> Self {
        Self { generation: self.generation.next(), intent, ..self.clone() }
    }

    /// The next generation, which runs, and begins again whatever has ended.
    #[must_use]
    pub fn retried(&self) -> Self {
        let generation = self.generation.next();
        Self { intent: Intent::Run, generation, retry: generation, ..self.clone() }
    }

    /// The next generation, which replaces a live attempt and begins again whatever has ended.
    #[must_use]
    pub fn replaced(&self) -> Self {
        Self { since: self.since, ..Self::run(self.generation.next()) }
    }
}

/// What is wanted of a job. The last one wins, in every state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Intent {
    /// It reaches its goal.
    Run,
    /// It does not run; downstreams do not wait for it.
    Stop,
    /// It does not run for now; downstreams wait.
    Suspend,
    /// It is stopped and leaves the project.
    Remove,
    /// It leaves the project and is not touched on its cluster.
    Forget,
}

impl Intent {
    /// Whether the job still belongs to the project.
    pub fn belongs(self) -> bool {
        !matches!(self, Self::Remove | Self::Forget)
    }
}

/// The desired state of a job: the record `desired/<job>`. It outlives the job's removal, because its
/// generations only ever rise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// The job, complete: an owner needs no spec text.
    pub spec: Job,
    /// The folder that relative paths in the spec are relative to.
    pub root: String,
    /// What is wanted of a stream. For a batch, its intent says whether the job belongs to the project, and its
    /// generation counts the changes; what is wanted of a batch's instances stands in their runs.
    pub goal: Goal,
    /// Protected by hand (`windlass protect`), on top of what the spec says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protected: Option<bool>,
    /// Who changed it last, how, and why.
    pub change: Change,
}

impl Desired {
    /// The job.
    pub fn job(&self) -> &JobId {
        &self.spec.id
    }

    /// Whether removing it is refused.
    pub fn is_protected(&self) -> bool {
        self.protected.unwrap_or(self.spec.protect)
    }
}

impl Document for Desired {
    const KIND: &'static str = "desired";
    const FORMAT: u64 = 1;
    const FIELDS: &'static [&'static str] = &["spec", "root", "goal", "protected", "change"];
}

/// Who changed a record of desired state, when, how and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Who: `user@host`.
    pub author: String,
    /// When, by the author's clock.
    pub at: Timestamp,
    /// The command: `apply`, `stop`, `retry`.
    pub command: String,
    /// The apply that it belongs to, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apply: Option<ApplyId>,
    /// The author's message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}
