//! What a cluster's word does to a status.
//!
//! Order does not matter and repetition does no harm: the same sight folded twice changes nothing the second time.

use jiff::{SignedDuration, Timestamp};
use windlass_compiler::model::Mode;

use crate::draft::Draft;
use crate::event::Event;
use crate::fault::{Rule, is_off};
use crate::id::Instance;
use crate::observed::{End, Observation, Phase, Sight};
use crate::retry;
use crate::spec::Spec;
use crate::state::{IllegalEvent, State, Submission};
use crate::status::Attempt;

/// How long a silent cluster is given before what we know counts as unknown.
pub const PATIENCE: SignedDuration = SignedDuration::from_secs(10);
/// How many good answers in a row must miss an attempt before it counts as gone.
pub const ABSENCES: u32 = 3;
/// The pause between two such answers.
pub const RECHECK: SignedDuration = SignedDuration::from_millis(500);

/// Folds what the cluster says of the current attempt into the draft. Returns when to look again, if time alone
/// will change the answer.
pub fn fold(
    draft: &mut Draft<'_>,
    instance: &Instance,
    spec: &Spec,
    sight: &Sight,
) -> Result<Option<Timestamp>, IllegalEvent> {
    if matches!(draft.state(), State::Lost { .. }) {
        return found(draft, spec, sight).map(|()| None);
    }
    if !draft.state().is_live() {
        return Ok(None);
    }
    match sight {
        Sight::Unseen => Ok(None),
        Sight::Silent { reason, .. } if is_off(Rule::SilenceIsNotAbsence) => {
            gone(draft, spec, reason)?;
            Ok(None)
        }
        Sight::Refused { reason } => {
            heard(draft)?;
            end(draft, spec, &Event::Failed { reason: reason.clone() }, None).map(|()| None)
        }
        Sight::Silent { since, reason } => silent(draft, *since, reason),
        Sight::Absent { times } => {
            heard(draft)?;
            absent(draft, spec, *times)
        }
        Sight::Seen(observation) => {
            heard(draft)?;
            seen(draft, instance, spec, observation)
        }
    }
}

/// A cluster that does not answer: the last state stays, until patience ends.
fn silent(draft: &mut Draft<'_>, since: Timestamp, reason: &str) -> Result<Option<Timestamp>, IllegalEvent> {
    if matches!(draft.state(), State::Unknown { .. }) {
        return Ok(None);
    }
    let until = since + PATIENCE;
    if draft.now() < until {
        return Ok(Some(until));
    }
    draft.happen(&Event::Silent { reason: reason.to_owned() })?;
    Ok(None)
}

/// A cluster that answers again.
pub(crate) fn heard(draft: &mut Draft<'_>) -> Result<(), IllegalEvent> {
    match draft.state() {
        State::Unknown { .. } => draft.happen(&Event::Heard),
        _ => Ok(()),
    }
}

/// A good answer without the attempt in it.
fn absent(draft: &mut Draft<'_>, spec: &Spec, times: u32) -> Result<Option<Timestamp>, IllegalEvent> {
    let recorded = draft.status().attempt.as_ref().is_some_and(|attempt| attempt.uid.is_some());
    match draft.state() {
        State::Submitting(Submission::Intended) => Ok(None),
        // Nothing was recorded as created, so nothing can be activated: a late create stays suspended, and is
        // swept.
        State::Stopping { .. } if !recorded => end(draft, spec, &Event::Ended, None).map(|()| None),
        _ if times < ABSENCES => Ok(Some(draft.now() + RECHECK)),
        _ => gone(draft, spec, "its cluster no longer has it").map(|()| None),
    }
}

/// What was given up as lost, and is shown after all, was not lost: it runs, or nobody knew how it ended and now that
/// is known.
fn found(draft: &mut Draft<'_>, spec: &Spec, sight: &Sight) -> Result<(), IllegalEvent> {
    let Sight::Seen(Observation { uid, phase, .. }) = sight else { return Ok(()) };
    let is_ours = |attempt: &Attempt| attempt.uid.as_ref() == Some(uid);
    if !draft.status().attempt.as_ref().is_some_and(is_ours) {
        return Ok(());
    }
    match phase {
        Phase::Running { since } => {
            draft.happen(&Event::Started { since: *since })?;
            draft.with_attempt(|attempt| attempt.ended = None);
            Ok(())
        }
        Phase::Ended { at, started, end } => {
            // It was counted as a failure when it was lost.
            draft.happen(&ended(spec.mode, false, end))?;
            draft.with_attempt(|attempt| {
                attempt.started = started.or(attempt.started);
                attempt.ended = Some(*at);
            });
            Ok(())
        }
        Phase::Suspended | Phase::Starting | Phase::Impaired { .. } | Phase::Vanished { .. } => Ok(()),
    }
}

