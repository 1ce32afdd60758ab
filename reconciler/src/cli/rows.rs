//! Instances as lines of a table: where each is, and what there is to say about it.

use jiff::Timestamp;
use windlass_core::desired::Intent;
use windlass_core::edge::{Upstream, Verdict, judge};
use windlass_core::fleet::{Fleet, Wanted};
use windlass_core::id::Instance;
use windlass_core::state::{Name, State, Then};
use windlass_core::status::Status;

use super::progress::Row;
use super::time::full;

/// The lines of some instances, in their order.
pub fn rows(fleet: &Fleet, instances: &[Instance]) -> Vec<Row> {
    instances.iter().map(|instance| row(fleet, instance)).collect()
}

/// The line of an instance.
pub fn row(fleet: &Fleet, instance: &Instance) -> Row {
    let status = fleet.statuses.get(instance);
    Row {
        instance: instance.to_string(),
        state: status.map_or(Name::Waiting, |status| status.state.name()),
        detail: detail(fleet, instance),
        since: status.and_then(Status::since),
    }
}

/// What there is to say about an instance beside its state: what it waits for, why it ended, what is still to come.
pub fn detail(fleet: &Fleet, instance: &Instance) -> String {
    let status = fleet.statuses.get(instance);
    let about_state = status.map_or_else(String::new, of_state);
    let waits = || waits_for(fleet, instance).unwrap_or_default();
    let first = match status {
        None => waits(),
        Some(Status { state: State::Waiting { not_before: None }, attempt: None, .. }) => waits(),
        Some(_) => about_state,
    };
    let to_come =
        fleet.wanted(instance).and_then(|wanted| to_come(intent(fleet, instance)?, &wanted, status));
    [Some(first), to_come]
        .into_iter()
        .flatten()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("; ")
}

/// What the state itself has to say.
fn of_state(status: &Status) -> String {
    let attempt = status.attempt_number();
    match &status.state {
        State::Waiting { not_before: Some(until) } => {
            let next = format!("attempt {} not before {}", attempt.next(), full(*until));
            match last_failure(status) {
                Some(reason) => format!("{next}: {reason}"),
                None => next,
            }
        }
        State::Waiting { not_before: None } => format!("attempt {} follows", attempt.next()),
        State::Stopping { then: Then::Replaced } => format!("attempt {} follows", attempt.next()),
        state => match (state.reason(), attempt.0) {
            (Some(reason), _) => reason.to_owned(),
            (None, 0 | 1) => String::new(),
            (None, attempt) => format!("attempt {attempt}"),
        },
    }
}

/// Why the last attempt failed, as far as the record remembers.
pub fn last_failure(status: &Status) -> Option<&str> {
    let failed = |to| matches!(to, Name::Failed | Name::Lost);
    let step = status.transitions.iter().rev().find(|step| failed(step.to))?;
    step.reason.as_deref()
}

/// What an instance that has not started waits for.
pub fn waits_for(fleet: &Fleet, instance: &Instance) -> Option<String> {
    let reasons = fleet.upstreams(instance).into_iter().filter_map(|upstream| {
        (judge(&upstream) != Verdict::Met).then(|| format!("{} ({})", upstream.edge.job, how(&upstream)))
    });
    let reasons: Vec<_> = reasons.collect();
    (!reasons.is_empty()).then(|| format!("for {}", reasons.join(", ")))
}

/// What is wanted of an instance. A run that is over keeps what was wanted in it; that its job has left the project
/// counts all the same.
pub fn intent(fleet: &Fleet, instance: &Instance) -> Option<Intent> {
    let of_job = fleet.desired.get(&instance.job).map(|desired| desired.goal.intent);
    let own = fleet.wanted(instance).map(|wanted| wanted.goal.intent);
    of_job.filter(|intent| !intent.belongs()).or(own)
}

/// How an upstream stands, in a word or two.
fn how(upstream: &Upstream) -> String {
    match &upstream.standing {
        None => "not in the project".to_owned(),
        Some(standing) if !standing.current => "its last change not yet taken in".to_owned(),
        Some(standing) => standing.state.to_string(),
    }
}

/// What is wanted and is not so yet.
fn to_come(intent: Intent, wanted: &Wanted<'_>, status: Option<&Status>) -> Option<String> {
    let state = status.map_or(&State::NEW, |status| &status.state);
    let settled = state.is_final() || matches!(state, State::Stopping { .. });
    match intent {
        Intent::Remove if settled => Some("removed".to_owned()),
        Intent::Remove => Some("to be stopped and removed".to_owned()),
        Intent::Forget => Some("forgotten: not looked after any more".to_owned()),
        Intent::Stop if !settled => Some("to be stopped".to_owned()),
        Intent::Suspend if !settled => Some("to be suspended".to_owned()),
        Intent::Run => to_be_replaced(wanted, status?),
        Intent::Stop | Intent::Suspend => None,
    }
}

fn to_be_replaced(wanted: &Wanted<'_>, status: &Status) -> Option<String> {
    let attempt = status.attempt.as_ref()?;
    let replaced = attempt.generation < wanted.goal.replace && status.state.is_live();
    let follows = matches!(status.state, State::Stopping { .. });
    (replaced && !follows)
        .then(|| format!("out of date: generation {} of {}", attempt.generation, wanted.goal.generation))
}

/// When the state was reached: by the record, or the making of the instance where nothing has happened to it.
pub fn since(fleet: &Fleet, instance: &Instance) -> Option<Timestamp> {
    let recorded = fleet.statuses.get(instance).and_then(Status::since);
    recorded.or_else(|| match instance.run_id() {
        None => fleet.desired.get(&instance.job).map(|desired| desired.change.at),
        Some(id) => fleet.runs.get(&id).map(|run| run.change.at),
    })
}
