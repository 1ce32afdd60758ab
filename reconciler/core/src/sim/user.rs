//! Simulated users: they read, think, and commit what they want; what they had read may be old by then.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use windlass_compiler::diff::diff;
use windlass_compiler::model::{Cluster, Job};
use windlass_compiler::name::{JobId, Name};
use windlass_compiler::plan::Plan;

use crate::desired::Change;
use crate::fleet::Fleet;
use crate::id::ApplyId;
use crate::mutation::Mutation;
use crate::operate::{Operation, Target, operate};
use crate::propose::{Proposal, propose};
use crate::sim::agenda::Tick;
use crate::sim::project;
use crate::sim::random::Random;
use crate::sim::reading::Reading;

/// A user.
#[derive(Debug, Default)]
pub struct User {
    /// What the user has read.
    pub reading: Reading,
}

/// What a user wants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    /// An operation on a job.
    Operate(Operation, JobId),
    /// A change of the specs.
    Apply(Vec<Edit>),
}

/// A change of a spec tree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Edit {
    /// A job comes, or becomes this.
    Put(Box<Job>),
    /// A job goes.
    Drop(JobId),
}

const OPERATIONS: [Operation; 8] = [
    Operation::Stop,
    Operation::Stop,
    Operation::Start,
    Operation::Start,
    Operation::Restart,
    Operation::Retry,
    Operation::Suspend,
    Operation::Protect,
];

impl Command {
    /// The first apply.
    pub fn first(jobs: &[Job]) -> Self {
        Self::Apply(jobs.iter().cloned().map(|job| Edit::Put(Box::new(job))).collect())
    }

    /// Something that a user might want of these jobs.
    pub fn any(random: &mut Random, jobs: &[Job]) -> Self {
        let Some(job) = random.pick(jobs).cloned() else { return Self::Apply(Vec::new()) };
        match random.below(10) {
            0 => Self::Apply(vec![Edit::Drop(job.id)]),
            1 | 2 => Self::Apply(vec![edited(random, job)]),
            3 => Self::Apply(vec![Edit::Put(Box::new(job))]),
            _ => match random.pick(&OPERATIONS) {
                Some(operation) => Self::Operate(*operation, job.id),
                None => Self::Apply(Vec::new()),
            },
        }
    }

    /// Changes the specs as it says.
    pub fn edit(&self, tree: &mut Vec<Job>) {
        let Self::Apply(edits) = self else { return };
        for edit in edits {
            let id = match edit {
                Edit::Put(job) => &job.id,
                Edit::Drop(id) => id,
            };
            tree.retain(|job| job.id != *id);
            if let Edit::Put(job) = edit {
                tree.push((**job).clone());
            }
        }
    }

    /// What it is, as one would type it.
    pub fn name(&self) -> String {
        let edit = |edit: &Edit| match edit {
            Edit::Put(job) => job.id.to_string(),
            Edit::Drop(job) => format!("without {job}"),
        };
        match self {
            Self::Operate(operation, job) => format!("{} {job}", format!("{operation:?}").to_lowercase()),
            Self::Apply(edits) => {
                format!("apply {}", edits.iter().map(edit).collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// What it writes, as far as `fleet` knows.
    pub fn write(
        &self,
        fleet: &Fleet,
        clusters: &IndexMap<Name, Cluster>,
        now: Tick,
        number: u64,
    ) -> Mutation {
        let command = match self {
            Self::Operate(operation, _) => format!("{operation:?}").to_lowercase(),
            Self::Apply(_) => "apply".to_owned(),
        };
        let change =
            Change { author: format!("user-{number}"), at: now.time(), command, apply: None, message: None };
        match self {
            Self::Operate(operation, job) => {
                operate(fleet, *operation, &[Target { job: job.clone(), instance: None }], &change).0
            }
            Self::Apply(edits) => apply(fleet, edits, clusters, change, number),
        }
    }
}

fn edited(random: &mut Random, mut job: Job) -> Edit {
    project::change(random, &mut job);
    Edit::Put(Box::new(job))
}

fn apply(
    fleet: &Fleet,
    edits: &[Edit],
    clusters: &IndexMap<Name, Cluster>,
    change: Change,
    number: u64,
) -> Mutation {
    let present = || fleet.desired.values().filter(|desired| desired.goal.intent.belongs());
    let gone: BTreeSet<&JobId> = edits
        .iter()
        .filter_map(|edit| match edit {
            Edit::Drop(job) => Some(job),
            Edit::Put(_) => None,
        })
        .collect();
    let kept = present().map(|desired| desired.spec.job()).filter(|job| !gone.contains(&job.id));
    let put = edits.iter().filter_map(|edit| match edit {
        Edit::Put(job) => Some((**job).clone()),
        Edit::Drop(_) => None,
    });
    let Ok(plan) = Plan::new(project::name(), None, kept.chain(put)) else { return Mutation::default() };
    let changes = diff(&fleet.recorded(), &plan);
    let id = ApplyId(format!("{number:08}"));
    propose(fleet, &Proposal { plan: &plan, changes: &changes, clusters, root: "/", id, change })
}
