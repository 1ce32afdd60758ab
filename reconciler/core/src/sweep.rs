//! What is on a cluster and maps to nothing that is under way: late requests of earlier owners.

use windlass_compiler::units::Duration;

use crate::action::Action;
use crate::desired::Intent;
use crate::fleet::Fleet;
use crate::observed::{Observation, Phase};
use crate::state::State;
use crate::status::Status;

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
    if wanted.intent == Intent::Forget || label.attempt > status.attempt_number() {
        return None;
    }
    let reason = if label.attempt < status.attempt_number() {
        format!("attempt {} has taken its place", status.attempt_number())
    } else if status.state.is_live()
        || fleet.is_decided(&label.instance) && may_be_found(status, wanted.intent, observation)
    {
        return None;
    } else {
        format!("its record says {}", status.state.name())
    };
    Some((stop(observation, wanted.spec.terms.grace), reason))
}

/// Whether this is the attempt that was given up as lost, alive after all and still wanted: a decision takes it back.
fn may_be_found(status: &Status, intent: Intent, observation: &Observation) -> bool {
    let uid = status.attempt.as_ref().and_then(|attempt| attempt.uid.as_ref());
    matches!(status.state, State::Lost { .. })
        && intent == Intent::Run
        && observation.phase.is_alive()
        && uid == Some(&observation.uid)
}

fn stop(observation: &Observation, grace: Duration) -> Action {
    Action::Stop { name: observation.name.clone(), uid: Some(observation.uid.clone()), grace }
}

#[cfg(test)]
mod tests {
    use windlass_compiler::model::Mode;

    use super::*;
    use crate::sample::{at, attempt, desired, job, observation, status};
    use crate::state::{Submission, Then};

    /// What is done about an object of `attempt`, with attempt 1 on record as `u1`.
    fn check(what: &str, state: State, intent: Intent, number: u64, uid: &str, phase: Phase, swept: bool) {
        let job = job("orders.ingest", Mode::Stream);
        let mut fleet = Fleet::default();
        let mut desired = desired(job.clone());
        desired.goal = desired.goal.with_intent(intent);
        let mut status = status(&job, state);
        status.attempt.get_or_insert_with(|| attempt(&job, 1));
        fleet.desired.insert(job.id.clone(), desired);
        fleet.statuses.insert(status);
        let found = sweep(&fleet, &observation(&job, number, uid, phase));
        assert_eq!(found.is_some(), swept, "{what}: {found:?}");
        if let Some((Action::Stop { uid: named, .. }, _)) = found {
            assert_eq!(named.unwrap().0, uid, "{what}: exactly what was seen is stopped");
        }
    }

    #[test]
    fn what_no_record_stands_for_is_ended() {
        use Intent::{Forget, Run, Stop};
        let running = || Phase::Running { since: at(0) };
        let lost = || State::Lost { reason: String::new() };
        let stopping = || State::Stopping { then: Then::Stopped };
        let intended = || State::Submitting(Submission::Intended);
        let ended = Phase::Ended { at: at(1), started: None, end: crate::observed::End::Stopped };
        check("a late object of what was stopped", State::Stopped, Stop, 1, "u2", Phase::Suspended, true);
        check("what runs although it was stopped", State::Stopped, Stop, 1, "u1", running(), true);
        check("a pause between attempts", State::NEW, Run, 1, "u1", running(), true);
        check("what has ended", State::Stopped, Stop, 1, "u1", ended, false);
        check("what is recorded", stopping(), Run, 1, "u1", running(), false);
        check("what may be recorded next", intended(), Run, 1, "u1", Phase::Suspended, false);
        check("a later attempt than is known", State::Stopped, Run, 2, "u2", running(), false);
        check("an earlier attempt", State::Running { since: at(0) }, Run, 0, "u0", running(), true);
        check("what was lost and is wanted", lost(), Run, 1, "u1", running(), false);
        check("what was lost and is not wanted", lost(), Stop, 1, "u1", running(), true);
        check("a late object of what was lost", lost(), Run, 1, "u2", Phase::Suspended, true);
        check("what was forgotten", State::Stopped, Forget, 1, "u1", running(), false);
    }

    #[test]
    fn an_object_without_any_record_is_left_alone() {
        let job = job("orders.ingest", Mode::Stream);
        let seen = observation(&job, 1, "u1", Phase::Suspended);
        assert_eq!(sweep(&Fleet::default(), &seen), None);
    }
}
