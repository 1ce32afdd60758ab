//! The journal of an apply: the record `apply/<id>`, committed with the desired state that it changes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use windlass_compiler::diff::Effect;
use windlass_compiler::name::JobId;

use crate::desired::Change;
use crate::document::Document;
use crate::id::{ApplyId, Generation, RunId};

/// One apply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Apply {
    /// Its id.
    pub id: ApplyId,
    /// Who, when, and the message.
    pub change: Change,
    /// The environment that was applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The digest of the plan's desired side.
    pub plan: String,
    /// What it changed, in the plan's order.
    pub operations: Vec<Operation>,
    /// The runs that it made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<RunId>,
    /// How far it is.
    pub progress: Progress,
}

/// One change of desired state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// The job.
    pub job: JobId,
    /// What the change does to it.
    pub effect: Effect,
    /// The generation that the change made.
    pub generation: Generation,
}

/// How far an apply is. It is committed from the first; this says whether it was seen to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Progress {
    /// Desired state is committed; the jobs are on their way.
    Committed,
    /// Every job reached its goal.
    Converged(Timestamp),
    /// Every job ended, and some did not reach their goal.
    Failed(Timestamp),
    /// Given up by a person.
    Aborted(Timestamp),
}

impl Document for Apply {
    const KIND: &'static str = "apply";
    const FORMAT: u64 = 1;
    const FIELDS: &'static [&'static str] =
        &["id", "change", "environment", "plan", "operations", "runs", "progress"];
}