fn gone(draft: &mut Draft<'_>, spec: &Spec, reason: &str) -> Result<(), IllegalEvent> {
    end(draft, spec, &Event::Lost { reason: reason.to_owned() }, None)
}

/// The cluster shows an object under the attempt's name.
fn seen(
    draft: &mut Draft<'_>,
    instance: &Instance,
    spec: &Spec,
    observation: &Observation,
) -> Result<Option<Timestamp>, IllegalEvent> {
    if let Some(reason) = foreign(draft, instance, observation) {
        return end(draft, spec, &Event::Failed { reason }, None).map(|()| None);
    }
    record_uid(draft, observation)?;
    match &observation.phase {
        Phase::Suspended | Phase::Starting => Ok(None),
        Phase::Running { since } => running(draft, spec, *since),
        Phase::Impaired { reason } => impaired(draft, reason).map(|()| None),
        Phase::Ended { at, started, end: how } => {
            if let Some(started) = started {
                draft.with_attempt(|attempt| attempt.started = Some(*started));
            }
            let event = ended(spec.mode, matches!(draft.state(), State::Stopping { .. }), how);
            end(draft, spec, &event, Some(*at)).map(|()| None)
        }
        Phase::Vanished { reason } => gone(draft, spec, reason).map(|()| None),
    }
}

/// Why the object is not the attempt's, if it is not.
fn foreign(draft: &Draft<'_>, instance: &Instance, observation: &Observation) -> Option<String> {
    let attempt = draft.status().attempt.as_ref()?;
    let label = &observation.label;
    if label.instance != *instance || label.attempt != attempt.number {
        return Some(format!("the name {} is taken by {}", observation.name, label.instance));
    }
    match &attempt.uid {
        Some(uid) if *uid != observation.uid && !is_off(Rule::RecordedUid) => {
            Some(format!("{} was deleted and made anew by somebody else", observation.name))
        }
        _ => None,
    }
}

/// Records the uid of an object that was only intended so far.
pub(crate) fn record_uid(draft: &mut Draft<'_>, observation: &Observation) -> Result<(), IllegalEvent> {
    let attempt = draft.status().attempt.as_ref();
    if attempt.is_none_or(|attempt| attempt.uid.is_some()) {
        return Ok(());
    }
    if matches!(draft.state(), State::Submitting(Submission::Intended)) {
        draft.happen(&Event::Created { uid: observation.uid.clone() })?;
    }
    draft.with_attempt(|attempt| attempt.uid = Some(observation.uid.clone()));
    Ok(())
}

/// It runs: that counts once it has run for as long as its spec asks for.
fn running(draft: &mut Draft<'_>, spec: &Spec, since: Timestamp) -> Result<Option<Timestamp>, IllegalEvent> {
    if matches!(draft.state(), State::Running { .. } | State::Stopping { .. }) {
        return Ok(None);
    }
    let ready = retry::later(since, spec.terms.ready);
    if draft.now() < ready {
        return Ok(Some(ready));
    }
    draft.happen(&Event::Started { since })?;
    draft.with_attempt(|attempt| attempt.started = Some(since));
    Ok(None)
}

fn impaired(draft: &mut Draft<'_>, reason: &str) -> Result<(), IllegalEvent> {
    match draft.state() {
        State::Stopping { .. } => Ok(()),
        State::Degraded { reason: known } if known == reason => Ok(()),
        _ => draft.happen(&Event::Impaired { reason: reason.to_owned() }),
    }
}

/// What an end means: the one place where the mode decides.
fn ended(mode: Mode, stopping: bool, how: &End) -> Event {
    match (how, mode) {
        (End::Succeeded, Mode::Batch) => Event::Succeeded,
        (End::Succeeded, Mode::Stream) if stopping => Event::Ended,
        (End::Succeeded, Mode::Stream) => {
            Event::Failed { reason: "it ended by itself, with success; a stream should not end".to_owned() }
        }
        (End::Failed(reason), _) => Event::Failed { reason: reason.clone() },
        (End::Stopped, _) if stopping => Event::Ended,
        (End::Stopped, _) => Event::Failed { reason: "it was stopped from outside".to_owned() },
    }
}

/// Ends the attempt, and counts it if it failed.
fn end(draft: &mut Draft<'_>, spec: &Spec, event: &Event, at: Option<Timestamp>) -> Result<(), IllegalEvent> {
    draft.happen(event)?;
    let at = at.unwrap_or(draft.now());
    draft.with_attempt(|attempt| attempt.ended = Some(at));
    if matches!(draft.state(), State::Failed { .. } | State::Lost { .. }) {
        let now = draft.now();
        let failures = &mut draft.edit().failures;
        failures.push(now);
        retry::forget(&spec.terms.retry, failures);
    }
    Ok(())
}
