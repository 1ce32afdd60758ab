//! Decisions as data: what is known on the left, what is decided on the right.

use windlass_compiler::model::{Job, Mode, OnLost, When};
use windlass_compiler::units::Duration;

use super::*;
use crate::desired::Goal;
use crate::edge::Standing;
use crate::id::{Epoch, Uid};
use crate::observed::End;
use crate::sample::{after, at, instance, job, observation, seen, status};
use crate::spec::Spec;
use crate::state;

/// Everything that a decision rests on.
#[derive(Clone)]
struct Scene {
    job: Job,
    status: Status,
    goal: Goal,
    sight: Sight,
    upstreams: Vec<Upstream>,
    hold: Option<&'static str>,
    now: i64,
    /// Whether the job has become a batch.
    turned: bool,
}

fn scene(mode: Mode, state: State, sight: impl Fn(&Job) -> Sight) -> Scene {
    let job = job("orders.job", mode);
    let (status, sight) = (status(&job, state), sight(&job));
    Scene {
        job,
        status,
        goal: Goal::run(Generation(1)),
        sight,
        upstreams: vec![],
        hold: None,
        now: 100,
        turned: false,
    }
}

impl Scene {
    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn decide(&self) -> Decision {
        let (project, instance) = ("commerce".parse().unwrap(), instance(&self.job));
        let mut job = self.job.clone();
        if self.turned {
            job.mode = Mode::Batch;
        }
        let case = Case {
            project: &project,
            instance: &instance,
            goal: &self.goal,
            intent: if self.turned { Intent::Remove } else { self.goal.intent },
            spec: &Spec::of(&job),
            root: "/",
            status: &self.status,
            sight: &self.sight,
            upstreams: &self.upstreams,
            hold: self.hold,
        };
        decide(&case, Moment { now: at(self.now), epoch: Epoch(1) }).unwrap()
    }

    /// Decides until there is nothing to record, with a last look that must change nothing.
    fn settle(mut self) -> (Self, Vec<String>) {
        let mut steps = Vec::new();
        loop {
            let decision = self.decide();
            assert!(decision.status.is_none() || decision.action.is_none(), "an action rests on a record");
            assert!(steps.len() < 8, "it does not settle: {steps:?}");
            let Some(status) = decision.status else {
                assert_eq!(self.decide(), decision, "the same input, the same decision");
                steps.extend(decision.action.iter().map(|action| format!("! {}", action.verb())));
                return (self, steps);
            };
            steps.push(describe(&status));
            if status.attempt_number() != self.status.attempt_number() {
                self.sight = Sight::Unseen;
            }
            self.status = *status;
        }
    }
}

fn describe(status: &Status) -> String {
    let mut text = status.state.name().to_string();
    match &status.state {
        State::Waiting { not_before: Some(until) } => {
            text += &format!(" until {}", until.as_second());
        }
        State::Submitting(Submission::Intended) => text = format!("intended {}", status.attempt_number()),
        State::Submitting(Submission::Created(_)) => text = "created".to_owned(),
        State::Stopping { then: Then::Failed(_) } => text += " to failed",
        State::Stopping { then } => text += &format!(" to {then:?}").to_lowercase(),
        State::Unknown { before, .. } => text += &format!(" ({})", before.name()),
        _ => {}
    }
    text
}

fn check(what: &str, scene: Scene, expected: &str) {
    let steps = scene.settle().1;
    let steps = if steps.is_empty() { "nothing".to_owned() } else { steps.join(", ") };
    assert_eq!(steps, expected, "{what}");
}

const RUNNING: Phase = Phase::Running { since: Timestamp::UNIX_EPOCH };
const IS_RUNNING: State = State::Running { since: Timestamp::UNIX_EPOCH };

fn absent(_: &Job) -> Sight {
    Sight::Absent { times: 9 }
}

fn silent(_: &Job) -> Sight {
    Sight::Silent { since: at(0), reason: "no answer".to_owned() }
}

fn ends(end: End) -> Phase {
    Phase::Ended { at: at(90), started: Some(at(10)), end }
}

fn failed() -> State {
    State::Failed { reason: "exit status 1".to_owned() }
}

