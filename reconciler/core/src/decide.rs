//! The decision: what to record, what to do, what is waited for, and when to look again.
//!
//! The answer is either a change of the record or an action, never both: an action rests on what is durable, so
//! its intent is recorded first by construction. Deciding again on unchanged input yields the same; deciding on
//! what a decision has led to yields, in the end, nothing.

use jiff::Timestamp;
use windlass_compiler::model::Mode;

use crate::action::{Action, Create};
use crate::case::{Case, Moment, has_reached, is_untried};
use crate::desired::Intent;
use crate::draft::Draft;
use crate::edge::{Permit, Upstream, describe, permit};
use crate::event::Event;
use crate::fault::{Rule, is_off};
use crate::fold::fold;
use crate::id::{ExternalName, Generation};
use crate::observed::{Label, Phase, Sight};
use crate::retry;
use crate::state::{IllegalEvent, State, Submission, Then};
use crate::status::{Attempt, Status};

/// What is decided of one instance. Dry runs, logs, `why` and the simulator show this value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decision {
    /// The status to record, if it changes.
    pub status: Option<Box<Status>>,
    /// The call to make, if nothing is to be recorded first.
    pub action: Option<Action>,
    /// Why nothing more happens now.
    pub waiting: Vec<Waiting>,
    /// When time alone will change the answer.
    pub wake: Option<Timestamp>,
}

/// One reason to wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waiting {
    /// An upstream does not let it start yet.
    Upstream(Upstream),
    /// A pause after a failure.
    Until(Timestamp),
    /// New attempts are held back.
    Held(String),
    /// Its cluster is to answer.
    Cluster(String),
}

/// Decides one instance.
pub fn decide(case: &Case<'_>, moment: Moment) -> Result<Decision, IllegalEvent> {
    let mut decision = Decision::default();
    if case.intent == Intent::Forget {
        return Ok(decision);
    }
    let mut draft = Draft::new(case.status, case.goal.generation, moment);
    let look_again = fold(&mut draft, case.instance, case.spec, case.sight)?;
    decision.wake_at(look_again);
    try_again(&mut draft, case)?;
    direct(&mut draft, case, &mut decision)?;
    take_in(&mut draft, case.goal.generation);
    if !draft.is_changed() || is_off(Rule::IntentFirst) {
        decision.action = act(draft.status(), case, &mut decision.waiting);
    }
    decision.status = draft.into_changed().map(Box::new);
    Ok(decision)
}

impl Decision {
    /// Whether there is nothing to record and nothing to do.
    pub fn is_nothing(&self) -> bool {
        self.status.is_none() && self.action.is_none()
    }

