//! What is on a cluster and maps to nothing that is under way: late requests of earlier owners.

use windlass_compiler::model::Engine;
use windlass_compiler::units::Duration;

use crate::action::Action;
use crate::desired::Intent;
use crate::fleet::Fleet;
use crate::observed::{Observation, Phase};

/// What is to be done about an object that its record no longer stands for, and why; none if it is as it should be.
///
/// An object of a later attempt than the record knows is left alone: then the record is the one that is behind.
pub fn sweep(fleet: &Fleet, observation: &Observation) -> Option<(Action, String)> {
    if !observation.phase.is_alive() && observation.phase != Phase::Suspended {
        return None;
    }
    let label = &observation.label;
    let status = fleet.statuses.get(&label.instance)?;
    let wanted = fleet.wanted(&label.instance)?;
    if wanted.goal.intent == Intent::Forget || label.attempt > status.attempt_number() {
        return None;
    }
    let reason = if label.attempt < status.attempt_number() {
        format!("attempt {} has taken its place", status.attempt_number())
    } else if status.state.is_live() || status.state.name() == crate::state::Name::Lost {
        return None;
    } else {
        format!("its record says {}", status.state.name())
    };
    let Engine::Process(process) = &wanted.spec.engine;
    Some((stop(observation, process.grace), reason))
}

fn stop(observation: &Observation, grace: Duration) -> Action {
    Action::Stop { name: observation.name.clone(), uid: Some(observation.uid.clone()), grace }
}