/// Every state in which a job can be, with what its cluster shows then.
fn scenes(mode: Mode) -> Vec<(&'static str, Scene)> {
    let reason = || "so it is".to_owned();
    let created = || State::Submitting(Submission::Created(Uid("u1".to_owned())));
    let stopping = |then| State::Stopping { then };
    let unknown = |before| State::Unknown { reason: reason(), before: Box::new(before) };
    let running = |job: &Job| seen(job, RUNNING);
    let ended = |job: &Job| seen(job, ends(End::Failed("exit status 1".to_owned())));
    vec![
        ("waiting", scene(mode, State::NEW, |_| Sight::Unseen)),
        ("pausing", scene(mode, State::Waiting { not_before: Some(at(500)) }, ended)),
        ("intended", scene(mode, State::Submitting(Submission::Intended), absent)),
        ("created", scene(mode, created(), |job| seen(job, Phase::Suspended))),
        ("activated", scene(mode, created(), |job| seen(job, Phase::Starting))),
        ("running", scene(mode, IS_RUNNING, running)),
        (
            "degraded",
            scene(mode, State::Degraded { reason: reason() }, |job| {
                seen(job, Phase::Impaired { reason: reason() })
            }),
        ),
        ("stopping", scene(mode, stopping(Then::Stopped), running)),
        ("suspending", scene(mode, stopping(Then::Suspended), running)),
        ("replacing", scene(mode, stopping(Then::Replaced), running)),
        ("giving up", scene(mode, stopping(Then::Failed(reason())), running)),
        ("stopped", scene(mode, State::Stopped, ended)),
        ("suspended", scene(mode, State::Suspended, ended)),
        ("failed", scene(mode, failed(), ended)),
        ("lost", scene(mode, State::Lost { reason: reason() }, absent)),
        (
            "skipped",
            scene(mode, State::Skipped { reason: reason() }, |_| Sight::Unseen)
                .with(|scene| scene.upstreams = upstreams(&[(When::Met, state::Name::Failed)])),
        ),
        ("unknown, was intended", scene(mode, unknown(State::Submitting(Submission::Intended)), silent)),
        ("unknown, was running", scene(mode, unknown(IS_RUNNING), silent)),
    ]
}

fn upstreams(edges: &[(When, state::Name)]) -> Vec<Upstream> {
    let edge = |(when, state): &(When, state::Name)| Upstream {
        edge: after(job("orders.job", Mode::Batch), &[("orders.up", *when)]).after.remove(0),
        standing: Some(Standing { mode: Mode::Batch, state: *state, current: true, has_run: false }),
    };
    edges.iter().map(edge).collect()
}

fn matrix(goal: impl Fn(&Goal) -> Goal) -> String {
    let row = |(what, mut scene): (&str, Scene)| {
        scene.goal = goal(&scene.goal);
        let (settled, steps) = scene.settle();
        assert!(
            settled.status.observed_generation == settled.goal.generation
                || matches!(settled.status.state, State::Unknown { .. } | State::Stopping { .. }),
            "{what} has taken in what is wanted"
        );
        let steps = if steps.is_empty() { "nothing".to_owned() } else { steps.join(", ") };
        format!("{what} | {steps}\n")
    };
    scenes(Mode::Stream).into_iter().map(row).collect()
}

const UNCHANGED: &str = "
waiting | intended 1
pausing | nothing
intended | ! create
created | ! activate
activated | nothing
running | nothing
degraded | nothing
stopping | stopping to replaced, ! stop
suspending | stopping to replaced, ! stop
replacing | ! stop
giving up | ! stop
stopped | intended 2
suspended | intended 2
failed | nothing
lost | nothing
skipped | nothing
unknown, was intended | nothing
unknown, was running | nothing
";
const STOP: &str = "
waiting | stopped
pausing | stopped
intended | stopping to stopped, stopped
created | stopping to stopped, ! stop
activated | stopping to stopped, ! stop
running | stopping to stopped, ! stop
degraded | stopping to stopped, ! stop
stopping | stopping to stopped, ! stop
suspending | stopping to stopped, ! stop
replacing | stopping to stopped, ! stop
giving up | stopping to stopped, ! stop
stopped | stopped
suspended | stopped
failed | failed
lost | lost
skipped | skipped
unknown, was intended | unknown (stopping)
unknown, was running | unknown (stopping)
";
const SUSPEND: &str = "
waiting | suspended
pausing | suspended
intended | stopping to suspended, suspended
created | stopping to suspended, ! stop
activated | stopping to suspended, ! stop
running | stopping to suspended, ! stop
degraded | stopping to suspended, ! stop
stopping | stopping to suspended, ! stop
suspending | stopping to suspended, ! stop
replacing | stopping to suspended, ! stop
giving up | stopping to suspended, ! stop
stopped | suspended
suspended | suspended
failed | failed
lost | lost
skipped | skipped
unknown, was intended | unknown (stopping)
unknown, was running | unknown (stopping)
";
const RETRY: &str = "
waiting | intended 1
pausing | intended 2
intended | intended 1, ! create
created | created, ! activate
activated | created
running | running
degraded | degraded
stopping | stopping to replaced, ! stop
suspending | stopping to replaced, ! stop
replacing | stopping to replaced, ! stop
giving up | ! stop
stopped | intended 2
suspended | intended 2
failed | intended 2
lost | intended 2
skipped | skipped
unknown, was intended | nothing
unknown, was running | nothing
";
const REPLACE: &str = "
waiting | intended 1
pausing | intended 2
intended | stopping to replaced, intended 2
created | stopping to replaced, ! stop
activated | stopping to replaced, ! stop
running | stopping to replaced, ! stop
degraded | stopping to replaced, ! stop
stopping | stopping to replaced, ! stop
suspending | stopping to replaced, ! stop
replacing | stopping to replaced, ! stop
giving up | ! stop
stopped | intended 2
suspended | intended 2
failed | intended 2
lost | intended 2
skipped | skipped
unknown, was intended | nothing
unknown, was running | nothing
";

