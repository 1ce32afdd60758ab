//! What would change: recorded jobs against a plan, and what each change does to what runs.
//!
//! Knows nothing of what really runs; that is drift, and the business of others.

mod effect;
mod fields;
mod markdown;
mod text;

use std::sync::Arc;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

pub use effect::Effect;
pub use fields::FieldChange;
pub use text::Notes;

use crate::digest::Digest;
use crate::model::{Job, Mode, Origin};
use crate::name::{JobId, Name};
use crate::plan::Plan;

/// Everything that applying a plan would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// The project.
    pub project: Name,
    /// The environment, where the project has some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Name>,
    /// The digest of the plan.
    pub plan: Digest,
    /// The changes in the order of the plan; removals last, downstreams first.
    pub changes: Vec<Change>,
    /// How many jobs stay as they are.
    pub unchanged: usize,
    /// How many changes there are beside these, of jobs that were not selected.
    #[serde(default, skip_serializing_if = "is_none")]
    pub unselected: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_none(count: &usize) -> bool {
    *count == 0
}

/// What would change of one job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The job.
    pub job: JobId,
    /// What happens to its record.
    pub kind: Kind,
    /// What happens to what runs.
    pub effect: Effect,
    /// Its goal: the wanted one, or the recorded one of a job that goes.
    pub mode: Mode,
    /// Its cluster: the wanted one, or the recorded one of a job that goes.
    pub cluster: Name,
    /// The fields that differ; of an update only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldChange>,
    /// The jobs that wait for it, however indirectly, and feel the effect: of a batch, those that run again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub downstream: Vec<JobId>,
    /// Whether the recorded job is protected.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub protected: bool,
    /// Where it is defined, or was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

impl Change {
    /// What stands before the names of the downstream jobs.
    fn reach(&self) -> String {
        let count = self.downstream.len();
        if self.effect == Effect::NextRun {
            format!("runs {count} downstream again: ")
        } else {
            format!("affects {count} downstream: ")
        }
    }

    /// Whether it does something to a job that is protected.
    pub fn touches_protected(&self) -> bool {
        self.protected && self.effect != Effect::None
    }
}

/// What happens to a job's record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// It is new.
    Create,
    /// It is replaced.
    Update,
    /// It goes.
    Remove,
}

/// The counts below a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Summary {
    /// Jobs that change.
    pub change: usize,
    /// Jobs that are new.
    pub create: usize,
    /// Jobs that go.
    pub stop: usize,
    /// Jobs that lose state.
    pub lose_state: usize,
    /// Protected jobs to which something happens.
    pub protected: usize,
    /// Jobs that stay as they are.
    pub unchanged: usize,
}

impl Changes {
    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The counts.
    pub fn summary(&self) -> Summary {
        let count =
            |test: &dyn Fn(&Change) -> bool| self.changes.iter().filter(|change| test(change)).count();
        Summary {
            change: count(&|change| change.kind == Kind::Update),
            create: count(&|change| change.kind == Kind::Create),
            stop: count(&|change| change.kind == Kind::Remove),
            lose_state: count(&|change| change.effect == Effect::StateLoss),
            protected: count(&Change::touches_protected),
            unchanged: self.unchanged,
        }
    }
}

/// The jobs on record, in the order in which they were recorded.
#[derive(Debug, Clone, Default)]
pub struct Recorded {
    jobs: IndexMap<JobId, RecordedJob>,
}

/// A job on record.
#[derive(Debug, Clone)]
pub struct RecordedJob {
    /// Its identity.
    pub id: JobId,
    /// What was applied.
    pub spec: Arc<dyn Recall>,
    /// Whether removing it needs an explicit act first: by its spec, or by a command.
    pub protected: bool,
}

/// What was applied: known by its digest, and told in full only where somebody has to see it.
pub trait Recall: std::fmt::Debug + Send + Sync {
    /// Whether it is the job of this digest.
    fn is(&self, digest: &Digest) -> bool;

