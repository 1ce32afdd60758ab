//! Operations: versioned changes of intent. The last one wins, in every state.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use windlass_compiler::model::Mode;
use windlass_compiler::name::JobId;

use crate::desired::{Change, Desired, Goal, Intent};
use crate::fleet::Fleet;
use crate::history::Note;
use crate::id::Instance;
use crate::mutation::Mutation;
use crate::run::Run;
use crate::state::State;

/// What a user asks of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// It does not run.
    Stop,
    /// It does not run for now.
    Suspend,
    /// It runs again, after a stop or a suspension; what has failed is begun again.
    Start,
    /// What has failed, or is lost, is begun again; a pause before a new attempt ends.
    Retry,
    /// A new attempt replaces the one that runs, or follows the one that has ended.
    Restart,
    /// Removing it is refused from now on.
    Protect,
    /// Removing it is no longer refused.
    Unprotect,
    /// It leaves the project; what runs goes on, unattended.
    Forget,
}

/// What came of an operation on one job or instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It changes what is wanted.
    Changed,
    /// It is so already.
    Already(String),
    /// It cannot be asked of it.
    Refused(String),
}

/// A job, or one instance of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// The job.
    pub job: JobId,
    /// The instance; none for the one that is under way, or the latest.
    pub instance: Option<Instance>,
}

/// Works out what an operation on these targets writes, and what to say of each.
pub fn operate(
    fleet: &Fleet,
    operation: Operation,
    targets: &[Target],
    change: &Change,
) -> (Mutation, Vec<(Target, Answer)>) {
    let mut mutation = Mutation::default();
    let mut answers = Vec::new();
    let mut seen = BTreeSet::new();
    // A record can be written once in a transaction, however often its job was named.
    for target in targets.iter().filter(|target| seen.insert(*target)) {
        let answer = match fleet.desired.get(&target.job) {
            Some(desired) if desired.goal.intent.belongs() => {
                one(fleet, operation, target, desired, change, &mut mutation)
            }
            _ => Answer::Refused("it does not belong to the project".to_owned()),
        };
        answers.push((target.clone(), answer));
    }
    (mutation, answers)
}

fn one(
    fleet: &Fleet,
    operation: Operation,
    target: &Target,
    desired: &Desired,
    change: &Change,
    mutation: &mut Mutation,
) -> Answer {
    match (operation, desired.spec.mode) {
        (Operation::Protect | Operation::Unprotect | Operation::Forget, _) if target.instance.is_some() => {
            Answer::Refused(format!("it is asked of a whole job: name {}", target.job))
        }
        (Operation::Protect | Operation::Unprotect, _) => {
            protect(desired, operation == Operation::Protect, change, mutation)
        }
        (Operation::Forget, _) => forget(fleet, desired, change, mutation),
        (_, Mode::Stream) if target.instance.is_none() => {
            let state = fleet.statuses.get(&Instance::stream(target.job.clone())).map(|status| &status.state);
            match turn(operation, &desired.goal, state) {
                Ok(goal) => {
                    mutation.desire(Desired { goal, change: change.clone().into(), ..desired.clone() });
                    Answer::Changed
                }
                Err(answer) => answer,
            }
        }
        (_, Mode::Batch | Mode::Stream) => batch(fleet, operation, target, change, mutation),
    }
}

/// The goal that an operation makes of a goal.
fn turn(operation: Operation, goal: &Goal, state: Option<&State>) -> Result<Goal, Answer> {
    let already = |what: &str| Err(Answer::Already(format!("it is {what} already")));
    let ended = state.is_some_and(|state| {
        matches!(state, State::Failed { .. } | State::Lost { .. } | State::Stopped | State::Skipped { .. })
    });
    let paused = matches!(state, Some(State::Waiting { not_before: Some(_) }));
    match operation {
        Operation::Stop if goal.intent == Intent::Stop => already("stopped or stopping"),
        Operation::Stop if matches!(state, Some(State::Succeeded)) => already("over, with success"),
        Operation::Stop => Ok(goal.with_intent(Intent::Stop)),
        Operation::Suspend if goal.intent == Intent::Suspend => already("suspended"),
        Operation::Suspend if matches!(state, Some(State::Succeeded)) => already("over, with success"),
        Operation::Suspend => Ok(goal.with_intent(Intent::Suspend)),
        Operation::Start if goal.intent == Intent::Run && !ended => {
            Err(Answer::Already("it runs already, or is about to".to_owned()))
        }
        Operation::Retry if goal.intent == Intent::Run && !ended && !paused => {
            Err(Answer::Already("it has neither failed nor been stopped".to_owned()))
        }
        Operation::Start | Operation::Retry => Ok(goal.retried()),
        Operation::Restart => Ok(goal.replaced()),
        Operation::Protect | Operation::Unprotect | Operation::Forget => Ok(goal.clone()),
    }
}

