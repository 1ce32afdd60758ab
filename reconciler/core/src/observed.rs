//! What clusters say, in words that no cluster owns.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{AttemptNumber, ExternalName, Generation, Instance, Uid};

/// One attempt as its cluster shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// Its name on the cluster.
    pub name: ExternalName,
    /// The object's uid.
    pub uid: Uid,
    /// What we wrote on the object when we made it.
    pub label: Label,
    /// What it does.
    pub phase: Phase,
}

/// What we write on every object that we make: enough to find its record from the cluster alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// The project.
    pub project: windlass_compiler::name::Name,
    /// The instance.
    pub instance: Instance,
    /// The attempt.
    pub attempt: AttemptNumber,
    /// The generation of the goal that it was made for.
    pub generation: Generation,
}

/// What an attempt does, by its cluster's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// It exists and waits to be activated.
    Suspended,
    /// It was activated and does not run yet.
    Starting,
    /// It runs.
    Running {
        /// Since when.
        since: Timestamp,
    },
    /// It runs, and something is wrong.
    Impaired {
        /// What.
        reason: String,
    },
    /// It ended, and nothing of it is alive.
    Ended {
        /// When.
        at: Timestamp,
        /// When it had started, if it had.
        started: Option<Timestamp>,
        /// How.
        end: End,
    },
    /// It is gone without a word, and nothing of it is alive: the authority is sure, and knows no more.
    Vanished {
        /// What is known.
        reason: String,
    },
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// With success.
    Succeeded,
    /// Without: an exit status, a signal, a command that could not be run.
    Failed(String),
    /// Because it was asked to stop, before or while it ran.
    Stopped,
}

impl Phase {
    /// Whether something of the attempt may be alive.
    pub fn is_alive(&self) -> bool {
        matches!(self, Self::Starting | Self::Running { .. } | Self::Impaired { .. })
    }

    /// Whether it has ended, with or without a word.
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Ended { .. } | Self::Vanished { .. })
    }
}

/// What is known of the current attempt at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// Nothing was asked yet: neither presence nor absence.
    Unseen,
    /// The cluster showed it.
    Seen(Observation),
    /// The cluster answered, and it was not there: so many good answers in a row to questions that were asked when it was
    /// known to be made.
    Absent {
        /// How many.
        times: u32,
    },
    /// The cluster refused to make it, and will refuse again.
    Refused {
        /// Its words.
        reason: String,
    },
    /// The cluster has not answered.
    Silent {
        /// Since when, by our clock.
        since: Timestamp,
        /// What was seen instead of an answer.
        reason: String,
    },
}
