//! The states of a job instance, and the one table of transitions.
//!
//! Live code, recovery and the simulator all go through [`next`]; nothing else makes a state.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::id::Uid;

/// Where an instance is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// No attempt is under way: upstreams, a pause before a new attempt, or its intent hold it.
    Waiting {
        /// No new attempt starts before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        not_before: Option<Timestamp>,
    },
    /// An attempt is intended; its cluster has not yet said that it runs.
    Submitting(Submission),
    /// The cluster says that it runs, and that it is well.
    Running {
        /// Since when, by the cluster's word.
        since: Timestamp,
    },
    /// It runs, and something is wrong with it.
    Degraded {
        /// What.
        reason: String,
    },
    /// It is to end; its cluster has not yet said that it has.
    Stopping {
        /// Where it goes when it has ended.
        then: Then,
    },
    /// It was stopped on request. Final, until it is begun again.
    Stopped,
    /// It does not run, and goes on when it is resumed.
    Suspended,
    /// It ended with success. Final.
    Succeeded,
    /// It ended without success and is not tried again on its own. Final.
    Failed {
        /// Why.
        reason: String,
    },
    /// The cluster is silent; nothing is started and nothing is killed on a guess.
    Unknown {
        /// Why we know nothing.
        reason: String,
        /// The last known state.
        before: Box<State>,
    },
    /// The authority says that the attempt is gone, and nobody knows how it ended.
    Lost {
        /// What is known.
        reason: String,
    },
    /// Its upstreams can no longer meet its conditions. Final, as long as that holds.
    Skipped {
        /// Why.
        reason: String,
    },
}

/// How far a submission is: each step is durable before the call that rests on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Submission {
    /// The attempt's name is recorded; its object may or may not exist.
    Intended,
    /// Its object exists, suspended; this uid, and no other, may be activated.
    Created(Uid),
}

/// Where a stopping instance goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Then {
    /// To [`State::Stopped`].
    Stopped,
    /// To [`State::Suspended`].
    Suspended,
    /// To [`State::Waiting`], for a new attempt: it is being replaced.
    Replaced,
    /// To [`State::Failed`], because of this.
    Failed(String),
}

/// A state without its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the variants are those of State")]
pub enum Name {
    Waiting,
    Submitting,
    Running,
    Degraded,
    Stopping,
    Stopped,
    Suspended,
    Succeeded,
    Failed,
    Unknown,
    Lost,
    Skipped,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Waiting => "waiting",
            Self::Submitting => "submitting",
            Self::Running => "running",
            Self::Degraded => "degraded",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Suspended => "suspended",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Lost => "lost",
            Self::Skipped => "skipped",
        })
    }
}

impl Name {
    /// What a sentence says of an instance in this state: `orders.settle has failed`.
    pub fn predicate(self) -> &'static str {
        match self {
            Self::Waiting => "is waiting",
            Self::Submitting => "is being submitted",
            Self::Running => "is running",
            Self::Degraded => "is degraded",
            Self::Stopping => "is stopping",
            Self::Stopped => "was stopped",
            Self::Suspended => "is suspended",
            Self::Succeeded => "has succeeded",
            Self::Failed => "has failed",
            Self::Unknown => "is out of sight",
            Self::Lost => "is lost",
            Self::Skipped => "was skipped",
        }
    }
}

impl State {
    /// The state of an instance that nothing has happened to yet.
    pub const NEW: Self = Self::Waiting { not_before: None };

    /// Its name.
    pub fn name(&self) -> Name {
        match self {
            Self::Waiting { .. } => Name::Waiting,
            Self::Submitting(_) => Name::Submitting,
            Self::Running { .. } => Name::Running,
            Self::Degraded { .. } => Name::Degraded,
            Self::Stopping { .. } => Name::Stopping,
            Self::Stopped => Name::Stopped,
            Self::Suspended => Name::Suspended,
            Self::Succeeded => Name::Succeeded,
            Self::Failed { .. } => Name::Failed,
            Self::Unknown { .. } => Name::Unknown,
            Self::Lost { .. } => Name::Lost,
            Self::Skipped { .. } => Name::Skipped,
        }
    }

    /// Why it is so, where the state has a reason.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Degraded { reason }
            | Self::Failed { reason }
            | Self::Unknown { reason, .. }
            | Self::Lost { reason }
            | Self::Skipped { reason } => Some(reason),
            Self::Stopping { then: Then::Failed(reason) } => Some(reason),
            _ => None,
        }
    }

    /// Whether an attempt may be alive on its cluster.
    pub fn is_live(&self) -> bool {
        match self {
            Self::Submitting(_) | Self::Running { .. } | Self::Degraded { .. } | Self::Stopping { .. } => {
                true
            }
            Self::Unknown { before, .. } => before.is_live(),
            _ => false,
        }
    }

    /// Whether it is on its way from one state to another: being started, or being stopped.
    pub fn is_between(&self) -> bool {
        matches!(self, Self::Submitting(_) | Self::Stopping { .. })
    }

    /// Whether it stays so until somebody asks for something.
    pub fn is_final(&self) -> bool {
        matches!(
            self,
            Self::Stopped
                | Self::Suspended
                | Self::Succeeded
                | Self::Failed { .. }
                | Self::Lost { .. }
                | Self::Skipped { .. }
        )
    }
}

