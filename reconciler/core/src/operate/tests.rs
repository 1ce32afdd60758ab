//! Operations as data: what is recorded, what is asked, what is answered and wanted then.

use windlass_compiler::model::Job;

use super::*;
use crate::id::Generation;
use crate::sample::{at, change, desired, job, run, status};

const OPERATIONS: [(&str, Operation); 5] = [
    ("stop", Operation::Stop),
    ("suspend", Operation::Suspend),
    ("start", Operation::Start),
    ("retry", Operation::Retry),
    ("restart", Operation::Restart),
];

fn states() -> Vec<(&'static str, State)> {
    let reason = String::new;
    vec![
        ("waiting", State::NEW),
        ("pausing", State::Waiting { not_before: Some(at(9)) }),
        ("running", State::Running { since: at(0) }),
        ("stopped", State::Stopped),
        ("suspended", State::Suspended),
        ("succeeded", State::Succeeded),
        ("failed", State::Failed { reason: reason() }),
        ("lost", State::Lost { reason: reason() }),
        ("skipped", State::Skipped { reason: reason() }),
    ]
}

fn fleet(job: &Job, state: State, intent: Intent) -> Fleet {
    let mut fleet = Fleet::default();
    let goal = Goal { intent, ..Goal::run(Generation(1)) };
    let mut desired = desired(job.clone());
    if job.mode == Mode::Batch {
        let mut run = run(std::slice::from_ref(job));
        run.jobs.values_mut().for_each(|bound| bound.goal = goal.clone());
        fleet.runs.insert(run.id.clone(), run);
    } else {
        desired.goal = goal;
    }
    fleet.desired.insert(job.id.clone(), desired);
    let status = status(job, state);
    fleet.statuses.insert(status);
    fleet
}

fn target(job: &Job) -> Target {
    Target { job: job.id.clone(), instance: None }
}

/// What is wanted after an operation, or `-` where it changes nothing.
fn after(fleet: &Fleet, operation: Operation, job: &Job) -> String {
    let (mutation, answers) = operate(fleet, operation, &[target(job)], &change("test"));
    let runs = mutation.runs.iter().flat_map(|run| run.jobs.values().map(|bound| bound.goal.clone()));
    let goals = mutation.desired.iter().map(|desired| desired.goal.clone()).chain(runs);
    let goal = goals.last();
    assert_eq!(goal.is_some(), answers[0].1 == Answer::Changed, "{answers:?}");
    assert_eq!(goal.is_some(), !mutation.notes.is_empty(), "what changes stands in the history");
    goal.map_or("-".to_owned(), |goal| {
        assert_eq!(goal.generation, Generation(2));
        let retry = if goal.retry == goal.generation { "+retry" } else { "" };
        let replace = if goal.replace == goal.generation { "+replace" } else { "" };
        format!("{:?}{retry}{replace}", goal.intent).to_lowercase()
    })
}

fn matrix(mode: Mode, intent: Intent) -> String {
    let job = job("orders.job", mode);
    let row = |(what, state): (&str, State)| {
        let fleet = fleet(&job, state, intent);
        let cells = OPERATIONS.map(|(name, operation)| format!("{name}:{}", after(&fleet, operation, &job)));
        format!("{what} | {}\n", cells.join(" "))
    };
    states().into_iter().map(row).collect()
}

const WANTED: &str = "
waiting | stop:stop suspend:suspend start:- retry:- restart:run+retry+replace
pausing | stop:stop suspend:suspend start:- retry:run+retry restart:run+retry+replace
running | stop:stop suspend:suspend start:- retry:- restart:run+retry+replace
stopped | stop:stop suspend:suspend start:run+retry retry:run+retry restart:run+retry+replace
suspended | stop:stop suspend:suspend start:- retry:- restart:run+retry+replace
succeeded | stop:- suspend:- start:- retry:- restart:run+retry+replace
failed | stop:stop suspend:suspend start:run+retry retry:run+retry restart:run+retry+replace
lost | stop:stop suspend:suspend start:run+retry retry:run+retry restart:run+retry+replace
skipped | stop:stop suspend:suspend start:run+retry retry:run+retry restart:run+retry+replace
";
const STOPPED: &str = "
waiting | stop:- suspend:suspend start:run+retry retry:run+retry restart:run+retry+replace
pausing | stop:- suspend:suspend start:run+retry retry:run+retry restart:run+retry+replace
running | stop:- suspend:suspend start:run+retry retry:run+retry restart:run+retry+replace
stopped | stop:- suspend:suspend start:run+retry retry:run+retry restart:run+retry+replace
suspended | stop:- suspend:suspend start:run+retry retry:run+retry restart:run+retry+replace
succeeded | stop:- suspend:- start:run+retry retry:run+retry restart:run+retry+replace
failed | stop:- suspend:suspend start:run+retry retry:run+retry restart:run+retry+replace
lost | stop:- suspend:suspend start:run+retry retry:run+retry restart:run+retry+replace
skipped | stop:- suspend:suspend start:run+retry retry:run+retry restart:run+retry+replace
";

