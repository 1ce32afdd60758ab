//! What can happen to a job instance: the events of the transition table.

use jiff::Timestamp;

use crate::id::Uid;
use crate::state::Then;

/// Something that happened to an instance, seen on its cluster or decided here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A new attempt is intended.
    Submitted,
    /// The attempt's object exists, suspended.
    Created {
        /// What the cluster calls it.
        uid: Uid,
    },
    /// It runs and is well.
    Started {
        /// Since when.
        since: Timestamp,
    },
    /// It runs, and something is wrong.
    Impaired {
        /// What.
        reason: String,
    },
    /// It ended by itself, with success, and that was its goal.
    Succeeded,
    /// It ended without success, or by itself where that was not its goal.
    Failed {
        /// Why.
        reason: String,
    },
    /// It ended because it was stopped.
    Ended,
    /// It is gone, and nobody knows how it ended.
    Lost {
        /// What is known.
        reason: String,
    },
    /// Its cluster does not answer.
    Silent {
        /// What was seen instead of an answer.
        reason: String,
    },
    /// Its cluster answers again.
    Heard,
    /// It is to end.
    StopAsked {
        /// Where it goes then.
        then: Then,
    },
    /// A new attempt follows a failure.
    Retried {
        /// Not before.
        not_before: Timestamp,
    },
    /// It is begun again: on request, or because what held it back is gone.
    Reopened,
    /// An attempt was found that the record did not know: the store went back in time. It counts as intended.
    Recovered,
    /// Its conditions can no longer be met.
    Skipped {
        /// Why.
        reason: String,
    },
}

impl Event {
    /// Its name, as the history shows it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::Created { .. } => "created",
            Self::Started { .. } => "started",
            Self::Impaired { .. } => "impaired",
            Self::Succeeded => "succeeded",
            Self::Failed { .. } => "failed",
            Self::Ended => "ended",
            Self::Lost { .. } => "lost",
            Self::Silent { .. } => "silent",
            Self::Heard => "heard",
            Self::StopAsked { .. } => "stop-asked",
            Self::Retried { .. } => "retried",
            Self::Reopened => "reopened",
            Self::Recovered => "recovered",
            Self::Skipped { .. } => "skipped",
        }
    }
}
