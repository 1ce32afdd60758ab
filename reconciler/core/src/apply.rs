//! The journal of an apply: the record `apply/<id>`, committed with the desired state that it changes.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use windlass_compiler::diff::Effect;
use windlass_compiler::model::Mode;
use windlass_compiler::name::JobId;

use crate::desired::{Change, Intent};
use crate::document::Document;
use crate::fleet::{Fleet, Outlook};
use crate::id::{ApplyId, Generation, Instance, RunId};
use crate::run::Run;

/// One apply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Apply {
    /// Its id.
    pub id: ApplyId,
    /// Who, when, and the message.
    pub change: Arc<Change>,
    /// The folder that relative paths in the specs are relative to.
    pub root: Arc<str>,
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
#[serde(from = "Written", into = "Written")]
pub struct Operation {
    /// The job.
    pub job: JobId,
    /// What the change does to it.
    pub effect: Effect,
    /// The generation that the change made.
    pub generation: Generation,
}

/// An operation as it is written: without the names of its fields, because there is one for every job.
type Written = (JobId, Effect, Generation);

impl From<Operation> for Written {
    fn from(Operation { job, effect, generation }: Operation) -> Self {
        (job, effect, generation)
    }
}

impl From<Written> for Operation {
    fn from((job, effect, generation): Written) -> Self {
        Self { job, effect, generation }
    }
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

impl Apply {
    /// The instances that it is about: its streams, its runs, and of jobs that it removes whatever has to leave.
    pub fn instances(&self, fleet: &Fleet) -> Vec<Instance> {
        let streams = self.operations.iter().map(|operation| Instance::stream(operation.job.clone()));
        let is_stream = |instance: &Instance| {
            let desired = fleet.desired.get(&instance.job);
            desired.is_some_and(|desired| desired.spec.mode == Mode::Stream)
        };
        let made = self.runs.iter().filter_map(|id| fleet.runs.get(id)).flat_map(Run::instances);
        let removed = self.operations.iter().filter(|operation| operation.effect == Effect::Stop);
        let leaving = removed.flat_map(|operation| leaving(fleet, &operation.job));
        let batches = made.map(|(instance, _)| instance).chain(leaving);
        streams.filter(is_stream).chain(batches).collect()
    }

    /// Whether nothing of what it is about has missed its goal.
    pub fn is_met(&self, fleet: &Fleet) -> bool {
        let mut outlooks = fleet.outlooks();
        !self.instances(fleet).iter().any(|instance| matches!(outlooks.of(instance), Outlook::Missed(_)))
    }
}

/// The instances of a batch that were told to leave, or are in runs that were made meanwhile.
fn leaving<'a>(fleet: &'a Fleet, job: &'a JobId) -> impl Iterator<Item = Instance> + 'a {
    let told = |run: &Run| run.jobs.get(&job.job).is_some_and(|bound| bound.goal.intent == Intent::Remove);
    let open = fleet.runs_of(&job.pipeline).filter(move |run| run.ended.is_none() || told(run));
    open.filter_map(|run| run.instance(job))
}

impl Document for Apply {
    const KIND: &'static str = "apply";
    const FORMAT: u64 = 2;
    const OLDEST: u64 = 2;
    const FIELDS: &'static [&'static str] =
        &["id", "change", "root", "environment", "plan", "operations", "runs", "progress"];
}