#[test]
fn unchanged_goals_are_carried_on() {
    assert_eq!(matrix(Goal::clone).trim(), UNCHANGED.trim());
}

#[test]
fn a_stop_wins_in_every_state() {
    let expected = STOP.trim();
    assert_eq!(matrix(|goal| goal.with_intent(Intent::Stop)).trim(), expected);
    assert_eq!(matrix(|goal| goal.with_intent(Intent::Remove)).trim(), expected);
}

#[test]
fn a_suspension_wins_in_every_state() {
    assert_eq!(matrix(|goal| goal.with_intent(Intent::Suspend)).trim(), SUSPEND.trim());
}

#[test]
fn a_retry_begins_again_what_has_ended_and_nothing_else() {
    assert_eq!(matrix(Goal::retried).trim(), RETRY.trim());
}

#[test]
fn a_change_or_restart_replaces_what_runs() {
    assert_eq!(matrix(Goal::replaced).trim(), REPLACE.trim());
}

fn stream(state: State, phase: Phase) -> Scene {
    scene(Mode::Stream, state, |job| seen(job, phase.clone()))
}

fn batch(state: State, phase: Phase) -> Scene {
    scene(Mode::Batch, state, |job| seen(job, phase.clone()))
}

fn stopping() -> State {
    State::Stopping { then: Then::Stopped }
}

fn stop(scene: &mut Scene) {
    scene.goal = scene.goal.with_intent(Intent::Stop);
}

#[test]
fn an_end_means_what_the_mode_says() {
    let failed = || ends(End::Failed("exit status 1".to_owned()));
    check("a batch that succeeds", batch(IS_RUNNING, ends(End::Succeeded)), "succeeded");
    check("a batch that fails", batch(IS_RUNNING, failed()), "waiting until 101");
    check("a stream that ends with 0", stream(IS_RUNNING, ends(End::Succeeded)), "waiting until 101");
    check("a stream that fails", stream(IS_RUNNING, failed()), "waiting until 101");
    check("a stop from outside", stream(IS_RUNNING, ends(End::Stopped)), "waiting until 101");
}

#[test]
fn a_stop_is_over_however_the_attempt_ended() {
    let failed = || ends(End::Failed("exit status 143".to_owned()));
    let gone = Phase::Vanished { reason: "the host was started anew".to_owned() };
    for phase in [failed(), ends(End::Stopped), gone] {
        check("a stream", stream(stopping(), phase.clone()).with(stop), "stopped");
        check("a batch", batch(stopping(), phase).with(stop), "stopped");
    }
    check("a stream that ends with 0", stream(stopping(), ends(End::Succeeded)).with(stop), "stopped");
}

#[test]
fn a_batch_that_wins_the_race_against_its_stop_has_succeeded() {
    check("seen while stopping", batch(stopping(), ends(End::Succeeded)).with(stop), "succeeded");
    check("seen with the stop", batch(IS_RUNNING, ends(End::Succeeded)).with(stop), "succeeded");
}