fn protect(desired: &Desired, protected: bool, change: &Change, mutation: &mut Mutation) -> Answer {
    if desired.is_protected() == protected {
        return Answer::Already(format!(
            "it is {} already",
            if protected { "protected" } else { "unprotected" }
        ));
    }
    let goal = Goal { generation: desired.goal.generation.next(), ..desired.goal.clone() };
    mutation.desire(Desired {
        goal,
        protected: Some(protected),
        change: change.clone().into(),
        ..desired.clone()
    });
    Answer::Changed
}

fn forget(fleet: &Fleet, desired: &Desired, change: &Change, mutation: &mut Mutation) -> Answer {
    leave(fleet, desired, Intent::Forget, change, mutation);
    Answer::Changed
}

/// Lets a job leave the project: its record, and its instances in runs that are under way.
pub fn leave(fleet: &Fleet, desired: &Desired, intent: Intent, change: &Change, mutation: &mut Mutation) {
    let goal = desired.goal.with_intent(intent);
    mutation.desire(Desired { goal, change: change.clone().into(), ..desired.clone() });
    let job = desired.job();
    for run in fleet.runs_of(&job.pipeline).filter(|run| run.ended.is_none()) {
        if let Some(instance) = run.instance(job) {
            edit(fleet, mutation, &instance, change, |goal| Ok(goal.with_intent(intent)));
        }
    }
}

/// An operation on a batch is one on its instances: those under way, or the latest.
fn batch(
    fleet: &Fleet,
    operation: Operation,
    target: &Target,
    change: &Change,
    mutation: &mut Mutation,
) -> Answer {
    let instances = match &target.instance {
        Some(instance) => vec![instance.clone()],
        None => concerned(fleet, operation, &target.job),
    };
    let mut answer = Answer::Refused("it has not run yet; `windlass run` makes a run".to_owned());
    for instance in instances {
        let state = fleet.statuses.get(&instance).map(|status| status.state.clone());
        let this = edit(fleet, mutation, &instance, change, |goal| turn(operation, goal, state.as_ref()));
        if answer != Answer::Changed {
            answer = this;
        }
    }
    answer
}

/// The instances of a batch that an operation without a run is about.
fn concerned(fleet: &Fleet, operation: Operation, job: &JobId) -> Vec<Instance> {
    let latest = fleet.latest(job);
    if matches!(operation, Operation::Stop | Operation::Suspend) {
        let open = fleet.runs_of(&job.pipeline).filter(|run| run.ended.is_none());
        let under_way: Vec<_> = open.filter_map(|run| run.instance(job)).collect();
        if !under_way.is_empty() {
            return under_way;
        }
    }
    latest.into_iter().collect()
}

/// Changes the goal of a batch's instance in its run, in the mutation's own copy of the run.
fn edit(
    fleet: &Fleet,
    mutation: &mut Mutation,
    instance: &Instance,
    change: &Change,
    turn: impl FnOnce(&Goal) -> Result<Goal, Answer>,
) -> Answer {
    let Some(id) = instance.run_id() else { return Answer::Refused("a stream has no runs".to_owned()) };
    let edited = mutation.runs.iter().position(|run| run.id == id);
    let known = edited.map(|at| &mutation.runs[at]).or_else(|| fleet.runs.get(&id));
    let Some(bound) = known.and_then(|run| run.jobs.get(&instance.job.job)) else {
        return Answer::Refused(format!("there is no {instance}"));
    };
    let goal = match turn(&bound.goal) {
        Ok(goal) => goal,
        Err(answer) => return answer,
    };
    let run = match edited {
        Some(at) => &mut mutation.runs[at],
        None => {
            mutation.runs.push(fleet.runs[&id].clone());
            mutation.runs.last_mut().expect("it was pushed just now")
        }
    };
    mutation.notes.push((
        instance.to_string(),
        Note::Command { change: change.clone(), intent: goal.intent, generation: goal.generation },
    ));
    rebind(run, instance, goal, change);
    Answer::Changed
}

fn rebind(run: &mut Run, instance: &Instance, goal: Goal, change: &Change) {
    if let Some(bound) = run.jobs.get_mut(&instance.job.job) {
        bound.goal = goal;
    }
    run.ended = None;
    run.change = change.clone().into();
}

#[cfg(test)]
mod tests;
