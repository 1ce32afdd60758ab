//! Instances as lines of a table: where each is, and what there is to say about it.

use windlass_core::desired::Intent;
use windlass_core::edge::{Verdict, judge};
use windlass_core::fleet::Fleet;
use windlass_core::id::Instance;
use windlass_core::state::{Name, State};
use windlass_core::status::Status;

use super::progress::Row;

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
        detail: detail(fleet, instance, status),
        since: status.and_then(Status::since),
    }
}

/// What there is to say about an instance beside its state.
fn detail(fleet: &Fleet, instance: &Instance, status: Option<&Status>) -> String {
    let state = status.map_or(&State::NEW, |status| &status.state);
    let attempt = status.map_or(0, |status| status.attempt_number().0);
    match state {
        State::Waiting { not_before: Some(until) } => {
            format!("attempt {} not before {until:.0}", attempt + 1)
        }
        State::Waiting { not_before: None } if attempt == 0 => waits_for(fleet, instance),
        _ => match (state.reason(), attempt) {
            (Some(reason), _) => reason.to_owned(),
            (None, 0 | 1) => intent(fleet, instance).to_owned(),
            (None, attempt) => format!("attempt {attempt}"),
        },
    }
}

/// What an instance that has not started waits for.
pub fn waits_for(fleet: &Fleet, instance: &Instance) -> String {
    let reasons = fleet.upstreams(instance).into_iter().filter_map(|upstream| match judge(&upstream) {
        Verdict::Met => None,
        Verdict::Pending(reason) | Verdict::Never(reason) => Some(reason),
    });
    let reasons: Vec<_> = reasons.collect();
    if reasons.is_empty() { String::new() } else { format!("waits: {}", reasons.join(", ")) }
}

fn intent(fleet: &Fleet, instance: &Instance) -> &'static str {
    match fleet.wanted(instance).map(|wanted| wanted.goal.intent) {
        Some(Intent::Remove) => "removed",
        Some(Intent::Forget) => "forgotten",
        _ => "",
    }
}
