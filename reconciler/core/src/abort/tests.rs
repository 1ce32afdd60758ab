//! Interrupted applies as data: what is recorded, and what giving them up writes.

use windlass_compiler::diff::Effect;
use windlass_compiler::model::{Job, Mode};

use super::*;
use crate::apply::Operation as Step;
use crate::id::{ApplyId, Generation};
use crate::operate::leave;
use crate::sample::{at, change, desired, job, run, status};
use crate::state::State;

fn running() -> State {
    State::Running { since: at(0) }
}

/// A stream `s` and a batch `b`, both under way, and an apply that removes them and has just been committed.
fn removal(stream: State, batch: State) -> (Fleet, Apply) {
    let jobs = [job("p.s", Mode::Stream), job("p.b", Mode::Batch)];
    let mut fleet = recorded(&jobs, [stream, batch]);
    let open = run(&jobs[1..]);
    fleet.runs.insert(open.id.clone(), open);
    let mut mutation = Mutation::default();
    for desired in fleet.desired.values() {
        leave(&fleet, desired, Intent::Remove, &change("destroy"), &mut mutation);
    }
    write(&mut fleet, mutation);
    (fleet, apply(&jobs.map(|job| job.id), Effect::Stop))
}

fn recorded<const N: usize>(jobs: &[Job; N], states: [State; N]) -> Fleet {
    let mut fleet = Fleet::default();
    for (job, state) in jobs.iter().zip(states) {
        let status = status(job, state);
        fleet.statuses.insert(status);
        fleet.desired.insert(job.id.clone(), desired(job.clone()));
    }
    fleet
}

fn apply(jobs: &[JobId], effect: Effect) -> Apply {
    let step = |job: &JobId| Step { job: job.clone(), effect, generation: Generation(2) };
    Apply {
        id: ApplyId("1".to_owned()),
        change: change("apply").into(),
        root: "/".into(),
        environment: None,
        plan: String::new(),
        operations: jobs.iter().map(step).collect(),
        runs: Vec::new(),
        progress: Progress::Committed,
    }
}

fn write(fleet: &mut Fleet, mutation: Mutation) {
    fleet.desired.extend(mutation.desired.into_iter().map(|one| (one.job().clone(), one)));
    fleet.runs.extend(mutation.runs.into_iter().map(|one| (one.id.clone(), one)));
}

fn names(instances: &[Instance]) -> String {
    instances.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// What is wanted of every instance: `JOB intent`.
fn wanted(fleet: &Fleet) -> String {
    let one = |instance: &Instance| {
        let intent = fleet.wanted(instance).map(|wanted| wanted.intent);
        format!("{} {intent:?}", instance.job.job).to_lowercase().replace("some(", "").replace(')', "")
    };
    fleet.statuses.keys().map(one).collect::<Vec<_>>().join(", ")
}

#[test]
fn a_removal_is_about_the_batches_that_have_to_leave() {
    let (mut fleet, apply) = removal(running(), running());
    assert_eq!(names(&apply.instances(&fleet)), "p.s p.b@1970-01-01T00:00Z");
    for run in fleet.runs.values_mut() {
        run.ended = Some(at(1));
    }
    assert_eq!(names(&apply.instances(&fleet)), "p.s p.b@1970-01-01T00:00Z", "and stays so");
}

#[test]
fn a_removal_that_is_given_up_keeps_what_has_not_left_and_stops_it() {
    let (mut fleet, apply) = removal(running(), running());
    assert_eq!(wanted(&fleet), "b remove, s remove");
    let (mutation, open) = abort(&fleet, &apply, &change("applies abort"));
    assert_eq!(names(&open), "p.s p.b@1970-01-01T00:00Z");
    assert_eq!(mutation.apply.as_ref().map(|apply| &apply.progress), Some(&Progress::Aborted(at(0))));
    write(&mut fleet, mutation);
    assert_eq!(wanted(&fleet), "b stop, s stop");
    assert!(fleet.desired.values().all(|desired| desired.goal.intent.belongs()));
    assert!(fleet.desired.values().all(|desired| desired.goal.generation == Generation(3)));
}

#[test]
fn what_has_left_is_not_brought_back() {
    let (mut fleet, apply) = removal(State::Stopped, running());
    let (mutation, open) = abort(&fleet, &apply, &change("applies abort"));
    assert_eq!(names(&open), "p.b@1970-01-01T00:00Z");
    write(&mut fleet, mutation);
    assert_eq!(wanted(&fleet), "b stop, s remove");
}

#[test]
fn an_apply_that_is_given_up_stops_what_is_under_way() {
    let jobs = [job("p.s", Mode::Stream), job("p.t", Mode::Stream)];
    let mut fleet = recorded(&jobs, [running(), State::NEW]);
    let (mutation, open) =
        abort(&fleet, &apply(&jobs.map(|job| job.id), Effect::Create), &change("applies abort"));
    assert_eq!(names(&open), "p.t");
    write(&mut fleet, mutation);
    assert_eq!(wanted(&fleet), "s run, t stop");
}

#[test]
fn an_apply_is_not_to_blame_for_what_it_did_not_touch() {
    let jobs = [job("p.s", Mode::Stream), job("p.t", Mode::Stream)];
    let fleet = recorded(&jobs, [running(), State::Failed { reason: "exit status 1".to_owned() }]);
    let [s, t] = jobs.map(|job| job.id);
    assert!(apply(&[s], Effect::Create).is_met(&fleet));
    assert!(!apply(&[t], Effect::Create).is_met(&fleet));
}
