//! One owner of a small world: what it has read and seen.
//!
//! Nothing that happens elsewhere changes what it knows. So it makes no difference whether time passes between its
//! decision and the arrival of what it sends, or before the decision: a decision and the call or write that follows are
//! one move, unless the sender does not wait for the answer.

use std::hash::{Hash, Hasher};
use std::rc::Rc;

use crate::desired::Goal;
use crate::id::ExternalName;
use crate::observed::{End, Observation, Phase, Sight};
use crate::sights::Sights;
use crate::sim::cluster::Call;
use crate::state::{State, Submission, Then};
use crate::status::Status;

/// An owner.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) is_up: bool,
    pub(super) epoch: u64,
    pub(super) goal: Rc<Goal>,
    pub(super) status: Rc<Status>,
    /// The version of the status that it has read.
    pub(super) version: u32,
    pub(super) sights: Sights<u8>,
}

/// A write of the status.
#[derive(Debug, Clone)]
pub(super) struct Write {
    pub(super) status: Rc<Status>,
    pub(super) expect: u32,
    pub(super) epoch: u64,
}

impl Member {
    /// All that its decisions depend on, as far as two of them could differ.
    pub(super) fn fingerprint(&self, current: u32, into: &mut impl Hasher) {
        (self.is_up, self.epoch, self.version == current).hash(into);
        if !self.is_up {
            return;
        }
        (self.goal.generation, self.goal.intent).hash(into);
        status(&self.status, into);
        for seen in self.sights.observations() {
            observation(seen, into);
        }
        if let Some(attempt) = &self.status.attempt {
            sight(self.sights.of(&attempt.name), into);
        }
    }
}

impl Write {
    /// One that expects another version will never be accepted, whatever it says.
    pub(super) fn fingerprint(&self, current: u32, into: &mut impl Hasher) {
        (self.expect == current).hash(into);
        if self.expect == current {
            self.epoch.hash(into);
            status(&self.status, into);
        }
    }
}

/// What of a status a decision depends on: not its history.
pub(super) fn status(status: &Status, into: &mut impl Hasher) {
    state(&status.state, into);
    (status.observed_generation, status.failures.len()).hash(into);
    if let Some(attempt) = &status.attempt {
        (attempt.number, attempt.generation, &attempt.uid, attempt.started.is_some()).hash(into);
    }
}

fn state(state: &State, into: &mut impl Hasher) {
    state.name().hash(into);
    match state {
        State::Submitting(Submission::Created(uid)) => uid.hash(into),
        State::Stopping { then } => then_hash(then, into),
        State::Unknown { before, .. } => self::state(before, into),
        _ => {}
    }
}

fn then_hash(then: &Then, into: &mut impl Hasher) {
    std::mem::discriminant(then).hash(into);
}

fn sight(sight: &Sight, into: &mut impl Hasher) {
    std::mem::discriminant(sight).hash(into);
    match sight {
        Sight::Seen(seen) => observation(seen, into),
        // More than enough is enough.
        Sight::Absent { times } => (*times).min(crate::fold::ABSENCES).hash(into),
        Sight::Unseen | Sight::Refused { .. } | Sight::Silent { .. } => {}
    }
}

pub(super) fn observation(seen: &Observation, into: &mut impl Hasher) {
    name(&seen.name, into);
    (&seen.uid, seen.label.attempt, seen.label.generation).hash(into);
    std::mem::discriminant(&seen.phase).hash(into);
    if let Phase::Ended { end, .. } = &seen.phase {
        match end {
            End::Succeeded => 0_u8,
            End::Failed(_) => 1,
            End::Stopped => 2,
        }
        .hash(into);
    }
}

pub(super) fn call(call: &Call, into: &mut impl Hasher) {
    use crate::action::Action;
    call.action.verb().hash(into);
    name(call.action.name(), into);
    match &call.action {
        Action::Create(create) => create.label.generation.hash(into),
        Action::Activate { uid, .. } => uid.hash(into),
        Action::Stop { uid, .. } => uid.hash(into),
    }
}

fn name(name: &ExternalName, into: &mut impl Hasher) {
    name.as_str().hash(into);
}
