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
    let attempt = status.map_or(0, |status| status.attempt_number().0);
    let detail = match detail(fleet, instance) {
        detail if detail.is_empty() && attempt > 1 => format!("attempt {attempt}"),
        detail => detail,
    };
    Row {
        instance: instance.to_string(),
        state: status.map_or(Name::Waiting, |status| status.state.name()),
        detail,
        since: status.and_then(Status::since),
    }
}

/// What there is to say about an instance beside its state: what it waits for, why it ended, what is still to come.
pub fn detail(fleet: &Fleet, instance: &Instance) -> String {
    let parts = [of_state(fleet, instance), to_come(fleet, instance).unwrap_or_default().to_owned()];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
}

/// What the state itself has to say: a reason, a pause, an attempt that is out of date.
pub fn of_state(fleet: &Fleet, instance: &Instance) -> String {
    let Some(status) = fleet.statuses.get(instance) else {
        return waits_for(fleet, instance).unwrap_or_default();
    };
    let next = status.attempt_number().next();
    match &status.state {
        State::Waiting { not_before: Some(until) } => {
            let pause = format!("attempt {next} not before {}", full(*until));
            last_failure(status).map_or_else(|| pause.clone(), |reason| format!("{pause}: {reason}"))
        }
        State::Waiting { not_before: None } if fleet.is_untried(instance) => {
            waits_for(fleet, instance).unwrap_or_default()
        }
        State::Waiting { not_before: None } | State::Stopping { then: Then::Replaced } => {
            format!("attempt {next} follows")
        }
        state => {
            let dated = fleet.wanted(instance).and_then(|wanted| to_be_replaced(&wanted, status));
            state.reason().map(str::to_owned).or(dated).unwrap_or_default()
        }
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

/// What is wanted of an instance that is not simply to run, as far as its state does not say so by itself.
pub fn to_come(fleet: &Fleet, instance: &Instance) -> Option<&'static str> {
    let state = fleet.statuses.get(instance).map_or(&State::NEW, |status| &status.state);
    let settled = state.is_final() || matches!(state, State::Stopping { .. });
    match intent(fleet, instance)? {
        Intent::Run => None,
        Intent::Remove if settled => Some("removed"),
        Intent::Remove => Some("to be stopped and removed"),
        Intent::Forget => Some("forgotten"),
        Intent::Stop if matches!(state, State::Stopped | State::Stopping { .. }) => Some(""),
        Intent::Suspend if matches!(state, State::Suspended | State::Stopping { .. }) => Some(""),
        Intent::Stop if settled => Some("stopped"),
        Intent::Suspend if settled => Some("suspended"),
        Intent::Stop => Some("to be stopped"),
        Intent::Suspend => Some("to be suspended"),
    }
}

fn to_be_replaced(wanted: &Wanted<'_>, status: &Status) -> Option<String> {
    let attempt = status.attempt.as_ref()?;
    let replaced = attempt.generation < wanted.goal.replace && status.state.is_live();
    replaced.then(|| format!("out of date: generation {} of {}", attempt.generation, wanted.goal.generation))
}

/// When the state was reached: by the record, or the making of the instance where nothing has happened to it.
pub fn since(fleet: &Fleet, instance: &Instance) -> Option<Timestamp> {
    let recorded = fleet.statuses.get(instance).and_then(Status::since);
    recorded.or_else(|| match instance.run_id() {
        None => fleet.desired.get(&instance.job).map(|desired| desired.change.at),
        Some(id) => fleet.runs.get(&id).map(|run| run.change.at),
    })
}