/// An event that a state has no answer to: a defect, reported and never acted upon.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{event} does not apply to {state}")]
pub struct IllegalEvent {
    /// The state.
    pub state: Name,
    /// The event.
    pub event: &'static str,
}

/// The state that follows `state` upon `event`: the one transition table.
pub fn next(state: &State, event: &Event) -> Result<State, IllegalEvent> {
    use State as S;
    Ok(match (state, event) {
        (S::Waiting { .. }, Event::Submitted) => S::Submitting(Submission::Intended),
        (S::Waiting { .. }, Event::Skipped { reason }) => S::Skipped { reason: reason.clone() },
        (
            S::Skipped { .. } | S::Stopped | S::Suspended | S::Succeeded | S::Failed { .. } | S::Lost { .. },
            Event::Reopened,
        ) => S::NEW,
        (S::Failed { .. } | S::Lost { .. }, Event::Retried { not_before }) => {
            S::Waiting { not_before: Some(*not_before) }
        }

        (S::Submitting(Submission::Intended), Event::Created { uid }) => {
            S::Submitting(Submission::Created(uid.clone()))
        }
        (S::Submitting(_) | S::Degraded { .. } | S::Lost { .. }, Event::Started { since }) => {
            S::Running { since: *since }
        }
        (S::Submitting(_) | S::Running { .. } | S::Degraded { .. }, Event::Impaired { reason }) => {
            S::Degraded { reason: reason.clone() }
        }
        (S::Submitting(_) | S::Running { .. } | S::Degraded { .. } | S::Lost { .. }, Event::Succeeded) => {
            S::Succeeded
        }
        (
            S::Submitting(_) | S::Running { .. } | S::Degraded { .. } | S::Lost { .. },
            Event::Failed { reason },
        ) => S::Failed { reason: reason.clone() },
        (S::Submitting(_) | S::Running { .. } | S::Degraded { .. }, Event::Lost { reason }) => {
            S::Lost { reason: reason.clone() }
        }

        // A stop of what has no attempt ends at once. What has failed or is lost stays so: a stop that claimed to
        // have ended it would claim to know that nothing of it is alive.
        (S::Waiting { .. } | S::Suspended, Event::StopAsked { then: Then::Stopped }) => S::Stopped,
        (S::Waiting { .. } | S::Stopped, Event::StopAsked { then: Then::Suspended }) => S::Suspended,
        // A later request changes where a stopping instance goes.
        (
            S::Submitting(_) | S::Running { .. } | S::Degraded { .. } | S::Stopping { .. },
            Event::StopAsked { then },
        ) => S::Stopping { then: then.clone() },
        // However it ended, the stop is over: nothing of the attempt is alive. A batch that won the race
        // against its stop has succeeded all the same.
        (S::Stopping { .. }, Event::Succeeded) => S::Succeeded,
        (S::Stopping { then }, Event::Failed { .. } | Event::Lost { .. } | Event::Ended) => match then {
            Then::Stopped => S::Stopped,
            Then::Suspended => S::Suspended,
            Then::Replaced => S::NEW,
            Then::Failed(reason) => S::Failed { reason: reason.clone() },
        },

        // A store that went back in time knows less than the clusters: what is found there counts, whatever it says.
        (_, Event::Recovered) => S::Submitting(Submission::Intended),
        // An instance that nobody has seen may all the same have run, in what such a store has forgotten.
        (S::Waiting { .. }, Event::Lost { reason }) => S::Lost { reason: reason.clone() },

        (S::Unknown { before, .. }, Event::Silent { reason }) => {
            S::Unknown { reason: reason.clone(), before: before.clone() }
        }
        (S::Unknown { before, .. }, Event::Heard) => (**before).clone(),
        // What is wanted may change while a cluster is silent; what is done waits until it speaks.
        (S::Unknown { before, reason }, event @ Event::StopAsked { .. }) => {
            S::Unknown { reason: reason.clone(), before: Box::new(next(before, event)?) }
        }
        (
            S::Submitting(_) | S::Running { .. } | S::Degraded { .. } | S::Stopping { .. },
            Event::Silent { reason },
        ) => S::Unknown { reason: reason.clone(), before: Box::new(state.clone()) },

        _ => return Err(IllegalEvent { state: state.name(), event: event.name() }),
    })
}

#[cfg(test)]
mod tests;
