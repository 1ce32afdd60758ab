//! A run of a pipeline's batches: the record `run/<pipeline>@<logical time>`.
//!
//! Unique by pipeline and logical time, so a tick or an apply can make it once. It is desired state: commands
//! write it, and the owner only marks its end.

use std::sync::Arc;

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use windlass_compiler::name::{JobId, Name};

use crate::apply::Apply;
use crate::desired::{Author, Change, Goal};
use crate::document::Document;
use crate::id::{ApplyId, Generation, Instance, RunId};
use crate::spec::{Mark, Spec};

/// A run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The pipeline and the logical time.
    pub id: RunId,
    /// The folder that relative paths in the specs are relative to.
    pub root: Arc<str>,
    /// Its jobs, in topological order, each bound to the spec that it runs.
    pub jobs: IndexMap<Name, Bound>,
    /// Who made or changed it last.
    pub change: Arc<Change>,
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
/// once that wants another, in a record of its own. What the journal of its apply says as well is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    root: Option<Arc<str>>,
    jobs: IndexMap<Name, StoredBound>,
    change: Author,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct StoredBound {
    #[serde(default = "first", skip_serializing_if = "is_first")]
    of: Generation,
    spec: Mark,
    #[serde(default = "Goal::first", skip_serializing_if = "Goal::is_first")]
    goal: Goal,
}

fn first() -> Generation {
    Generation(1)
}

fn is_first(generation: &Generation) -> bool {
    *generation == first()
}

impl Stored {
    /// The apply whose journal has to be at hand to read it.
    pub fn apply(&self) -> Option<&ApplyId> {
        self.change.apply()
    }
}

/// Why the run that a record holds could not be made of it.
#[derive(Debug)]
pub enum Unread {
    /// This spec, to which it is bound, was not found.
    Spec(JobId, Mark),
    /// The record is damaged.
    Damaged(serde_json::Error),
}

impl Run {
    /// It, as its record has it. `journal` is of the apply that it was changed by, where that is known.
    pub fn stored(&self, journal: Option<&Apply>) -> Stored {
        let bound =
            |bound: &Bound| StoredBound { of: bound.of, spec: bound.spec.mark, goal: bound.goal.clone() };
        let (change, root) = Author::of(&self.change, &self.root, journal);
        let jobs = self.jobs.iter().map(|(job, one)| (job.clone(), bound(one))).collect();
        Stored { root, jobs, change, ended: self.ended }
    }

    /// The run that a record holds; `spec` finds what it is bound to, and `journal` is of the apply that it names.
    pub fn read<'a>(
        id: RunId,
        stored: Stored,
        journal: Option<&Apply>,
        spec: impl Fn(&JobId, Mark) -> Option<&'a Spec>,
    ) -> Result<Self, Unread> {
        let bind = |(name, bound): (Name, StoredBound)| {
            let job = JobId::new(id.pipeline.clone(), name.clone());
            match spec(&job, bound.spec) {
                Some(spec) => Ok((name, Bound { of: bound.of, spec: spec.clone(), goal: bound.goal })),
                None => Err(Unread::Spec(job, bound.spec)),
            }
        };
        let jobs = stored.jobs.into_iter().map(bind).collect::<Result<_, _>>()?;
        let (change, root) = stored.change.read(stored.root, journal).map_err(Unread::Damaged)?;
        Ok(Self { id, root, jobs, change, ended: stored.ended })
    }

    /// Its instances, in topological order.
    pub fn instances(&self) -> impl DoubleEndedIterator<Item = (Instance, &Bound)> {
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
    const FORMAT: u64 = 3;
    const OLDEST: u64 = 3;
    const FIELDS: &'static [&'static str] = &["root", "jobs", "change", "ended"];
}
