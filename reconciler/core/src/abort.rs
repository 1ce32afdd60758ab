//! Giving up an apply that was not seen to its end.

use std::collections::BTreeSet;

use windlass_compiler::name::JobId;

use crate::apply::{Apply, Progress};
use crate::desired::{Change, Desired, Goal, Intent};
use crate::fleet::{Fleet, Outlook};
use crate::id::Instance;
use crate::mutation::Mutation;
use crate::operate::{Operation, Target, operate};

/// Works out what giving up an apply writes, and which instances that concerns: what has not reached its goal is
/// stopped, and a job that has not left yet stays in the project. What was stopped or suspended by hand is so already.
pub fn abort(fleet: &Fleet, apply: &Apply, change: &Change) -> (Mutation, Vec<Instance>) {
    let mut open = apply.instances(fleet);
    let mut outlooks = fleet.outlooks();
    open.retain(|one| outlooks.of(one) != Outlook::Met && is_under_way(fleet, one));
    let jobs: BTreeSet<&JobId> = open.iter().map(|one| &one.job).collect();
    let kept: Vec<Desired> = jobs.into_iter().filter_map(|job| kept(fleet, job)).collect();
    let mut fleet = fleet.clone();
    fleet.desired.extend(kept.iter().map(|desired| (desired.job().clone(), desired.clone())));
    let (mut mutation, _) =
        operate(&fleet, Operation::Stop, &open.iter().map(target).collect::<Vec<_>>(), change);
    // A stream's goal is its stop; that a batch stays stands in its own record.
    for mut desired in kept {
        if !mutation.desired.iter().any(|written| written.job() == desired.job()) {
            desired.goal = desired.goal.with_intent(Intent::Run);
            mutation.desire(Desired { change: change.clone().into(), ..desired });
        }
    }
    mutation.apply = Some(Apply { progress: Progress::Aborted(change.at), ..apply.clone() });
    (mutation, open)
}

fn is_under_way(fleet: &Fleet, instance: &Instance) -> bool {
    fleet.wanted(instance).is_some_and(|wanted| matches!(wanted.intent, Intent::Run | Intent::Remove))
}

/// A job that is being removed, as one that belongs to the project.
fn kept(fleet: &Fleet, job: &JobId) -> Option<Desired> {
    let desired = fleet.desired.get(job).filter(|desired| desired.goal.intent == Intent::Remove)?;
    let goal = Goal { intent: Intent::Run, ..desired.goal.clone() };
    Some(Desired { goal, ..desired.clone() })
}

fn target(instance: &Instance) -> Target {
    Target { job: instance.job.clone(), instance: instance.run.map(|_| instance.clone()) }
}

#[cfg(test)]
mod tests;
