//! What clusters show against what an older store says.

use super::*;
use crate::id::{Epoch, Uid};
use crate::observed::{End, Phase};
use crate::sample::{at, attempt, change, desired, instance, job, observation, run, status};
use crate::state::Submission;

fn moment() -> Moment {
    Moment { now: at(100), epoch: Epoch(9) }
}

fn cluster() -> Name {
    "laptop".parse().unwrap()
}

/// A fleet of one stream or one batch, with this status if there is one.
fn fleet(mode: Mode, state: Option<State>) -> (Fleet, windlass_compiler::model::Job) {
    let job = job("orders.ingest", mode);
    let mut fleet = Fleet {
        project: Some(crate::project::Project {
            name: "commerce".parse().unwrap(),
            environment: None,
            clusters: indexmap::IndexMap::default(),
            change: change("apply"),
        }),
        ..Fleet::default()
    };
    fleet.desired.insert(job.id.clone(), desired(job.clone()));
    if mode == Mode::Batch {
        let run = run(std::slice::from_ref(&job));
        fleet.runs.insert(run.id.clone(), run);
    }
    if let Some(state) = state {
        fleet.statuses.insert(status(&job, state));
    }
    (fleet, job)
}

/// Rebuilds, records, and rebuilds again: nothing may be left to do.
fn settle(fleet: &mut Fleet, shown: &[Observation], confirmed: bool) -> Vec<Finding> {
    let name = cluster();
    let shown: Vec<_> = shown.iter().map(|found| (&name, found)).collect();
    let shard = Shard::of_text("orders");
    let rebuilt = rebuild(fleet, shard, &shown, confirmed, moment()).unwrap();
    for run in rebuilt.runs {
        fleet.runs.insert(run.id.clone(), run);
    }
    for status in rebuilt.statuses {
        fleet.statuses.insert(status);
    }
    let again = rebuild(fleet, shard, &shown, confirmed, moment()).unwrap();
    assert!(again.statuses.is_empty() && again.runs.is_empty(), "{again:?}");
    rebuilt.findings
}

fn ended() -> Phase {
    Phase::Ended { at: at(9), started: None, end: End::Succeeded }
}

#[test]
fn a_later_attempt_is_taken_over_and_its_end_is_the_end() {
    for (mode, phase, expected) in [
        (Mode::Batch, ended(), "succeeded"),
        (Mode::Batch, Phase::Running { since: at(1) }, "running"),
        (Mode::Stream, Phase::Running { since: at(1) }, "running"),
    ] {
        let (mut fleet, job) = fleet(mode, Some(State::Failed { reason: "exit status 1".to_owned() }));
        let shown = [observation(&job, 1, "u1", ended()), observation(&job, 2, "u2", phase)];
        let findings = settle(&mut fleet, &shown, false);
        assert_eq!(findings.len(), 1, "{findings:?}");
        let instance = instance(&job);
        assert_eq!(fleet.statuses[&instance].attempt_number(), AttemptNumber(2));
        let sight = crate::observed::Sight::Seen(shown[1].clone());
        let decision = fleet.decide(&instance, |_| sight, None, moment()).unwrap().unwrap();
        assert_eq!(decision.status.unwrap().state.name().to_string(), expected);
    }
}

#[test]
fn a_run_that_had_ended_goes_on_with_what_is_taken_over() {
    let (mut fleet, job) =
        fleet(Mode::Batch, Some(State::Skipped { reason: "its upstream was stopped".to_owned() }));
    fleet.runs.values_mut().for_each(|run| run.ended = Some(at(5)));
    assert_eq!(fleet.active(), []);
    settle(&mut fleet, &[observation(&job, 1, "u1", ended())], false);
    assert_eq!(fleet.active(), [instance(&job)]);
}

#[test]
fn the_numbers_of_attempts_never_fall() {
    let (mut fleet, job) = fleet(Mode::Stream, Some(State::Running { since: at(0) }));
    let status = fleet.statuses.remove(&instance(&job)).unwrap();
    fleet.statuses.insert(Status { attempt: Some(attempt(&job, 3)), ..status });
    let findings = settle(&mut fleet, &[observation(&job, 2, "u2", ended())], false);
    assert_eq!(fleet.statuses[&instance(&job)].attempt_number(), AttemptNumber(3));
    assert_eq!(findings, []);
}

#[test]
fn a_batch_that_was_being_submitted_and_is_nowhere_is_held() {
    let submitting = || State::Submitting(Submission::Intended);
    let (mut batch, job) = fleet(Mode::Batch, Some(submitting()));
    assert!(matches!(settle(&mut batch, &[], false)[..], [Finding::Gone { .. }]));
    assert!(matches!(batch.statuses[&instance(&job)].state, State::Lost { .. }));
    let (mut stream, job) = fleet(Mode::Stream, Some(submitting()));
    settle(&mut stream, &[], false);
    assert!(matches!(stream.statuses[&instance(&job)].state, State::Waiting { .. }));
}

