//! Fleets as data: jobs, their edges and their states.

use windlass_compiler::model::{Job, When};

use super::*;
use crate::desired::{Goal, Intent};
use crate::id::Generation;
use crate::sample::{after, at, attempt, desired, job, run, status};

type Line<'a> = (&'a str, &'a [(&'a str, When)], State);

const NEW: State = State::NEW;

fn failed() -> State {
    State::Failed { reason: "exit status 1".to_owned() }
}

fn skipped() -> State {
    State::Skipped { reason: "so it is".to_owned() }
}

fn running() -> State {
    State::Running { since: at(0) }
}

/// A pipeline of batches in one run; a name that starts with `s` is a stream.
fn fleet(lines: &[Line<'_>]) -> Fleet {
    let mut fleet = Fleet::default();
    let mut batches = Vec::new();
    for (name, edges, state) in lines {
        let mode = if name.starts_with('s') { Mode::Stream } else { Mode::Batch };
        let edges: Vec<_> = edges.iter().map(|(up, when)| (format!("p.{up}"), *when)).collect();
        let edges: Vec<_> = edges.iter().map(|(up, when)| (up.as_str(), *when)).collect();
        let job = after(job(&format!("p.{name}"), mode), &edges);
        let status = status(&job, state.clone());
        fleet.statuses.insert(status);
        fleet.desired.insert(job.id.clone(), desired(job.clone()));
        if mode == Mode::Batch {
            batches.push(job);
        }
    }
    if !batches.is_empty() {
        let run = run(&batches);
        fleet.runs.insert(run.id.clone(), run);
    }
    fleet
}

fn latest(fleet: &Fleet, name: &str) -> Instance {
    fleet.latest(&format!("p.{name}").parse().unwrap()).unwrap()
}

fn check(what: &str, fleet: &Fleet, name: &str, expected: &str) {
    let outlook = match fleet.outlook(&latest(fleet, name)) {
        Outlook::Met => "met".to_owned(),
        Outlook::Moving => "moving".to_owned(),
        Outlook::Missed(why) => why,
    };
    assert_eq!(outlook, expected, "{what}");
}

fn wants(fleet: &mut Fleet, name: &str, intent: Intent) {
    let id: JobId = format!("p.{name}").parse().unwrap();
    let desired = fleet.desired.get_mut(&id).unwrap();
    desired.goal.intent = intent;
}

#[test]
fn an_outlook_follows_state_and_goal() {
    let one = |name, state| fleet(&[(name, &[], state)]);
    check("a stream that runs", &one("s", running()), "s", "met");
    check("a batch that runs", &one("b", running()), "b", "moving");
    check("a batch that succeeded", &one("b", State::Succeeded), "b", "met");
    check("a failure", &one("b", failed()), "b", "failed: exit status 1");
    check("a pause", &one("b", State::Waiting { not_before: Some(at(9)) }), "b", "moving");
    let unknown = State::Unknown { reason: String::new(), before: Box::new(running()) };
    check("silence", &one("s", unknown), "s", "moving");
    let mut stopped = one("s", State::Stopped);
    wants(&mut stopped, "s", Intent::Stop);
    check("a stop", &stopped, "s", "met");
    let ask = |desired: &mut Desired| desired.goal = desired.goal.with_intent(Intent::Stop);
    stopped.desired.values_mut().for_each(ask);
    check("a stop that nobody has taken in", &stopped, "s", "moving");
    let mut asked = one("s", running());
    asked.desired.values_mut().for_each(|desired| desired.goal = desired.goal.retried());
    check("what is not yet taken in", &asked, "s", "moving");
}

#[test]
fn who_waits_moves_as_long_as_an_upstream_does() {
    let chain = |state| fleet(&[("a", &[], state), ("b", &[("a", When::Met)], NEW)]);
    check("it runs", &chain(running()), "b", "moving");
    check("it is suspended", &chain(State::Suspended), "b", "waits: p.a is suspended");
}

#[test]
fn a_shared_upstream_is_judged_once() {
    let suspended = fleet(&[
        ("a", &[], State::Suspended),
        ("x", &[("a", When::Met)], NEW),
        ("b", &[("x", When::Met)], NEW),
        ("c", &[("x", When::Met)], NEW),
        ("d", &[("b", When::Met), ("c", When::Met)], NEW),
    ]);
    check("a diamond over what waits for ever", &suspended, "d", "waits: p.b is waiting");
    let harmless = fleet(&[
        ("a", &[], State::Succeeded),
        ("x", &[("a", When::Failed)], skipped()),
        ("b", &[("x", When::Met)], skipped()),
        ("c", &[("x", When::Met)], skipped()),
        ("d", &[("b", When::Met), ("c", When::Met)], skipped()),
    ]);
    check("a diamond over what was not needed", &harmless, "d", "met");
}

#[test]
fn a_skip_is_harmless_where_nothing_failed() {
    let clean = |state| fleet(&[("a", &[], state), ("b", &[("a", When::Failed)], skipped())]);
    check("a clean-up that was not needed", &clean(State::Succeeded), "b", "met");
    let next = |state| fleet(&[("a", &[], state), ("b", &[("a", When::Met)], skipped())]);
    check("a job behind a failure", &next(failed()), "b", "skipped: so it is");
}

/// A job that has left the project, and comes again while what it waits for is suspended, or will never be.
#[test]
fn an_attempt_of_an_earlier_time_moves_nothing() {
    let again = |upstream, state| {
        let mut fleet = fleet(&[("a", &[], upstream), ("s", &[("a", When::Met)], state)]);
        let id: JobId = "p.s".parse().unwrap();
        let status = fleet.statuses.remove(&Instance::stream(id.clone())).unwrap();
        let attempt = Some(attempt(&job("p.s", Mode::Stream), 1));
        fleet.statuses.insert(Status { attempt, observed_generation: Generation(3), ..status });
        fleet.desired.get_mut(&id).unwrap().goal = Goal::run(Generation(3));
        fleet
    };
    check("it waits", &again(State::Suspended, NEW), "s", "waits: p.a is suspended");
    let paused = State::Waiting { not_before: Some(at(9)) };
    check("it pauses", &again(State::Suspended, paused), "s", "waits: p.a is suspended");
    check("it was skipped", &again(failed(), skipped()), "s", "skipped: so it is");
}

#[test]
fn jobs_that_wait_for_each_other_do_not_move() {
    let circle = fleet(&[("a", &[("b", When::Met)], NEW), ("b", &[("a", When::Met)], NEW)]);
    check("a circle", &circle, "a", "waits: p.b is waiting");
}

#[test]
fn what_has_left_is_active_until_it_is_gone() {
    for (state, active) in [(running(), true), (State::Stopped, false), (failed(), false)] {
        let mut fleet = fleet(&[("s", &[], state.clone())]);
        wants(&mut fleet, "s", Intent::Remove);
        assert_eq!(!fleet.active().is_empty(), active, "{state:?}");
    }
}

#[test]
fn a_stream_whose_job_became_a_batch_is_active_until_it_is_gone() {
    for (state, active) in [(running(), true), (State::Stopped, false)] {
        let mut fleet = fleet(&[("s", &[], state.clone())]);
        for desired in fleet.desired.values_mut() {
            desired.spec = Spec::of(&Job { mode: Mode::Batch, ..desired.spec.job() });
        }
        assert_eq!(!fleet.active().is_empty(), active, "{state:?}");
    }
}

#[test]
fn a_run_is_over_when_all_have_ended_and_none_is_suspended() {
    for (state, over) in [
        (State::Succeeded, true),
        (failed(), true),
        (skipped(), true),
        (State::Lost { reason: String::new() }, true),
        (State::Suspended, false),
        (running(), false),
        (NEW, false),
    ] {
        let mut fleet = fleet(&[("a", &[], State::Succeeded), ("b", &[], state.clone())]);
        let run = fleet.runs.values().next().unwrap().clone();
        assert_eq!(fleet.is_over(&run), over, "{state:?}");
        let mut run = run;
        run.jobs.values_mut().for_each(|bound| bound.goal = bound.goal.retried());
        fleet.runs.insert(run.id.clone(), run.clone());
        assert!(!fleet.is_over(&run), "a command is to be taken in first");
    }
}

#[test]
fn a_run_that_was_made_while_its_job_was_removed_leaves_with_it() {
    let mut fleet = fleet(&[("a", &[], NEW)]);
    let instance = latest(&fleet, "a");
    let desired = fleet.desired.values_mut().next().unwrap();
    desired.goal = desired.goal.with_intent(Intent::Remove);
    assert_eq!(fleet.wanted(&instance).unwrap().goal.intent, Intent::Run);
    assert_eq!(fleet.wanted(&instance).unwrap().intent, Intent::Remove);
}

#[test]
fn a_run_ends_although_a_job_of_it_has_left_the_project() {
    let over = |state: State, intent: Intent, known: bool| {
        let mut fleet = fleet(&[("a", &[], State::Succeeded), ("b", &[], state)]);
        let mut run = fleet.runs.values().next().unwrap().clone();
        let bound = run.jobs.get_mut(&"b".parse::<Name>().unwrap()).unwrap();
        bound.goal = bound.goal.with_intent(intent);
        if !known {
            fleet.statuses.remove(&latest(&fleet, "b"));
        }
        fleet.is_over(&run)
    };
    assert!(over(State::Succeeded, Intent::Remove, true), "it had ended before it left");
    assert!(over(NEW, Intent::Remove, false), "nothing had happened to it");
    assert!(over(running(), Intent::Forget, true), "nobody looks after it");
    assert!(!over(running(), Intent::Remove, true), "it has yet to end");
    assert!(!over(State::Succeeded, Intent::Stop, true), "the stop is not taken in");
}

#[test]
fn a_chain_may_be_longer_than_a_stack_is_deep() {
    let names: Vec<String> = (0..20_000).map(|at| format!("b{at}")).collect();
    let edges: Vec<_> = names.iter().map(|name| [(name.as_str(), When::Met)]).collect();
    let mut lines: Vec<Line<'_>> = vec![(&names[0], &[], State::Suspended)];
    lines.extend(names[1..].iter().zip(&edges).map(|(name, edge)| (name.as_str(), &edge[..], NEW)));
    check("the last of many", &fleet(&lines), "b19999", "waits: p.b19998 is waiting");
}
