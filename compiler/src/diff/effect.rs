//! What a change does to what runs: the question that an operator of streams asks first.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::model::{Job, Mode};
use crate::spelling;

/// What a change does to what runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Nothing; only the record changes.
    None,
    /// It goes on, with more or fewer workers.
    RescaleInPlace,
    /// It restarts, from a savepoint taken for that.
    RestartFromSavepoint,
    /// It restarts, from the last state that it left.
    RestartFromLastState,
    /// It restarts, with no state that we know of.
    RestartStateless,
    /// It restarts and loses state.
    StateLoss,
    /// What runs ends as it is; the next run is the changed one.
    NextRun,
    /// It starts for the first time.
    Create,
    /// It stops.
    Stop,
    /// It goes on under another name.
    Move,
    /// It stays as it is: no apply does this.
    Refused,
}

impl Effect {
    /// What follows from an update.
    pub(super) fn of_update(before: &Job, after: &Job) -> Self {
        // A stream has one instance and a batch one in each run: neither can go on as the other.
        if before.mode != after.mode {
            return Self::Refused;
        }
        let restarts = Digest::of_runtime(before) != Digest::of_runtime(after);
        match after.mode {
            Mode::Stream if restarts => Self::RestartStateless,
            Mode::Batch if restarts || edges(before) != edges(after) => Self::NextRun,
            Mode::Stream | Mode::Batch => Self::None,
        }
    }

    /// Whether a running job is interrupted.
    pub fn interrupts(self) -> bool {
        match self {
            Self::None | Self::NextRun | Self::Create | Self::Move | Self::Refused => false,
            Self::RescaleInPlace
            | Self::RestartFromSavepoint
            | Self::RestartFromLastState
            | Self::RestartStateless
            | Self::StateLoss
            | Self::Stop => true,
        }
    }
}

/// Edges have no order.
fn edges(job: &Job) -> BTreeSet<(&crate::name::JobId, &'static str)> {
    job.after.iter().map(|edge| (&edge.job, spelling::when(edge.when))).collect()
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::None => "no restart",
            Self::RescaleInPlace => "rescale in place",
            Self::RestartFromSavepoint => "restart from savepoint",
            Self::RestartFromLastState => "restart from last state",
            Self::RestartStateless => "restart stateless",
            Self::StateLoss => "state loss",
            Self::NextRun => "next run",
            Self::Create => "create",
            Self::Stop => "stop",
            Self::Move => "move",
            Self::Refused => "refused",
        })
    }
}