#[test]
fn a_stop_while_submitting_wins() {
    let intended = || scene(Mode::Stream, State::Submitting(Submission::Intended), absent).with(stop);
    check("nothing exists", intended(), "stopping to stopped, stopped");
    let late = |scene: &mut Scene| scene.sight = seen(&scene.job, Phase::Suspended);
    check("it was made meanwhile", intended().with(late), "stopping to stopped, ! stop");
}

#[test]
fn a_stop_ends_only_when_the_cluster_says_so() {
    check("it runs", stream(stopping(), RUNNING).with(stop), "stopping to stopped, ! stop");
    check("it is silent", scene(Mode::Stream, stopping(), silent).with(stop), "unknown (stopping)");
    let missed = |times| scene(Mode::Stream, stopping(), move |_| Sight::Absent { times }).with(stop);
    check("it was missed once", missed(1), "stopping to stopped");
    check("it was missed often", missed(3), "stopped");
}

#[test]
fn silence_is_not_absence() {
    let patient = scene(Mode::Stream, IS_RUNNING, silent).with(|scene| scene.now = 9);
    check("for a while", patient, "nothing");
    check("for long", scene(Mode::Stream, IS_RUNNING, silent), "unknown (running)");
    let unknown = || State::Unknown { reason: String::new(), before: Box::new(IS_RUNNING) };
    check("it is heard again", stream(unknown(), RUNNING), "running");
    check("it has ended meanwhile", batch(unknown(), ends(End::Succeeded)), "succeeded");
    check("it is stopped meanwhile", scene(Mode::Stream, unknown(), silent).with(stop), "unknown (stopping)");
}

#[test]
fn only_repeated_good_answers_make_an_attempt_lost() {
    let missed = |times| scene(Mode::Batch, IS_RUNNING, move |_| Sight::Absent { times });
    check("once", missed(1), "nothing");
    check("twice", missed(2), "nothing");
    check("three times", missed(3), "lost");
    check("never asked", scene(Mode::Batch, IS_RUNNING, |_| Sight::Unseen), "nothing");
}

#[test]
fn lost_is_never_resubmitted_on_its_own() {
    let lost = || State::Lost { reason: "its cluster no longer has it".to_owned() };
    let retry = |scene: &mut Scene| scene.job.retry.on_lost = OnLost::Retry;
    check("held", scene(Mode::Batch, lost(), absent), "nothing");
    check("a policy that comes later", scene(Mode::Batch, lost(), absent).with(retry), "nothing");
    check("by policy", scene(Mode::Batch, IS_RUNNING, absent).with(retry), "waiting until 101");
    let asked = |scene: &mut Scene| scene.goal = scene.goal.retried();
    check("a person", scene(Mode::Batch, lost(), absent).with(asked), "intended 2");
}

#[test]
fn a_stream_that_failed_for_a_generation_nobody_knows_is_tried_as_it_is_wanted() {
    let taken_over = |scene: &mut Scene| {
        scene.status.attempt.as_mut().unwrap().generation = Generation(0);
        scene.goal = Goal { replace: Generation(1), ..scene.goal };
    };
    check("a stream", stream(failed(), ends(End::Succeeded)).with(taken_over), "intended 2");
    check("a batch may have done its work", batch(failed(), ends(End::Stopped)).with(taken_over), "nothing");
}

#[test]
fn what_was_lost_and_runs_after_all_is_taken_back() {
    let lost = || State::Lost { reason: String::new() };
    check("it runs", stream(lost(), RUNNING), "running");
    check("it is to stop", stream(lost(), RUNNING).with(stop), "stopping to stopped, ! stop");
    let stranger = |scene: &mut Scene| {
        scene.sight = Sight::Seen(observation(&scene.job, 1, "u2", RUNNING));
    };
    check("another object", stream(lost(), RUNNING).with(stranger), "nothing");
}

#[test]
fn what_was_lost_and_has_ended_after_all_is_known() {
    let lost = || State::Lost { reason: String::new() };
    check("it succeeded", batch(lost(), ends(End::Succeeded)), "succeeded");
    let failed = |times: usize| {
        let failures = move |scene: &mut Scene| scene.status.failures = vec![at(100); times];
        batch(lost(), ends(End::Failed("exit 1".to_owned()))).with(failures)
    };
    check("it failed", failed(1), "waiting until 101");
    let status = failed(1).decide().status.unwrap();
    assert_eq!(status.failures.len(), 1, "it was counted when it was lost");
    check("it failed for good", failed(3), "failed");
    let stranger = |scene: &mut Scene| {
        scene.sight = Sight::Seen(observation(&scene.job, 1, "u2", RUNNING));
    };
    check("another object", batch(lost(), RUNNING).with(stranger), "nothing");
}

