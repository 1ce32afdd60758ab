//! What goes wrong at one place: with a message, or with an owner between two steps.

use serde::{Deserialize, Serialize};

use crate::sim::place::Place;
use crate::sim::user::Command;

/// Something that goes wrong with one message or step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trouble {
    /// The message does not arrive.
    Lost,
    /// It arrives so many milliseconds late, after what was sent later.
    Late(u64),
    /// It arrives, and once more so many milliseconds later.
    Twice(u64),
    /// What it asks for is done, and answered with an error.
    Error,
    /// What it made is deleted by somebody, and made anew by a late copy of it.
    Anew(u64),
    /// The owner dies; another one rises so many milliseconds later, or the same host does.
    Crash {
        /// The one that rises.
        heir: usize,
        /// When.
        after: u64,
    },
    /// The owner stands still for so many milliseconds.
    Pause(u64),
    /// The owner decides without reading what is new.
    Stale,
    /// A user's command is committed after the owner has read, and before it decides.
    Command(Command),
}

/// What goes wrong, and where.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Strike {
    /// Where.
    pub place: Place,
    /// At which message or step there, from 0.
    pub nth: u64,
    /// What.
    pub trouble: Trouble,
}
