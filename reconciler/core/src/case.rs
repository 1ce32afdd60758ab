//! Everything that is known of one instance at one moment: what a decision rests on.

use jiff::Timestamp;
use windlass_compiler::model::{Job, Mode};
use windlass_compiler::name::Name;

use crate::desired::{Goal, Intent};
use crate::edge::Upstream;
use crate::id::{Epoch, Instance};
use crate::observed::Sight;
use crate::state::State;
use crate::status::Status;

/// What is known of one instance.
#[derive(Debug, Clone)]
pub struct Case<'a> {
    /// The project.
    pub project: &'a Name,
    /// The instance.
    pub instance: &'a Instance,
    /// What is wanted of it.
    pub goal: &'a Goal,
    /// Its goal's intent, unless its job says otherwise: see [`crate::fleet::Wanted::intent`].
    pub intent: Intent,
    /// The spec that a new attempt runs.
    pub spec: &'a Job,
    /// The folder that relative paths in the spec are relative to.
    pub root: &'a str,
    /// Its recorded status.
    pub status: &'a Status,
    /// What its cluster says of its current attempt.
    pub sight: &'a Sight,
    /// What it waits for, judged by the caller's latest knowledge.
    pub upstreams: &'a [Upstream],
    /// Why no new attempt may start just now, if that is so: an apply that was interrupted, for one.
    pub hold: Option<&'a str>,
}

/// The moment of a decision, and in whose name it is taken.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// The time, by the decider's clock. Compared only with times by the same clock, and with cluster times where
    /// an error moves a pause, never an effect.
    pub now: Timestamp,
    /// The epoch of the decider's lease.
    pub epoch: Epoch,
}

/// Whether a status meets the goal of its mode now: a stream runs, a batch has succeeded. What an *end* means for
/// each mode stands in [`crate::fold`]; nothing else asks for the mode.
pub fn is_met(mode: Mode, status: &Status) -> bool {
    match mode {
        Mode::Stream => matches!(status.state, State::Running { .. }),
        Mode::Batch => matches!(status.state, State::Succeeded),
    }
}

/// Whether a status does not meet the goal of its mode now and may stay so for ever. What is wrong with a batch ends
/// with the batch; a stream has no end of its own.
pub fn is_stuck(mode: Mode, status: &Status) -> bool {
    matches!((mode, &status.state), (Mode::Stream, State::Degraded { .. }))
}

/// Whether nothing was started yet since the job came into the project: edges hold back the first start, and nothing
/// later.
pub fn is_untried(goal: &Goal, status: &Status) -> bool {
    status.attempt.as_ref().is_none_or(|attempt| attempt.generation < goal.since)
}

/// Whether the current attempt has met the goal of its mode at any time.
pub fn has_reached(mode: Mode, status: &Status) -> bool {
    match mode {
        Mode::Stream => status.attempt.as_ref().is_some_and(|attempt| attempt.started.is_some()),
        Mode::Batch => is_met(mode, status),
    }
}