    /// The job, complete.
    fn job(&self) -> Job;
}

impl Recall for Job {
    fn is(&self, digest: &Digest) -> bool {
        Digest::of_job(self) == *digest
    }

    fn job(&self) -> Job {
        self.clone()
    }
}

impl From<Job> for RecordedJob {
    fn from(job: Job) -> Self {
        Self { id: job.id.clone(), protected: job.protect, spec: Arc::new(job) }
    }
}

impl FromIterator<RecordedJob> for Recorded {
    fn from_iter<T: IntoIterator<Item = RecordedJob>>(jobs: T) -> Self {
        Self { jobs: jobs.into_iter().map(|job| (job.id.clone(), job)).collect() }
    }
}

impl Recorded {
    /// A job on record.
    pub fn get(&self, id: &JobId) -> Option<&RecordedJob> {
        self.jobs.get(id)
    }

    /// All jobs on record.
    pub fn jobs(&self) -> impl Iterator<Item = &RecordedJob> {
        self.jobs.values()
    }

    /// The jobs that a plan no longer has, downstreams first, so that nothing loses what it reads from.
    fn gone(&self, desired: &Plan) -> Vec<&RecordedJob> {
        let gone = || self.jobs.values().filter(|recorded| desired.job(&recorded.id).is_none());
        let specs = gone().map(|recorded| recorded.spec.job());
        match Plan::new(desired.project().clone(), None, specs) {
            Ok(plan) => plan.jobs().rev().filter_map(|job| self.jobs.get(&job.id)).collect(),
            // Only a record that no plan of ours wrote; it must still be possible to remove it.
            Err(_) => gone().rev().collect(),
        }
    }
}

/// What applying `desired` would change of what is recorded.
pub fn diff(recorded: &Recorded, desired: &Plan) -> Changes {
    let kept = desired.jobs().filter_map(|job| match recorded.get(&job.id) {
        None => Some(create(job)),
        Some(before) => update(before, job, desired),
    });
    let mut changes: Vec<Change> = kept.collect();
    let unchanged = desired.len() - changes.len();
    changes.extend(recorded.gone(desired).into_iter().map(remove));
    Changes {
        project: desired.project().clone(),
        environment: desired.environment().cloned(),
        plan: desired.digest(),
        changes,
        unchanged,
        unselected: 0,
    }
}

fn change(job: &Job, kind: Kind, effect: Effect) -> Change {
    Change {
        job: job.id.clone(),
        kind,
        effect,
        mode: job.mode,
        cluster: job.cluster.clone(),
        fields: Vec::new(),
        downstream: Vec::new(),
        protected: false,
        origin: job.origin.clone(),
    }
}

fn create(job: &Job) -> Change {
    change(job, Kind::Create, Effect::Create)
}

fn remove(recorded: &RecordedJob) -> Change {
    Change { protected: recorded.protected, ..change(&recorded.spec.job(), Kind::Remove, Effect::Stop) }
}

fn update(recorded: &RecordedJob, job: &Job, desired: &Plan) -> Option<Change> {
    if desired.digest_of(&job.id).is_some_and(|digest| recorded.spec.is(&digest)) {
        return None;
    }
    let before = recorded.spec.job();
    let effect = Effect::of_update(&before, job);
    let downstream = downstream(effect, job, desired);
    Some(Change {
        fields: fields::compare(&before, job),
        downstream,
        protected: recorded.protected,
        ..change(job, Kind::Update, effect)
    })
}

/// The jobs that feel a change: all that wait for what is interrupted, or the batches that run again with it.
fn downstream(effect: Effect, job: &Job, desired: &Plan) -> Vec<JobId> {
    let runs_again = |id: &&JobId| desired.job(id).is_some_and(|job| job.mode == Mode::Batch);
    let downstream = desired.downstreams([&job.id]).into_iter();
    match effect {
        Effect::NextRun => downstream.filter(runs_again).cloned().collect(),
        effect if effect.interrupts() => downstream.cloned().collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