#[test]
fn what_is_shown_of_an_intended_attempt_has_been_made() {
    // A cluster may clean it up before anything is decided, and a late copy of the call would make it anew.
    let intended = State::Submitting(Submission::Intended);
    let silent = State::Unknown { before: Box::new(intended.clone()), reason: "no answer".to_owned() };
    for (mode, state) in [Mode::Batch, Mode::Stream].into_iter().zip([&intended, &silent]) {
        let (mut fleet, job) = fleet(mode, None);
        let mut status = status(&job, state.clone());
        status.attempt.as_mut().unwrap().uid = None;
        fleet.statuses.insert(status);
        settle(&mut fleet, &[observation(&job, 1, "u1", ended())], false);
        let status = &fleet.statuses[&instance(&job)];
        let uid = Uid("u1".to_owned());
        assert_eq!(status.attempt.as_ref().unwrap().uid.as_ref(), Some(&uid));
        assert_eq!(
            status.state,
            State::Submitting(Submission::Created(uid)),
            "once it is gone, it is missed"
        );
    }
}

#[test]
fn a_batch_that_a_forgotten_run_may_have_done_is_held() {
    let (mut fleet, job) = fleet(Mode::Batch, None);
    let mut stray = observation(&job, 1, "u1", ended());
    stray.label.instance.run = Some(at(60));
    let findings = settle(&mut fleet, std::slice::from_ref(&stray), false);
    assert!(matches!(findings[..], [Finding::Stray { .. }]), "{findings:?}");
    assert!(
        !fleet.statuses.contains_key(&instance(&job)),
        "before the specs are given anew, nothing is judged"
    );
    settle(&mut fleet, &[stray], true);
    let state = &fleet.statuses[&instance(&job)].state;
    assert!(state.reason().is_some_and(|reason| reason.contains("may have done the same")), "{state:?}");
}

#[test]
fn a_stream_of_a_generation_that_was_forgotten_is_replaced() {
    for (confirmed, labelled, replaced) in [(false, 1, false), (false, 2, true), (true, 1, true)] {
        let (mut fleet, job) = fleet(Mode::Stream, None);
        let mut found = observation(&job, 1, "u1", Phase::Running { since: at(1) });
        found.label.generation = Generation(labelled);
        settle(&mut fleet, std::slice::from_ref(&found), confirmed);
        let generation = fleet.statuses[&instance(&job)].attempt.as_ref().unwrap().generation;
        assert_eq!(generation < fleet.desired[&job.id].goal.replace, replaced, "{confirmed} {labelled}");
    }
}

#[test]
fn a_shard_goes_on_when_its_clusters_were_asked_and_its_specs_were_given_anew() {
    let mut recovery = Recovery::begin(at(0), "it went back".to_owned(), Vec::new());
    let shard = Shard::of_text("orders");
    let stages = [Stage::Look, Stage::Confirm, Stage::LookAgain, Stage::Thawed];
    assert_eq!(recovery.stage(shard), stages[0]);
    recovery.advance(shard, Vec::new());
    assert_eq!(recovery.stage(shard), stages[1]);
    recovery.advance(shard, Vec::new());
    assert_eq!(recovery.stage(shard), stages[1]);
    assert!(!recovery.may_confirm());
    Shard::all().for_each(|shard| recovery.advance(shard, Vec::new()));
    assert!(recovery.may_confirm());
    recovery.confirmed = Some(change("apply"));
    assert_eq!(recovery.stage(shard), stages[2]);
    Shard::all().for_each(|shard| recovery.advance(shard, Vec::new()));
    assert_eq!(recovery.stage(shard), stages[3]);
    assert!(recovery.is_over());
}

#[test]
fn what_was_acknowledged_and_forgotten_is_named() {
    let (old, job) = fleet(Mode::Batch, None);
    let mut seen = old.clone();
    let goal = &mut seen.desired.get_mut(&job.id).unwrap().goal;
    *goal = goal.with_intent(Intent::Stop);
    let named: Vec<_> = forgotten(&seen, &old).iter().map(ToString::to_string).collect();
    assert_eq!(named, ["orders.ingest was to be stopped (apply by ada@host, 1970-01-01T00:00:00Z)"]);
    assert_eq!(forgotten(&old, &Fleet::default()).len(), 2);
    assert_eq!(forgotten(&old, &seen), []);
}

#[test]
fn an_attempt_that_was_on_record_and_is_nowhere_leaves_its_number_behind() {
    for (mode, left) in [(Mode::Stream, "waiting"), (Mode::Batch, "lost")] {
        let (mut seen, job) = fleet(mode, Some(State::Running { since: at(0) }));
        let mut now = Fleet { statuses: Default::default(), ..seen.clone() };
        let status = seen.statuses.remove(&instance(&job)).unwrap();
        seen.statuses.insert(Status { attempt: Some(attempt(&job, 3)), ..status });
        let lost = forgotten(&seen, &now);
        assert!(matches!(lost[..], [Finding::Number { attempt: AttemptNumber(3), .. }]), "{lost:?}");
        now.recovery = Recovery::noticed(None, None, at(90), "it went back", lost);
        // An earlier one that is shown does not make up for it.
        settle(&mut now, &[observation(&job, 1, "u1", ended())], false);
        let status = &now.statuses[&instance(&job)];
        assert_eq!(
            (status.attempt_number(), status.state.name().to_string()),
            (AttemptNumber(3), left.to_owned())
        );
    }
}

