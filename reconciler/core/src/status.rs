//! What is: the record `status/<instance>`, written by the owner of its shard alone.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use windlass_compiler::name::Name;

use crate::document::Document;
use crate::id::{AttemptNumber, Epoch, ExternalName, Generation, Instance, Sequence, Uid};
use crate::state::{self, State};

/// The status of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The instance.
    pub instance: Instance,
    /// The epoch of the owner that wrote this.
    pub epoch: Epoch,
    /// Where it is.
    pub state: State,
    /// The generation of its goal that this takes into account.
    pub observed_generation: Generation,
    /// The attempt that is under way, or the last one.
    pub attempt: Option<Attempt>,
    /// When attempts failed since the instance was last begun, for the retry budget. The oldest first.
    pub failures: Vec<Timestamp>,
    /// The last transitions, the oldest first: those of the last decision that moved it, and before them the last one
    /// into a failure. The history has them all.
    pub transitions: Vec<Transition>,
}

/// A [`Status`] as its record has it, without the instance's name, which is the record's, and without the attempt's
/// where it follows from that.
#[derive(Debug, Serialize, Deserialize)]
pub struct Stored {
    epoch: Epoch,
    state: State,
    observed_generation: Generation,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attempt: Option<StoredAttempt>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    failures: Vec<Timestamp>,
    transitions: Vec<Step>,
}

/// A transition, without what is as the status says.
#[derive(Debug, Serialize, Deserialize)]
struct Step {
    sequence: Sequence,
    at: Timestamp,
    from: state::Name,
    to: state::Name,
    event: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attempt: Option<AttemptNumber>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    generation: Option<Generation>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    epoch: Option<Epoch>,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredAttempt {
    number: AttemptNumber,
    generation: Generation,
    cluster: Name,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<ExternalName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    uid: Option<Uid>,
    submitted: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    started: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended: Option<Timestamp>,
}

/// One attempt at a goal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// Which one, from 1.
    pub number: AttemptNumber,
    /// The generation of the goal that it was started for.
    pub generation: Generation,
    /// The cluster that it is on.
    pub cluster: Name,
    /// Its name there.
    pub name: ExternalName,
    /// The object's uid, once it is recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<Uid>,
    /// When it was intended.
    pub submitted: Timestamp,
    /// When it started, by its cluster's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// When it ended, by its cluster's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
}

impl Attempt {
    /// One that is intended, and of which nothing is known yet.
    pub fn new(
        number: AttemptNumber,
        generation: Generation,
        cluster: Name,
        name: ExternalName,
        submitted: Timestamp,
    ) -> Self {
        Self { number, generation, cluster, name, uid: None, submitted, started: None, ended: None }
    }
}

/// One step from state to state. Stands once in the history, in order of its sequence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// Which one of this instance, from 1, without gaps.
    pub sequence: Sequence,
    /// When, by the owner's clock.
    pub at: Timestamp,
    /// From where.
    pub from: state::Name,
    /// To where.
    pub to: state::Name,
    /// The event.
    pub event: String,
    /// What there is to say about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The attempt that it belongs to; 0 before the first.
    pub attempt: AttemptNumber,
    /// The generation of the goal at that time.
    pub generation: Generation,
    /// The owner's epoch.
    pub epoch: Epoch,
}

impl Status {
    /// The status of an instance that nothing has happened to yet.
    pub fn new(instance: Instance) -> Self {
        Self {
            instance,
            epoch: Epoch(0),
            state: State::NEW,
            observed_generation: Generation(0),
            attempt: None,
            failures: Vec::new(),
            transitions: Vec::new(),
        }
    }

    /// It, as its record has it.
    pub fn stored(&self) -> Stored {
        Stored {
            epoch: self.epoch,
            state: self.state.clone(),
            observed_generation: self.observed_generation,
            attempt: self.attempt.as_ref().map(|attempt| attempt.stored(&self.instance)),
            failures: self.failures.clone(),
            transitions: self.transitions.iter().map(|step| self.step(step)).collect(),
        }
    }

    /// The status that the record of `instance` holds.
    pub fn read(instance: Instance, stored: Stored) -> Self {
        let mut status = Self {
            epoch: stored.epoch,
            state: stored.state,
            observed_generation: stored.observed_generation,
            attempt: stored.attempt.map(|attempt| attempt.read(&instance)),
            failures: stored.failures,
            transitions: Vec::new(),
            instance,
        };
        let mut transitions: Vec<_> = stored.transitions.into_iter().map(|step| step.read(&status)).collect();
        // There is one for every instance, and most have a single step: room for three more would be most of it.
        transitions.shrink_to_fit();
        status.transitions = transitions;
        status
    }

    fn step(&self, step: &Transition) -> Step {
        let Transition { sequence, at, from, to, event, reason, attempt, generation, epoch } = step.clone();
        Step {
            sequence,
            at,
            from,
            to,
            event,
            reason,
            attempt: (attempt != self.attempt_number()).then_some(attempt),
            generation: (generation != self.observed_generation).then_some(generation),
            epoch: (epoch != self.epoch).then_some(epoch),
        }
    }

    /// The number of the last attempt; 0 before the first.
    pub fn attempt_number(&self) -> AttemptNumber {
        self.attempt.as_ref().map_or(AttemptNumber(0), |attempt| attempt.number)
    }

    /// The sequence of the last transition; 0 before the first.
    pub fn sequence(&self) -> Sequence {
        self.transitions.last().map_or(Sequence(0), |last| last.sequence)
    }

    /// When it came into its state; none before the first transition.
    pub fn since(&self) -> Option<Timestamp> {
        self.transitions.last().map(|last| last.at)
    }
}

impl Attempt {
    fn stored(&self, instance: &Instance) -> StoredAttempt {
        let derived = self.name == ExternalName::of(instance, self.number);
        StoredAttempt {
            number: self.number,
            generation: self.generation,
            cluster: self.cluster.clone(),
            name: (!derived).then(|| self.name.clone()),
            uid: self.uid.clone(),
            submitted: self.submitted,
            started: self.started,
            ended: self.ended,
        }
    }
}

impl Step {
    fn read(self, status: &Status) -> Transition {
        Transition {
            sequence: self.sequence,
            at: self.at,
            from: self.from,
            to: self.to,
            event: self.event,
            reason: self.reason,
            attempt: self.attempt.unwrap_or(status.attempt_number()),
            generation: self.generation.unwrap_or(status.observed_generation),
            epoch: self.epoch.unwrap_or(status.epoch),
        }
    }
}

impl StoredAttempt {
    fn read(self, instance: &Instance) -> Attempt {
        Attempt {
            name: self.name.unwrap_or_else(|| ExternalName::of(instance, self.number)),
            number: self.number,
            generation: self.generation,
            cluster: self.cluster,
            uid: self.uid,
            submitted: self.submitted,
            started: self.started,
            ended: self.ended,
        }
    }
}

impl Document for Stored {
    const KIND: &'static str = "status";
    const FORMAT: u64 = 2;
    const OLDEST: u64 = 2;
    const FIELDS: &'static [&'static str] =
        &["epoch", "state", "observed_generation", "attempt", "failures", "transitions"];
}
