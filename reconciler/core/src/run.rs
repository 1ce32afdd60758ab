//! A run of a pipeline's batches: the record `run/<pipeline>@<logical time>`.
//!
//! Unique by pipeline and logical time, so a tick or an apply can make it once. It is desired state: commands
//! write it, and the owner only marks its end.

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use windlass_compiler::name::{JobId, Name};

use crate::desired::{Change, Goal};
use crate::document::Document;
use crate::id::{Generation, Instance, RunId};
use crate::spec::{Mark, Spec};

/// A run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The pipeline and the logical time.
    pub id: RunId,
    /// The folder that relative paths in the specs are relative to.
    pub root: String,
    /// Its jobs, in topological order, each bound to the spec that it runs.
    pub jobs: IndexMap<Name, Bound>,
    /// Who made or changed it last.
    pub change: Change,
    /// When every instance had ended; a command that begins one again clears it.
    pub ended: Option<Timestamp>,
}

/// A batch in a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// The generation of the job's desired state that the spec is of.
    pub of: Generation,
    /// The spec that this run's instance runs.
    pub spec: Spec,
    /// What is wanted of the instance.
    pub goal: Goal,
}

/// A [`Run`] as its record has it. It names the specs that it is bound to: each stands in its job's desired state, or,
/// once that wants another, in a record of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    root: String,
    jobs: IndexMap<Name, StoredBound>,
    change: Change,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct StoredBound {
    of: Generation,
    spec: Mark,
    goal: Goal,
}

impl Run {
    /// It, as its record has it.
    pub fn stored(&self) -> Stored {
        let bound =
            |bound: &Bound| StoredBound { of: bound.of, spec: bound.spec.mark, goal: bound.goal.clone() };
        Stored {
            root: self.root.clone(),
            jobs: self.jobs.iter().map(|(job, one)| (job.clone(), bound(one))).collect(),
            change: self.change.clone(),
            ended: self.ended,
        }
    }

    /// The run that a record holds; `spec` finds what it is bound to. What is not found is the error.
    pub fn read<'a>(
        id: RunId,
        stored: Stored,
        spec: impl Fn(&JobId, Mark) -> Option<&'a Spec>,
    ) -> Result<Self, (JobId, Mark)> {
        let bind = |(name, bound): (Name, StoredBound)| {
            let job = JobId::new(id.pipeline.clone(), name.clone());
            match spec(&job, bound.spec) {
                Some(spec) => Ok((name, Bound { of: bound.of, spec: spec.clone(), goal: bound.goal })),
                None => Err((job, bound.spec)),
            }
        };
        let jobs = stored.jobs.into_iter().map(bind).collect::<Result<_, _>>()?;
        Ok(Self { id, root: stored.root, jobs, change: stored.change, ended: stored.ended })
    }

    /// Its instances, in topological order.
    pub fn instances(&self) -> impl Iterator<Item = (Instance, &Bound)> {
        self.jobs.values().map(|bound| (Instance::batch(bound.spec.id.clone(), self.id.time), bound))
    }

    /// The instance of `job` in this run, if it is part of it.
    pub fn instance(&self, job: &JobId) -> Option<Instance> {
        let here = job.pipeline == self.id.pipeline && self.jobs.contains_key(&job.job);
        here.then(|| Instance::batch(job.clone(), self.id.time))
    }
}

impl Document for Stored {
    const KIND: &'static str = "run";
    const FORMAT: u64 = 2;
    const OLDEST: u64 = 2;
    const FIELDS: &'static [&'static str] = &["root", "jobs", "change", "ended"];
}