    fn wake_at(&mut self, at: Option<Timestamp>) {
        self.wake = match (self.wake, at) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
}

/// Lets a new attempt follow a failure that was folded just now. A failure that is already recorded is final:
/// a retry window that slides on does not wake it up.
fn try_again(draft: &mut Draft<'_>, case: &Case<'_>) -> Result<(), IllegalEvent> {
    let fresh = draft.is_changed() && case.intent == Intent::Run;
    if !fresh || !matches!(draft.state(), State::Failed { .. } | State::Lost { .. }) {
        return Ok(());
    }
    match retry::after(&case.spec.terms.retry, draft.state(), &draft.status().failures) {
        Some(not_before) => draft.happen(&Event::Retried { not_before }),
        None => Ok(()),
    }
}

/// Brings the state towards what is wanted.
fn direct(draft: &mut Draft<'_>, case: &Case<'_>, decision: &mut Decision) -> Result<(), IllegalEvent> {
    match case.intent {
        Intent::Forget => Ok(()),
        Intent::Stop | Intent::Remove => stop(draft, Then::Stopped),
        Intent::Suspend => stop(draft, Then::Suspended),
        Intent::Run => run(draft, case, decision),
    }
}

/// Asks for an end, unless it was asked for already or has come.
fn stop(draft: &mut Draft<'_>, then: Then) -> Result<(), IllegalEvent> {
    let state = match draft.state() {
        State::Unknown { before, .. } => before,
        state => state,
    };
    let wanted = match state {
        State::Stopping { then: asked } => *asked != then,
        State::Suspended => then == Then::Stopped,
        State::Stopped => then == Then::Suspended,
        State::Submitting(_) if is_off(Rule::LastIntentWins) => false,
        state => state.is_live() || matches!(state, State::Waiting { .. }),
    };
    if wanted { draft.happen(&Event::StopAsked { then }) } else { Ok(()) }
}

/// Brings the state towards running.
fn run(draft: &mut Draft<'_>, case: &Case<'_>, decision: &mut Decision) -> Result<(), IllegalEvent> {
    if is_to_begin_again(draft.status(), case) {
        draft.happen(&Event::Reopened)?;
        draft.edit().failures.clear();
    }
    match draft.state() {
        State::Waiting { .. } => start(draft, case, decision),
        State::Unknown { .. } => Ok(()),
        State::Stopping { then: Then::Stopped | Then::Suspended } => stop(draft, Then::Replaced),
        State::Submitting(_) | State::Running { .. } | State::Degraded { .. } => {
            if is_out_of_date(draft.status(), case.goal.replace) {
                return stop(draft, Then::Replaced);
            }
            limit(draft, case, decision)
        }
        _ => Ok(()),
    }
}

/// Whether what has ended is begun again: somebody asked, or what held it back is gone.
fn is_to_begin_again(status: &Status, case: &Case<'_>) -> bool {
    match status.state {
        State::Stopped | State::Suspended => true,
        State::Succeeded => is_out_of_date(status, case.goal.replace),
        State::Failed { .. } | State::Lost { .. } => {
            let is_asked = status.observed_generation < case.goal.retry;
            // Found by a recovery, and of no generation that is known: what is wanted now was never tried.
            let is_untold =
                status.attempt.as_ref().is_some_and(|attempt| attempt.generation == Generation(0));
            is_asked || (is_untold && case.spec.mode == Mode::Stream)
        }
        State::Skipped { .. } => !case.upstreams.iter().any(|upstream| permit(upstream) == Permit::Denied),
        _ => false,
    }
}

/// Whether the attempt was started for a generation below this one.
fn is_out_of_date(status: &Status, generation: Generation) -> bool {
    status.attempt.as_ref().is_some_and(|attempt| attempt.generation < generation)
}

/// Starts an attempt, or says what it waits for.
fn start(draft: &mut Draft<'_>, case: &Case<'_>, decision: &mut Decision) -> Result<(), IllegalEvent> {
    if is_untried(case.goal, draft.status()) {
        for upstream in case.upstreams {
            match permit(upstream) {
                Permit::Given => {}
                Permit::Awaited => decision.waiting.push(Waiting::Upstream(upstream.clone())),
                Permit::Denied => return draft.happen(&Event::Skipped { reason: describe(upstream) }),
            }
        }
    }
    // A pause is for what has failed; what was asked for since then does not inherit it.
    if let State::Waiting { not_before: Some(until) } = *draft.state()
        && draft.now() < until
        && !is_out_of_date(draft.status(), case.goal.retry)
    {
        decision.waiting.push(Waiting::Until(until));
        decision.wake_at(Some(until));
    }
    if let Some(reason) = case.hold {
        decision.waiting.push(Waiting::Held(reason.to_owned()));
    }
    if decision.waiting.is_empty() { submit(draft, case) } else { Ok(()) }
}

/// Records the intent of a new attempt: its number, and with it its name.
fn submit(draft: &mut Draft<'_>, case: &Case<'_>) -> Result<(), IllegalEvent> {
    let number = draft.status().attempt_number().next();
    let now = draft.now();
    if is_out_of_date(draft.status(), case.goal.retry) {
        draft.edit().failures.clear();
    }
    draft.edit().attempt = Some(Attempt {
        number,
        generation: case.goal.generation,
        cluster: case.spec.cluster.clone(),
        name: ExternalName::of(case.instance, number),
        uid: None,
        submitted: now,
        started: None,
        ended: None,
    });
    draft.happen(&Event::Submitted)
}

/// Ends an attempt that takes longer to its goal than its spec allows.
fn limit(draft: &mut Draft<'_>, case: &Case<'_>, decision: &mut Decision) -> Result<(), IllegalEvent> {
    let (Some(timeout), Some(attempt)) = (case.spec.terms.timeout, &draft.status().attempt) else {
        return Ok(());
    };
    if has_reached(case.spec.mode, draft.status()) {
        return Ok(());
    }
    let until = retry::later(attempt.submitted, timeout);
    if draft.now() < until {
        decision.wake_at(Some(until));
        return Ok(());
    }
    stop(draft, Then::Failed(format!("it did not reach its goal within its timeout of {timeout}")))
}

/// Notes the goal's generation, unless the state cannot answer to it yet: then it must be looked at again.
fn take_in(draft: &mut Draft<'_>, generation: Generation) {
    let open = matches!(draft.state(), State::Unknown { .. } | State::Stopping { then: Then::Failed(_) });
    if !open {
        draft.observe(generation);
    }
}

/// The call that brings the attempt on, resting on what is recorded.
fn act(status: &Status, case: &Case<'_>, waiting: &mut Vec<Waiting>) -> Option<Action> {
    let attempt = status.attempt.as_ref()?;
    let name = || attempt.name.clone();
    match (&status.state, case.sight) {
        (State::Submitting(Submission::Intended), Sight::Absent { .. }) => {
            Some(Action::Create(Box::new(Create {
                name: name(),
                label: Label {
                    project: case.project.clone(),
                    instance: case.instance.clone(),
                    attempt: attempt.number,
                    generation: attempt.generation,
                },
                job: case.spec.job(),
                root: case.root.to_owned(),
            })))
        }
        (State::Submitting(Submission::Created(uid)), Sight::Seen(seen))
            if seen.phase == Phase::Suspended =>
        {
            let uid = if is_off(Rule::RecordedUid) { seen.uid.clone() } else { uid.clone() };
            Some(Action::Activate { name: name(), uid })
        }
        (State::Stopping { .. }, Sight::Seen(seen))
            if seen.phase.is_alive() || seen.phase == Phase::Suspended =>
        {
            Some(Action::Stop { name: name(), uid: attempt.uid.clone(), grace: case.spec.terms.grace })
        }
        (State::Unknown { reason, .. }, _) => {
            waiting.push(Waiting::Cluster(reason.clone()));
            None
        }
        (State::Submitting(_) | State::Stopping { .. }, sight) => {
            waiting.push(Waiting::Cluster(match sight {
                Sight::Silent { reason, .. } => reason.clone(),
                _ => "its cluster has been asked".to_owned(),
            }));
            None
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
