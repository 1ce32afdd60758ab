//! What the history says: one line for each thing that happened, in order.

use serde::{Deserialize, Serialize};

use crate::desired::{Change, Intent};
use crate::id::{ExternalName, Generation};
use crate::status::Transition;

/// A line of history, about the job or instance under whose name it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Note {
    /// An instance went from state to state.
    Transition(Transition),
    /// A user changed what is wanted.
    Command {
        /// Who, when, by which command, and why.
        change: Change,
        /// What is wanted now.
        intent: Intent,
        /// The generation that the command made.
        generation: Generation,
    },
    /// An object without a live record was ended: a late request of an earlier owner, for one.
    Swept {
        /// Its name on its cluster.
        name: ExternalName,
        /// Why.
        reason: String,
    },
    /// The store went back in time: nothing is done on any cluster until the project has recovered.
    Frozen {
        /// What was noticed.
        reason: String,
    },
    /// Somebody has given the desired state anew, from the specs.
    GivenAnew {
        /// Who, when and how.
        change: Change,
    },
    /// The project has recovered, and goes on.
    Thawed,
}

/// What lines about the project as a whole stand under.
pub const PROJECT: &str = "project";