#[test]
fn only_the_recorded_uid_is_activated() {
    let created = || State::Submitting(Submission::Created(Uid("u1".to_owned())));
    let other = |scene: &mut Scene| {
        scene.sight = Sight::Seen(observation(&scene.job, 1, "u2", Phase::Suspended));
    };
    check("it", stream(created(), Phase::Suspended), "! activate");
    check("one of another uid", stream(created(), Phase::Suspended).with(other), "waiting until 101");
    let taken = |scene: &mut Scene| {
        let other = job("orders.other", Mode::Stream);
        scene.sight = Sight::Seen(observation(&other, 1, "u1", Phase::Suspended));
    };
    check("a taken name", stream(created(), Phase::Suspended).with(taken), "waiting until 101");
}

#[test]
fn a_start_counts_once_it_has_lasted() {
    let young = |scene: &mut Scene| scene.now = 1;
    let created = || State::Submitting(Submission::Created(Uid("u1".to_owned())));
    check("too short", stream(created(), RUNNING).with(young), "nothing");
    assert_eq!(stream(created(), RUNNING).with(young).decide().wake, Some(at(2)));
    check("long enough", stream(created(), RUNNING), "running");
}

#[test]
fn timeout_counts_as_a_failure() {
    let short = |scene: &mut Scene| scene.job.timeout = Some(Duration::from_secs(60));
    let created = || State::Submitting(Submission::Created(Uid("u1".to_owned())));
    check("a batch", batch(IS_RUNNING, RUNNING).with(short), "stopping to failed, ! stop");
    check("a slow start", stream(created(), Phase::Starting).with(short), "stopping to failed, ! stop");
    let early = |scene: &mut Scene| scene.now = 50;
    assert_eq!(batch(IS_RUNNING, RUNNING).with(short).with(early).decide().wake, Some(at(60)));
    let over = || State::Stopping { then: Then::Failed("too long".to_owned()) };
    check("it is tried again", batch(over(), ends(End::Stopped)), "waiting until 101");
    let spent = |scene: &mut Scene| scene.status.failures = vec![at(1), at(2)];
    check("until the budget ends", batch(over(), ends(End::Stopped)).with(spent), "failed");
    check("it succeeds at last", batch(over(), ends(End::Succeeded)), "succeeded");
}

#[test]
fn a_stream_that_ran_has_met_its_deadline() {
    let ran = |scene: &mut Scene| {
        scene.job.timeout = Some(Duration::from_secs(60));
        scene.status.attempt.as_mut().unwrap().started = Some(at(1));
    };
    check("it runs", stream(IS_RUNNING, RUNNING).with(ran), "nothing");
}

#[test]
fn a_pause_holds_until_its_time_or_a_request() {
    let pausing = || stream(State::Waiting { not_before: Some(at(500)) }, ends(End::Stopped));
    check("too early", pausing(), "nothing");
    assert_eq!(pausing().decide().wake, Some(at(500)));
    check("in time", pausing().with(|scene| scene.now = 500), "intended 2");
    check("a retry", pausing().with(|scene| scene.goal = scene.goal.retried()), "intended 2");
    check("a change", pausing().with(|scene| scene.goal = scene.goal.replaced()), "intended 2");
    check("a stop", pausing().with(stop), "stopped");
}

#[test]
fn failures_count_from_the_last_request_on() {
    let spent = |scene: &mut Scene| scene.status.failures = vec![at(1), at(2)];
    let replaced = |scene: &mut Scene| scene.goal = scene.goal.replaced();
    let replacing = State::Stopping { then: Then::Replaced };
    let (settled, _) = stream(replacing, ends(End::Stopped)).with(spent).with(replaced).settle();
    assert_eq!(settled.status.attempt_number().0, 2);
    assert!(settled.status.failures.is_empty());
    let (settled, _) = stream(failed(), ends(End::Stopped)).with(spent).with(replaced).settle();
    assert!(settled.status.failures.is_empty());
}

#[test]
fn a_failure_on_record_is_final_however_the_window_slides() {
    let window = |scene: &mut Scene| {
        scene.job.retry.within = Some(Duration::from_secs(10));
        scene.status.failures = vec![at(1), at(2), at(3)];
    };
    check("later", batch(failed(), ends(End::Failed(String::new()))).with(window), "nothing");
}

