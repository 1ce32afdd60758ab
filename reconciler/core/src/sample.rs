//! Small records for tests, complete and ordinary.

use jiff::{SignedDuration, Timestamp};
use windlass_compiler::model::{Edge, Job, Mode, When};
use windlass_compiler::sample;
use windlass_compiler::units::Duration;

use crate::desired::{Change, Desired, Goal};
use crate::id::{AttemptNumber, ExternalName, Generation, Instance, Uid};
use crate::observed::{Label, Observation, Phase, Sight};
use crate::run::{Bound, Run};
use crate::spec::Spec;
use crate::state::{State, Submission};
use crate::status::{Attempt, Status};

/// So many seconds after the beginning of a test.
pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second)
}

/// A job that may fail twice, and has started once it has run for two seconds.
pub(crate) fn job(id: &str, mode: Mode) -> Job {
    let mut job = sample::job(id, mode);
    sample::process(&mut job).ready = Duration::from_secs(2);
    job.retry.attempts = 2;
    job
}

pub(crate) fn after(mut job: Job, edges: &[(&str, When)]) -> Job {
    let edge = |(id, when): &(&str, When)| Edge { job: id.parse().unwrap(), when: *when };
    job.after = edges.iter().map(edge).collect();
    job
}

pub(crate) fn change(command: &str) -> Change {
    Change {
        author: "ada@host".to_owned(),
        at: at(0),
        command: command.to_owned(),
        apply: None,
        message: None,
    }
}

pub(crate) fn desired(job: Job) -> Desired {
    let goal = Goal::run(Generation(1));
    Desired { spec: Spec::of(&job), root: "/".into(), goal, protected: None, change: change("apply").into() }
}

/// A run at second 0 that holds these jobs.
pub(crate) fn run(jobs: &[Job]) -> Run {
    let bound = |job: &Job| Bound { of: Generation(1), spec: Spec::of(job), goal: Goal::run(Generation(1)) };
    Run {
        id: crate::id::RunId { pipeline: jobs[0].id.pipeline.clone(), time: at(0) },
        root: "/".into(),
        jobs: jobs.iter().map(|job| (job.id.job.clone(), bound(job))).collect(),
        change: change("apply").into(),
        ended: None,
    }
}

pub(crate) fn instance(job: &Job) -> Instance {
    match job.mode {
        Mode::Stream => Instance::stream(job.id.clone()),
        Mode::Batch => Instance::batch(job.id.clone(), at(0)),
    }
}

/// A status that has taken in generation 1, with a first attempt for it unless it is new.
pub(crate) fn status(job: &Job, state: State) -> Status {
    let mut status = Status::new(instance(job));
    status.observed_generation = Generation(1);
    let untouched = matches!(state, State::Waiting { not_before: None } | State::Skipped { .. });
    status.attempt = (!untouched).then(|| attempt(job, 1));
    let intended = matches!(state, State::Submitting(Submission::Intended));
    if let Some(attempt) = status.attempt.as_mut().filter(|_| !intended) {
        attempt.uid = Some(Uid("u1".to_owned()));
    }
    status.state = state;
    status
}

pub(crate) fn attempt(job: &Job, number: u64) -> Attempt {
    Attempt {
        number: AttemptNumber(number),
        generation: Generation(1),
        cluster: job.cluster.clone(),
        name: ExternalName::of(&instance(job), AttemptNumber(number)),
        uid: None,
        submitted: at(0),
        started: None,
        ended: None,
    }
}

pub(crate) fn observation(job: &Job, number: u64, uid: &str, phase: Phase) -> Observation {
    Observation {
        name: ExternalName::of(&instance(job), AttemptNumber(number)),
        uid: Uid(uid.to_owned()),
        label: Label {
            project: "commerce".parse().unwrap(),
            instance: instance(job),
            attempt: AttemptNumber(number),
            generation: Generation(1),
        },
        phase,
    }
}

pub(crate) fn seen(job: &Job, phase: Phase) -> Sight {
    Sight::Seen(observation(job, 1, "u1", phase))
}
