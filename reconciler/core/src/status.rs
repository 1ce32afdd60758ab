//! What is: the record `status/<instance>`, written by the owner of its shard alone.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::document::Document;
use crate::id::{AttemptNumber, Epoch, ExternalName, Generation, Instance, Sequence, Uid};
use crate::state::{self, State};

/// How many transitions stay in the record; the history has them all.
pub const TAIL: usize = 8;

/// The status of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<Attempt>,
    /// When attempts failed since the instance was last begun, for the retry budget. The oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<Timestamp>,
    /// The last transitions, the oldest first; at most [`TAIL`].
    pub transitions: Vec<Transition>,
}

/// One attempt at a goal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Which one, from 1.
    pub number: AttemptNumber,
    /// The generation of the goal that it was started for.
    pub generation: Generation,
    /// The cluster that it is on.
    pub cluster: windlass_compiler::name::Name,
    /// Its name there.
    pub name: ExternalName,
    /// The object's uid, once it is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<Uid>,
    /// When it was intended.
    pub submitted: Timestamp,
    /// When it started, by its cluster's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// When it ended, by its cluster's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
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

impl Document for Status {
    const KIND: &'static str = "status";
    const FORMAT: u64 = 1;
    const FIELDS: &'static [&'static str] =
        &["instance", "epoch", "state", "observed_generation", "attempt", "failures", "transitions"];
}