#[test]
fn a_job_whose_conditions_cannot_be_met_is_skipped_until_they_can() {
    use state::Name as S;
    let up = |edges: &'static [(When, S)]| move |scene: &mut Scene| scene.upstreams = upstreams(edges);
    let new = || scene(Mode::Batch, State::NEW, |_| Sight::Unseen);
    let skipped = || scene(Mode::Batch, State::Skipped { reason: String::new() }, |_| Sight::Unseen);
    check("all met", new().with(up(&[(When::Met, S::Succeeded)])), "intended 1");
    check("one pending", new().with(up(&[(When::Met, S::Succeeded), (When::Met, S::Running)])), "nothing");
    check("one hopeless", new().with(up(&[(When::Met, S::Running), (When::Met, S::Failed)])), "skipped");
    check("still hopeless", skipped().with(up(&[(When::Met, S::Failed)])), "nothing");
    check("pending again", skipped().with(up(&[(When::Met, S::Running)])), "waiting");
    check("met again", skipped().with(up(&[(When::Met, S::Succeeded)])), "intended 1");
}

#[test]
fn an_edge_holds_back_the_first_start_alone() {
    let pending = |scene: &mut Scene| scene.upstreams = upstreams(&[(When::Met, state::Name::Running)]);
    check("the first", scene(Mode::Stream, State::NEW, |_| Sight::Unseen).with(pending), "nothing");
    let later = stream(State::Waiting { not_before: Some(at(50)) }, ends(End::Stopped));
    check("a later one", later.with(pending), "intended 2");
}

#[test]
fn an_edge_holds_back_the_first_start_after_every_return_to_the_project() {
    let mut back = scene(Mode::Stream, State::Stopped, absent);
    back.upstreams = upstreams(&[(When::Met, state::Name::Waiting)]);
    back.goal = Goal::run(Generation(3));
    check("removed, and applied again", back.clone(), "waiting");
    back.goal = Goal { since: Generation(1), ..back.goal };
    check("changed", back, "intended 2");
}

#[test]
fn an_interruption_holds_back_new_attempts_alone() {
    let held = |scene: &mut Scene| scene.hold = Some("the command was interrupted");
    check("a new one", scene(Mode::Stream, State::NEW, |_| Sight::Unseen).with(held), "nothing");
    let waiting = scene(Mode::Stream, State::NEW, |_| Sight::Unseen).with(held).decide().waiting;
    assert_eq!(waiting, [Waiting::Held("the command was interrupted".to_owned())]);
    let intended = scene(Mode::Stream, State::Submitting(Submission::Intended), absent);
    check("one under way", intended.with(held), "! create");
    check("a stop", stream(IS_RUNNING, RUNNING).with(held).with(stop), "stopping to stopped, ! stop");
}

#[test]
fn a_refusal_is_a_failure() {
    let refused = |_: &Job| Sight::Refused { reason: "no such command".to_owned() };
    let intended = || scene(Mode::Batch, State::Submitting(Submission::Intended), refused);
    check("within the budget", intended(), "waiting until 101");
    let spent = |scene: &mut Scene| scene.job.retry.attempts = 0;
    check("without one", intended().with(spent), "failed");
}

#[test]
fn a_stream_whose_job_became_a_batch_is_stopped() {
    let turned = |scene: &mut Scene| {
        scene.goal = scene.goal.replaced();
        scene.turned = true;
    };
    check("it runs", stream(IS_RUNNING, RUNNING).with(turned), "stopping to stopped, ! stop");
    check("it is over", stream(stopping(), ends(End::Stopped)).with(turned), "stopped");
    check("it was over", stream(State::Stopped, ends(End::Stopped)).with(turned), "stopped");
}

#[test]
fn what_is_forgotten_is_left_alone() {
    let forget = |goal: &Goal| goal.with_intent(Intent::Forget);
    for (what, scene) in scenes(Mode::Stream) {
        check(what, scene.with(|scene| scene.goal = forget(&scene.goal)), "nothing");
    }
}

#[test]
fn no_decision_records_and_acts_at_once() {
    for mode in [Mode::Stream, Mode::Batch] {
        for (what, scene) in scenes(mode) {
            let (settled, _) = scene.settle();
            assert!(settled.decide().status.is_none(), "deciding again on unchanged input: {what}");
        }
    }
}
