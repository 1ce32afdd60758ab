//! A run of a pipeline's batches: the record `run/<pipeline>@<logical time>`.
//!
//! Unique by pipeline and logical time, so a tick or an apply can make it once. It is desired state: commands
//! write it, and the owner only marks its end.

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use windlass_compiler::model::Job;
use windlass_compiler::name::{JobId, Name};

use crate::desired::{Change, Goal};
use crate::document::Document;
use crate::id::{Generation, Instance, RunId};

/// A run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
}

/// A batch in a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound {
    /// The generation of the job's desired state that the spec is of.
    pub of: Generation,
    /// The spec that this run's instance runs.
    pub spec: Job,
    /// What is wanted of the instance.
    pub goal: Goal,
}

impl Run {
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

impl Document for Run {
    const KIND: &'static str = "run";
    const FORMAT: u64 = 1;
    const FIELDS: &'static [&'static str] = &["id", "root", "jobs", "change", "ended"];
}
