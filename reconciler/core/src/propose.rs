//! What an apply writes: desired state, runs and the journal, from a plan and its changes.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use jiff::{SignedDuration, Timestamp};
use windlass_compiler::diff::{Changes, Effect, Kind};
use windlass_compiler::model::{Cluster, Job, Mode};
use windlass_compiler::name::{JobId, Name};
use windlass_compiler::plan::Plan;

use crate::apply::{Apply, Operation, Progress};
use crate::desired::{Change, Desired, Goal, Intent};
use crate::fleet::Fleet;
use crate::id::{ApplyId, Generation, RunId};
use crate::mutation::Mutation;
use crate::operate::leave;
use crate::project::Project;
use crate::run::{Bound, Run};
use crate::spec::Spec;

/// Who applies what, where.
#[derive(Debug, Clone)]
pub struct Proposal<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// Its changes against what is recorded.
    pub changes: &'a Changes,
    /// The project's clusters.
    pub clusters: &'a IndexMap<Name, Cluster>,
    /// The folder that relative paths in the specs are relative to.
    pub root: &'a str,
    /// The apply.
    pub id: ApplyId,
    /// Who, when, and the message.
    pub change: Change,
}

/// Works out what an apply writes. Nothing, if nothing changes.
pub fn propose(fleet: &Fleet, proposal: &Proposal<'_>) -> Mutation {
    let mut mutation = Mutation { project: project(fleet, proposal), ..Mutation::default() };
    for change in &proposal.changes.changes {
        match (change.kind, proposal.plan.job(&change.job)) {
            (Kind::Remove, _) | (_, None) => {
                if let Some(desired) = fleet.desired.get(&change.job) {
                    leave(fleet, desired, Intent::Remove, &proposal.change, &mut mutation);
                }
            }
            (Kind::Create | Kind::Update, Some(job)) => {
                let desired = desire(fleet, proposal, job, change.effect);
                mutation.specs.extend(replaced(fleet, &desired));
                mutation.desire(desired);
            }
        }
    }
    let made = runs(fleet, proposal, &mutation.desired);
    mutation.apply = journal(proposal, &mutation, &made);
    mutation.runs.extend(made);
    mutation
}

/// The project's record, where it changes. A cluster that leaves the specs while something recorded may still be on
/// it stays, because nobody else could be asked to end that; it goes with a later change of this record.
fn project(fleet: &Fleet, proposal: &Proposal<'_>) -> Option<Project> {
    let (name, environment) = (proposal.plan.project(), proposal.plan.environment());
    let same = fleet.project.as_ref().is_some_and(|known| {
        (&known.name, known.environment.as_ref()) == (name, environment)
            && proposal.clusters.iter().all(|(name, kind)| known.clusters.get(name) == Some(kind))
    });
    let before = fleet.project.iter().flat_map(|known| &known.clusters);
    let left = before.filter(|(name, _)| !proposal.clusters.contains_key(*name) && is_needed(fleet, name));
    let clusters = proposal.clusters.iter().chain(left);
    (!same).then(|| Project {
        name: name.clone(),
        environment: environment.cloned(),
        clusters: clusters.map(|(name, kind)| (name.clone(), kind.clone())).collect(),
        change: proposal.change.clone(),
    })
}

/// Whether something recorded is on a cluster, or may come to be before it hears of a change.
fn is_needed(fleet: &Fleet, cluster: &Name) -> bool {
    let streams = fleet.desired.values().filter(|desired| desired.goal.intent.belongs());
    let open = fleet.runs.values().filter(|run| run.ended.is_none());
    let bound = open.flat_map(|run| run.jobs.values().map(|bound| &bound.spec.cluster));
    let live = fleet.statuses.values().filter(|status| status.state.is_live());
    let attempts = live.filter_map(|status| status.attempt.as_ref()).map(|attempt| &attempt.cluster);
    streams.map(|desired| &desired.spec.cluster).chain(bound).chain(attempts).any(|named| named == cluster)
}