#[test]
fn each_operation_changes_what_is_wanted() {
    for mode in [Mode::Stream, Mode::Batch] {
        assert_eq!(matrix(mode, Intent::Run).trim(), WANTED.trim(), "{mode:?}");
        assert_eq!(matrix(mode, Intent::Stop).trim(), STOPPED.trim(), "{mode:?}");
    }
}

#[test]
fn a_job_that_is_named_twice_is_written_once() {
    let job = job("orders.job", Mode::Stream);
    let fleet = fleet(&job, State::Running { since: at(0) }, Intent::Run);
    let targets = [target(&job), target(&job)];
    let (mutation, answers) = operate(&fleet, Operation::Stop, &targets, &change("stop"));
    assert_eq!((mutation.desired.len(), answers.len()), (1, 1));
}

#[test]
fn what_has_left_the_project_takes_no_operation() {
    let job = job("orders.job", Mode::Stream);
    for intent in [Intent::Remove, Intent::Forget] {
        let fleet = fleet(&job, State::Stopped, intent);
        assert_eq!(after(&fleet, Operation::Start, &job), "-");
    }
    assert_eq!(after(&Fleet::default(), Operation::Start, &job), "-");
}

#[test]
fn a_batch_that_never_ran_has_nothing_to_operate_on() {
    let job = job("orders.job", Mode::Batch);
    let mut fleet = fleet(&job, State::NEW, Intent::Run);
    fleet.runs.clear();
    assert_eq!(after(&fleet, Operation::Stop, &job), "-");
}

#[test]
fn a_command_opens_a_run_that_had_ended() {
    let job = job("orders.job", Mode::Batch);
    let mut fleet = fleet(&job, State::Failed { reason: String::new() }, Intent::Run);
    fleet.runs.values_mut().for_each(|run| run.ended = Some(at(5)));
    let (mutation, _) = operate(&fleet, Operation::Retry, &[target(&job)], &change("retry"));
    assert_eq!(mutation.runs[0].ended, None);
}

#[test]
fn protection_changes_neither_intent_nor_attempts() {
    let job = job("orders.job", Mode::Stream);
    let fleet = fleet(&job, State::Running { since: at(0) }, Intent::Run);
    let (mutation, _) = operate(&fleet, Operation::Protect, &[target(&job)], &change("protect"));
    let desired = &mutation.desired[0];
    assert!(desired.is_protected());
    assert_eq!((desired.goal.intent, desired.goal.replace, desired.goal.retry), {
        (Intent::Run, Generation(1), Generation(1))
    });
    assert_eq!(after(&fleet, Operation::Unprotect, &job), "-");
}

#[test]
fn a_forgotten_batch_is_forgotten_in_its_open_runs() {
    let job = job("orders.job", Mode::Batch);
    let fleet = fleet(&job, State::Running { since: at(0) }, Intent::Run);
    let (mutation, _) = operate(&fleet, Operation::Forget, &[target(&job)], &change("forget"));
    assert_eq!(mutation.desired[0].goal.intent, Intent::Forget);
    assert_eq!(
        mutation.runs[0].jobs["job".parse::<windlass_compiler::name::Name>().as_ref().unwrap()].goal.intent,
        Intent::Forget
    );
}

#[test]
fn what_is_asked_of_a_whole_job_is_not_asked_of_its_instances() {
    let job = job("orders.job", Mode::Batch);
    let fleet = fleet(&job, State::Succeeded, Intent::Run);
    let instance = fleet.latest(&job.id);
    let one = Target { job: job.id.clone(), instance };
    for operation in [Operation::Protect, Operation::Unprotect, Operation::Forget] {
        let (mutation, answers) = operate(&fleet, operation, std::slice::from_ref(&one), &change("test"));
        assert!(mutation.is_empty(), "{operation:?}");
        assert!(matches!(answers[0].1, Answer::Refused(_)), "{answers:?}");
    }
}

#[test]
fn a_stop_of_an_instance_does_not_stop_the_stream_that_its_job_has_become() {
    let batch = job("orders.job", Mode::Batch);
    let mut fleet = fleet(&batch, State::Running { since: at(0) }, Intent::Run);
    let one = Target { job: batch.id.clone(), instance: fleet.latest(&batch.id) };
    fleet.desired.insert(batch.id.clone(), desired(job("orders.job", Mode::Stream)));
    let (mutation, _) = operate(&fleet, Operation::Stop, &[one], &change("test"));
    assert_eq!((mutation.desired.len(), mutation.runs.len()), (0, 1));
}
