//! Hand-made records for tests of what commands say about them.

use indexmap::IndexMap;
use jiff::Timestamp;
use windlass_compiler::model::{Cluster, Edge, Job, Mode, When};
use windlass_compiler::name::JobId;
use windlass_compiler::sample;
use windlass_compiler::units::Duration;
use windlass_core::desired::{Change, Desired, Goal, Intent};
use windlass_core::fleet::Fleet;
use windlass_core::history::Note;
use windlass_core::id::{AttemptNumber, Epoch, ExternalName, Generation, Instance, RunId, Sequence};
use windlass_core::project::Project;
use windlass_core::run::{Bound, Run};
use windlass_core::spec::Spec;
use windlass_core::state::{Name, State};
use windlass_core::status::{Attempt, Status, Transition};

use crate::store::{Entry, Line};

/// A fleet in the making.
#[derive(Default)]
pub struct Sample {
    /// It, so far.
    pub fleet: Fleet,
}

/// A time of the day on which all samples play.
pub fn at(clock: &str) -> Timestamp {
    format!("2026-11-22T{clock}Z").parse().unwrap()
}

/// A change by Ann at two o'clock.
pub fn change(command: &str, message: Option<&str>) -> Change {
    Change {
        author: "ann@desk".to_owned(),
        at: at("02:00:00"),
        command: command.to_owned(),
        apply: None,
        message: message.map(str::to_owned),
    }
}

/// A job that may fail twice in ten minutes.
fn job(id: &JobId, mode: Mode) -> Job {
    let mut job = sample::job(&id.to_string(), mode);
    job.retry.attempts = 2;
    job.retry.within = Some(Duration::from_secs(600));
    job.origin = None;
    job
}

/// A line of history.
pub fn line(position: u64, subject: &str, clock: &str, note: &Note) -> Line {
    let text = serde_json::to_string(note).unwrap();
    let at = at(clock).as_millisecond();
    let entry = Entry { subject: subject.to_owned(), sequence: Some(position), at, text };
    Line { position, entry }
}

/// A transition, at seven seconds past two.
pub fn step(from: Name, to: Name, attempt: u64, reason: Option<&str>) -> Note {
    Note::Transition(Transition {
        sequence: Sequence(1),
        at: at("02:00:07"),
        from,
        to,
        event: "happened".into(),
        reason: reason.map(str::to_owned),
        attempt: AttemptNumber(attempt),
        generation: Generation(1),
        epoch: Epoch(1),
    })
}

/// A command by Ann.
pub fn asked(command: &str, intent: Intent, message: Option<&str>) -> Note {
    Note::Command { change: change(command, message), intent, generation: Generation(2) }
}

impl Sample {
    /// The project's record.
    pub fn project(mut self) -> Self {
        self.fleet.project = Some(Project {
            name: "shop".parse().unwrap(),
            environment: Some("prod".parse().unwrap()),
            clusters: IndexMap::from([("laptop".parse().unwrap(), Cluster::Local)]),
            change: change("apply", None),
        });
        self
    }

    /// A stream that is to run.
    pub fn stream(mut self, id: &str) -> Self {
        let desired = desired(&id.parse().unwrap(), Mode::Stream);
        self.fleet.desired.insert(desired.job().clone(), desired);
        self
    }

    /// A batch, bound to the run of its pipeline at `time`.
    pub fn batch(mut self, id: &str, time: &str) -> Self {
        let id: JobId = id.parse().unwrap();
        let desired = desired(&id, Mode::Batch);
        let run: RunId = format!("{}@{time}", id.pipeline).parse().unwrap();
        let bound = Bound { of: Generation(1), spec: desired.spec.clone(), goal: Goal::run(Generation(1)) };
        let root = "/shop".into();
        let fresh = || Run {
            id: run.clone(),
            root,
            jobs: IndexMap::new(),
            change: change("apply", None).into(),
            ended: None,
        };
        self.fleet.runs.entry(run.clone()).or_insert_with(fresh).jobs.insert(id.job.clone(), bound);
        self.fleet.desired.entry(id).or_insert(desired);
        self
    }

    /// An edge from `upstream` to `job`.
    pub fn after(mut self, job: &str, upstream: &str, when: When) -> Self {
        let edge = Edge { job: upstream.parse().unwrap(), when };
        let job: JobId = job.parse().unwrap();
        for run in self.fleet.runs.values_mut() {
            for bound in run.jobs.values_mut().filter(|bound| bound.spec.id == job) {
                bound.spec = waiting(&bound.spec, &edge);
            }
        }
        let desired = self.fleet.desired.get_mut(&job).unwrap();
        desired.spec = waiting(&desired.spec, &edge);
        self
    }

    /// What is wanted of a job and of its instances: the second generation.
    pub fn intent(mut self, job: &str, intent: Intent) -> Self {
        let job: JobId = job.parse().unwrap();
        for bound in self.fleet.runs.values_mut().flat_map(|run| run.jobs.values_mut()) {
            if bound.spec.id == job {
                bound.goal = bound.goal.with_intent(intent);
            }
        }
        let desired = self.fleet.desired.get_mut(&job).unwrap();
        desired.goal = desired.goal.with_intent(intent);
        self
    }

    /// An instance went to `state` at `clock`, in attempt `number`; it has taken in what is wanted.
    pub fn state(mut self, instance: &str, clock: &str, state: State, number: u64) -> Self {
        let instance: Instance = instance.parse().unwrap();
        let generation = self.fleet.wanted(&instance).map_or(Generation(1), |wanted| wanted.goal.generation);
        let known = self.fleet.statuses.remove(&instance);
        let mut status = known.unwrap_or_else(|| Status::new(instance.clone()));
        if number > 0 && status.attempt_number().0 != number {
            status.attempt = Some(attempt(&instance, number, at(clock)));
        }
        let step = Transition {
            sequence: status.sequence().next(),
            at: at(clock),
            from: status.state.name(),
            to: state.name(),
            event: "happened".into(),
            reason: state.reason().map(str::to_owned),
            attempt: AttemptNumber(number),
            generation,
            epoch: Epoch(1),
        };
        if matches!(state.name(), Name::Failed | Name::Lost) {
            status.failures.push(at(clock));
        }
        status.transitions.push(step);
        status.observed_generation = generation;
        status.state = state;
        debug_assert!(status.sequence() > Sequence(0));
        self.fleet.statuses.insert(status);
        self
    }

    /// An instance runs, since `clock`.
    pub fn running(self, instance: &str, clock: &str) -> Self {
        self.state(instance, clock, State::Running { since: at(clock) }, 1)
    }

    /// An instance failed at `clock`.
    pub fn failed(self, instance: &str, clock: &str, number: u64) -> Self {
        self.state(instance, clock, State::Failed { reason: "exit status 3".to_owned() }, number)
    }
}

/// The same spec with one more edge.
fn waiting(spec: &Spec, edge: &Edge) -> Spec {
    let mut job = spec.job();
    job.after.push(edge.clone());
    Spec::of(&job)
}

fn desired(id: &JobId, mode: Mode) -> Desired {
    Desired {
        spec: Spec::of(&job(id, mode)),
        root: "/shop".into(),
        goal: Goal::run(Generation(1)),
        protected: None,
        change: change("apply", None).into(),
    }
}

fn attempt(instance: &Instance, number: u64, submitted: Timestamp) -> Attempt {
    Attempt {
        number: AttemptNumber(number),
        generation: Generation(1),
        cluster: "laptop".parse().unwrap(),
        name: ExternalName::of(instance, AttemptNumber(number)),
        uid: None,
        submitted,
        started: Some(submitted),
        ended: None,
    }
}