/// A job's new desired state. A stop by hand stays a stop: an apply changes what a job is, not whether it runs;
/// a job that had left the project comes back to run.
fn desire(fleet: &Fleet, proposal: &Proposal<'_>, job: &Job, effect: Effect) -> Desired {
    let before = fleet.desired.get(&job.id);
    let generation = before.map_or(Generation(1), |before| before.goal.generation.next());
    let goal = match before.map(|before| &before.goal) {
        Some(goal) if goal.intent.belongs() && effect == Effect::None => Goal { generation, ..goal.clone() },
        Some(goal) if goal.intent.belongs() => Goal { intent: goal.intent, ..goal.replaced() },
        _ => Goal::run(generation),
    };
    Desired {
        spec: Spec::of(job),
        root: proposal.root.into(),
        goal,
        protected: before.filter(|before| before.goal.intent.belongs()).and_then(|before| before.protected),
        change: proposal.change.clone().into(),
    }
}

/// The spec that new desired state replaces, where a run may be bound to it.
fn replaced(fleet: &Fleet, desired: &Desired) -> Option<Spec> {
    let before = &fleet.desired.get(desired.job())?.spec;
    (before.mode == Mode::Batch && before.mark != desired.spec.mark).then(|| before.clone())
}

/// One run for each pipeline in which a batch is new or changed: it holds those batches, and every batch
/// downstream of them.
fn runs(fleet: &Fleet, proposal: &Proposal<'_>, desired: &[Desired]) -> Vec<Run> {
    let begins = |change: &&windlass_compiler::diff::Change| {
        matches!(change.effect, Effect::Create | Effect::NextRun) && change.mode == Mode::Batch
    };
    let begun = || proposal.changes.changes.iter().filter(begins).map(|change| &change.job);
    let held: BTreeSet<&JobId> = begun().chain(proposal.plan.downstreams(begun())).collect();
    let changed: BTreeMap<&JobId, &Desired> = desired.iter().map(|one| (one.job(), one)).collect();
    let mut pipelines: BTreeMap<&Name, IndexMap<Name, Bound>> = BTreeMap::new();
    for job in proposal.plan.jobs().filter(|job| job.mode == Mode::Batch && held.contains(&job.id)) {
        let recorded = || fleet.desired.get(&job.id);
        let Some(of) = changed.get(&job.id).copied().or_else(recorded) else { continue };
        pipelines.entry(&job.id.pipeline).or_default().insert(job.id.job.clone(), bind(of));
    }
    let time = free_time(fleet, proposal.change.at, pipelines.keys().copied());
    let run = |(pipeline, jobs): (&Name, _)| Run {
        id: RunId { pipeline: pipeline.clone(), time },
        root: proposal.root.into(),
        jobs,
        change: proposal.change.clone().into(),
        ended: None,
    };
    pipelines.into_iter().map(run).collect()
}

/// A batch bound to a run.
pub fn bind(desired: &Desired) -> Bound {
    Bound { of: desired.goal.generation, spec: desired.spec.clone(), goal: Goal::run(Generation(1)) }
}

/// The first whole second from `at` on at which none of these pipelines has a run.
pub fn free_time<'a>(
    fleet: &Fleet,
    at: Timestamp,
    pipelines: impl Iterator<Item = &'a Name> + Clone,
) -> Timestamp {
    let mut time = Timestamp::from_second(at.as_second()).unwrap_or(at);
    let taken = |time: Timestamp| {
        pipelines.clone().any(|pipeline| fleet.runs.contains_key(&RunId { pipeline: pipeline.clone(), time }))
    };
    while taken(time) {
        time += SignedDuration::from_secs(1);
    }
    time
}

fn journal(proposal: &Proposal<'_>, mutation: &Mutation, made: &[Run]) -> Option<Apply> {
    if mutation.is_empty() && made.is_empty() {
        return None;
    }
    let generations: BTreeMap<&JobId, Generation> =
        mutation.desired.iter().map(|one| (one.job(), one.goal.generation)).collect();
    let operation = |change: &windlass_compiler::diff::Change| Operation {
        job: change.job.clone(),
        effect: change.effect,
        generation: generations.get(&change.job).copied().unwrap_or_default(),
    };
    Some(Apply {
        id: proposal.id.clone(),
        change: proposal.change.clone().into(),
        root: proposal.root.into(),
        environment: proposal.plan.environment().map(ToString::to_string),
        plan: proposal.plan.digest().to_string(),
        operations: proposal.changes.changes.iter().map(operation).collect(),
        runs: made.iter().map(|run| run.id.clone()).collect(),
        progress: Progress::Committed,
    })
}

#[cfg(test)]
mod tests;
