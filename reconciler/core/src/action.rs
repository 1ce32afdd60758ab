//! Calls to clusters, decided completely: an action leaves its driver no choice.

use windlass_compiler::model::Job;
use windlass_compiler::units::Duration;

use crate::id::{ExternalName, Uid};
use crate::observed::{Label, Observation};

/// One call to one cluster. Every action may be repeated without a second effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Makes the attempt's object, suspended; refused where the name exists.
    Create(Box<Create>),
    /// Lets the object of exactly this uid run.
    Activate {
        /// The attempt's name.
        name: ExternalName,
        /// The recorded uid.
        uid: Uid,
    },
    /// Ends whatever the attempt does, for ever: one that never ran cannot be activated afterwards.
    Stop {
        /// The attempt's name.
        name: ExternalName,
        /// The recorded uid; none where none was recorded, and the name alone decides.
        uid: Option<Uid>,
        /// How long it may take before it is killed.
        grace: Duration,
    },
}

/// What a new object carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Create {
    /// The attempt's name.
    pub name: ExternalName,
    /// What is written on it.
    pub label: Label,
    /// What it runs.
    pub job: Job,
    /// The folder that relative paths in the job are relative to.
    pub root: String,
}

impl Action {
    /// The name of the attempt that it is about.
    pub fn name(&self) -> &ExternalName {
        match self {
            Self::Create(create) => &create.name,
            Self::Activate { name, .. } | Self::Stop { name, .. } => name,
        }
    }

    /// What it does, in one word.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Create(_) => "create",
            Self::Activate { .. } => "activate",
            Self::Stop { .. } => "stop",
        }
    }
}

/// What came of an action. `Unknown` and `Gone` are ordinary outcomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was done, or had been done before; this is the attempt now.
    Done(Observation),
    /// There is no object of that name.
    Gone,
    /// The object of that name is not the one that was meant.
    Foreign(Observation),
    /// The cluster refused, and will refuse again: the job itself is at fault.
    Refused {
        /// Its words.
        reason: String,
    },
    /// Nobody knows whether it was done; the next observation will tell.
    Unknown {
        /// What was seen instead of an answer.
        reason: String,
    },
}