#[test]
fn a_run_that_had_ended_goes_on_where_a_later_attempt_is_taken_over() {
    let (mut fleet, job) = fleet(Mode::Batch, Some(State::Stopped));
    fleet.runs.values_mut().for_each(|run| run.ended = Some(at(50)));
    let name = cluster();
    let found = observation(&job, 2, "u2", Phase::Running { since: at(1) });
    let rebuilt = rebuild(&fleet, Shard::of_text("orders"), &[(&name, &found)], false, moment()).unwrap();
    assert_eq!(rebuilt.runs.iter().map(|run| run.ended).collect::<Vec<_>>(), [None]);
    assert_eq!(rebuilt.statuses.len(), 1);
}

#[test]
fn goals_that_were_counted_for_the_second_time_and_goals_in_runs_are_named_too() {
    let (old, job) = fleet(Mode::Batch, None);
    let (mut seen, mut now) = (old.clone(), old.clone());
    let stop = |desired: &mut crate::desired::Desired| desired.goal = desired.goal.with_intent(Intent::Stop);
    seen.desired.values_mut().for_each(stop);
    now.desired.values_mut().for_each(stop);
    assert_eq!(forgotten(&seen, &now), []);
    std::sync::Arc::make_mut(&mut now.desired.get_mut(&job.id).unwrap().change).author =
        "bob@host".to_owned();
    assert!(matches!(forgotten(&seen, &now)[..], [Finding::Command { .. }]));
    let mut stopped = old.clone();
    for run in stopped.runs.values_mut() {
        run.jobs.values_mut().for_each(|bound| bound.goal = bound.goal.with_intent(Intent::Stop));
    }
    let named = forgotten(&stopped, &old);
    assert!(matches!(named[..], [Finding::Goal { intent: Intent::Stop, .. }]), "{named:?}");
}

#[test]
fn what_was_found_when_the_store_went_back_before_is_not_forgotten_with_it() {
    let (old, _) = fleet(Mode::Batch, None);
    let found = Finding::Run { run: "orders@2026-11-22T02:00Z".to_owned() };
    let first = Recovery::begin(at(0), "it went back".to_owned(), vec![found.clone()]);
    let seen = Fleet { recovery: Some(first.clone()), ..old.clone() };
    assert_eq!(forgotten(&seen, &old), std::slice::from_ref(&found));
    // Nor where another begins while it is under way.
    let second = Recovery::noticed(Some(&first), Some(&first), at(9), "again", Vec::new()).unwrap();
    assert_eq!((second.since, second.findings), (at(9), vec![found]));
    assert_eq!(Recovery::noticed(Some(&first), None, at(9), "again", Vec::new()), None);
}

#[test]
fn the_history_tells_of_each_turn_of_a_recovery_once() {
    let mut recovery = Recovery::begin(at(0), "a test".to_owned(), Vec::new());
    let frozen = [Note::Frozen { reason: "a test".to_owned() }];
    assert_eq!(recovery.news(None), frozen);
    let before = recovery.clone();
    recovery.looked = Shard::all().collect();
    assert_eq!(recovery.news(Some(&before)), []);
    let before = recovery.clone();
    recovery.confirmed = Some(change("apply"));
    assert_eq!(recovery.news(Some(&before)), [Note::GivenAnew { change: change("apply") }]);
    let before = recovery.clone();
    recovery.thawed = Shard::all().collect();
    assert_eq!(recovery.news(Some(&before)), [Note::Thawed]);
    assert_eq!(recovery.news(Some(&recovery)), []);
    let next = Recovery::begin(at(9), "a test".to_owned(), Vec::new());
    assert_eq!(next.news(Some(&recovery)), frozen);
}

#[test]
fn a_recovery_that_came_back_with_the_store_is_not_taken_for_one_that_somebody_began() {
    let mut earlier = Recovery::begin(at(1), "a test".to_owned(), Vec::new());
    earlier.thawed = Shard::all().collect();
    let mut later = Recovery::begin(at(5), "a test".to_owned(), Vec::new());
    later.thawed = Shard::all().collect();
    let notice = |present, seen| Recovery::noticed(Some(present), Some(seen), at(3), "again", Vec::new());
    let anew = notice(&earlier, &later).expect("it is noticed again");
    assert!(!anew.is_over() && anew.since > later.since, "{anew:?}");
    assert!(notice(&later, &later).is_some(), "nobody has begun one since");
    assert_eq!(notice(&later, &earlier), None, "somebody has, and it is over");
}
